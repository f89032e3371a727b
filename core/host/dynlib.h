// A shared library loaded on first use: linking libcurl, libgit2 and libarchive would cost every start
// milliseconds.
#pragma once

#include <string>

#include <dlfcn.h>

#include "core/error.h"

namespace mlship {

class DynamicLibrary {
 public:
  // soname: "libgit2.so.1.5". Throws Error(io) with the package to install. Never unloaded.
  DynamicLibrary(const char* soname, const char* debian_package)
      : handle_(dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      throw Error(ErrorCode::io, std::string("cannot load ") + soname + ": the library is missing or damaged")
          .hint(std::string("apt-get install ") + debian_package);
    }
  }

  // Usage: decltype(&git_repository_open) open; lib.bind(open, "git_repository_open");
  template <typename Function>
  void bind(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(dlsym(handle_, name));
    if (function == nullptr) throw Error(ErrorCode::internal, std::string("symbol not found: ") + name);
  }

 private:
  void* handle_;
};

}  // namespace mlship
