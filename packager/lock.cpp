#include "packager/lock.h"

#include "core/error.h"

namespace mlship {

Lock read_lock(std::string_view text, const std::string& file) {
  const std::string_view name = std::string_view(file).substr(file.rfind('/') + 1);
  std::string known;
  for (const auto* factory : lock_factories()) {
    if (factory->detect(name, text)) return factory->read(text, file);
    known += (known.empty() ? "" : ", ") + std::string(factory->name);
  }
  throw Error(ErrorCode::lock, "cannot read " + file + ": not a lock format mlship knows")
      .fact("known", known);
}

}  // namespace mlship
