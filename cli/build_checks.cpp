#include "cli/build_checks.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include "cli/services.h"
#include "packager/tar.h"
#include "packager/work_folder.h"

namespace mlship {
namespace {

class OtherUmask {
 public:
  OtherUmask() : before_(umask(0)) { umask((before_ ^ 0027U) & 0077U); }
  ~OtherUmask() { umask(before_); }
  OtherUmask(const OtherUmask&) = delete;
  OtherUmask& operator=(const OtherUmask&) = delete;

 private:
  mode_t before_;
};

std::string first_difference(const BuildResult& a, const BuildResult& b) {
  for (size_t i = 0; i < a.layers.size() && i < b.layers.size(); ++i) {
    if (a.layers[i].path != b.layers[i].path || a.layers[i].digest != b.layers[i].digest)
      return a.layers[i].path;
  }
  return a.layers.size() == b.layers.size() ? "the manifest" : "the number of layers";
}

}  // namespace

void verify_build(Services& services, BuildOptions options, const BuildResult& built) {
  const OtherUmask umask;
  options.output = services.scratch() / "verify";
  options.use_stat_cache = false;
  const BuildResult again =
      build(services.package_project(), options, services.host(), services.diagnostics());
  if (again.digest == built.digest) return;
  throw Error(ErrorCode::verification, fmt::format("cannot verify {} {}: built again it has another digest",
                                                   built.name, built.version.str()))
      .fact("first", built.digest.str())
      .fact("second", again.digest.str())
      .fact("differs", first_difference(built, again));
}

void write_archive(const Path& layout, const Path& file) {
  std::vector<TarMember> members;
  const std::vector<Path> paths = fs::walk(layout);
  for (const auto& path : paths) {
    const Path full = layout / path;
    const auto size = fs::stat(full)->size;
    members.push_back({path.native(), false, size, [full](const std::function<void(std::string_view)>& sink) {
                         fs::read_chunks(full, sink);
                       }});
  }
  const Path folder = file.parent_path().empty() ? Path(".") : file.parent_path();
  fs::make_folders(folder);
  const WorkFolder work(folder);
  fs::Writer writer(work.path() / "archive");
  write_tar(std::move(members), [&](std::string_view data) { writer.write(data); });
  writer.close();
  fs::rename(work.path() / "archive", file);
  fs::sync_folder(folder);
}

}  // namespace mlship
