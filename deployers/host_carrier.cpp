// Runnable trees under install-root and files in library-path: made beside their place, verified, then given
// their name in one step that never replaces anything.
#include <array>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/fs.h"
#include "core/names.h"
#include "deployers/host_destination.h"

namespace mlship {
namespace {

constexpr std::string_view temporary_prefix = ".mlship-";

// A folder being filled. Its flock dies with the process, so whoever gets the lock of such a folder knows
// that its maker is gone.
class Workshop {
 public:
  Workshop(const Path& parent, const std::string& tag) {
    path_ = parent / fs::unique_name(std::string(temporary_prefix) + tag + "-");
    if (::mkdir(path_.c_str(), 0700) != 0) fs::fail(errno, "make the folder", path_);
    fd_ = lock(path_);
  }
  ~Workshop() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    if (fd_ >= 0) ::close(fd_);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  [[nodiscard]] const Path& path() const { return path_; }

  // Removes what killed runs left in `parent`.
  static void clear_abandoned(const Path& parent) {
    if (!fs::exists(parent)) return;
    for (const auto& name : fs::list(parent)) {
      if (!name.starts_with(temporary_prefix)) continue;
      const int fd = lock(parent / name);
      if (fd < 0) continue;
      fs::remove_tree(parent / name);
      ::close(fd);
    }
  }

 private:
  static int lock(const Path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return -1;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    ::close(fd);
    return -1;
  }

  Path path_;
  int fd_ = -1;
};

[[noreturn]] void refuse(const Carrier& carrier, const std::string& why) {
  throw Error(ErrorCode::bad_plan, "cannot place " + carrier.place + ": " + why)
      .hint("mlship plan --out FILE");
}

[[noreturn]] void other_content(const Path& path, const Release& release, const std::string& difference) {
  throw Error(ErrorCode::version_exists, "cannot place " + path.string() +
                                             ": it is there with other content than " + release.package +
                                             " " + release.version.str())
      .fact("differs", difference)
      .hint("mv " + path.string() + " " + path.string() + ".other");
}

const Output* output_of(const Path& path, const Carrier& carrier, const Release& release) {
  for (const auto& output : release.outputs) {
    if (output.digest == carrier.digest && output.filename == path.filename()) return &output;
  }
  return nullptr;
}

// Plans and ledgers come from outside: only <root>/<this package>/<this version> is ever made.
void check_tree_place(const HostPlaces& places, const Path& path, const Carrier& carrier,
                      const Release& release) {
  const bool under_root =
      !places.install_root.empty() && path.parent_path().parent_path() == Path(places.install_root);
  const auto version = Version::parse(path.filename().string(), release.version.scheme());
  if (!under_root) refuse(carrier, "it is not under install-root of [targets." + places.target + "]");
  if (normalize_name(path.parent_path().filename().string()) != release.package || !version ||
      *version != release.version || carrier.digest != release.digest) {
    refuse(carrier, "it is not the place of " + release.package + " " + release.version.str());
  }
}

bool place_tree(const HostPlaces& places, const Path& path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::string& tag) {
  check_tree_place(places, path, carrier, release);
  const auto present = [&] {
    const std::string difference = source.check_tree(release, path);
    if (!difference.empty()) other_content(path, release, difference);
    return false;
  };
  const Path parent = path.parent_path();
  Workshop::clear_abandoned(parent);
  if (fs::lstat(path)) return present();
  fs::make_folders_durable(parent);
  const Workshop workshop(parent, tag);
  const Path made = workshop.path() / "tree";
  source.make_tree(release, made);
  const std::string difference = source.check_tree(release, made);
  if (!difference.empty()) {
    throw Error(ErrorCode::verification,
                "cannot place " + path.string() + ": the tree that was made is wrong")
        .fact("differs", difference);
  }
  if (!fs::rename_no_replace(made, path)) return present();
  fs::sync_folder(parent);
  return true;
}

bool place_file(const HostPlaces& places, const Path& path, const Carrier& carrier, const Release& release,
                ReleaseSource& source, const std::string& tag) {
  const Output* output = output_of(path, carrier, release);
  const Path parent = path.parent_path();
  if (output == nullptr) {
    refuse(carrier, release.package + " " + release.version.str() + " has no such output");
  }
  if (places.library_path.empty() || parent != Path(places.library_path)) {
    refuse(carrier, "it is not in library-path of [targets." + places.target + "]");
  }
  const auto present = [&] {
    const Digest there = fs::hash_file(path);
    if (there != output->digest) other_content(path, release, there.str() + ", not " + output->digest.str());
    return false;
  };
  Workshop::clear_abandoned(parent);
  if (fs::lstat(path)) return present();
  fs::make_folders_durable(parent);
  const Workshop workshop(parent, tag);
  const Path made = workshop.path() / "file";
  source.write_output(release, *output, made);
  if (fs::hash_file(made) != output->digest) {
    throw Error(ErrorCode::verification,
                "cannot place " + path.string() + ": what was written has another sha256");
  }
  fs::sync_file(made);
  if (!fs::rename_no_replace(made, path)) return present();
  fs::sync_folder(parent);
  return true;
}

bool tree_ok(const Path& path, const Release& release, ReleaseSource& source) {
  const auto stat = fs::stat(path);
  return stat && stat->kind == fs::Kind::folder && source.check_tree(release, path).empty();
}

struct CarrierRow {
  std::string_view prefix;
  bool (*place)(const HostPlaces&, const Path&, const Carrier&, const Release&, ReleaseSource&,
                const std::string&);
};
constexpr auto rows = std::to_array<CarrierRow>({{"tree:", place_tree}, {"file:", place_file}});

}  // namespace

bool place_host_carrier(const HostPlaces& places, const Carrier& carrier, const Release& release,
                        ReleaseSource& source, const std::string& tag) {
  for (const auto& row : rows) {
    if (!carrier.id.starts_with(row.prefix)) continue;
    const Path path = carrier.id.substr(row.prefix.size());
    if (path.is_relative() || path != path.lexically_normal())
      refuse(carrier, "it is no plain absolute path");
    return row.place(places, path, carrier, release, source, tag);
  }
  refuse(carrier, "a carrier of this kind is not known");
}

bool host_carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) {
  for (const auto& row : rows) {
    if (!carrier.id.starts_with(row.prefix)) continue;
    const Path path = carrier.id.substr(row.prefix.size());
    if (row.place == place_tree) return tree_ok(path, release, source);
    return fs::exists(path) && fs::hash_file(path) == carrier.digest;
  }
  return false;
}

}  // namespace mlship
