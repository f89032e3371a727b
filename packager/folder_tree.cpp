// The source tree of a folder as it is on disk.
#include <cerrno>
#include <unordered_set>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/fs_list.h"
#include "packager/raw_tree.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_source = 2ULL << 30U;  // bytes

class FolderTree final : public RawTree {
 public:
  FolderTree(Path folder, const std::vector<std::string>& left_out)
      : folder_(std::move(folder)), open_(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    for (const auto& path : left_out)
      left_out_.insert(path.ends_with('/') ? path.substr(0, path.size() - 1) : path);
  }
  ~FolderTree() override {
    if (open_ >= 0) ::close(open_);
  }
  FolderTree(const FolderTree&) = delete;
  FolderTree& operator=(const FolderTree&) = delete;

  [[nodiscard]] std::optional<RawEntry> look(const std::string& path) const override {
    if (is_left_out(path)) return std::nullopt;
    const Path file = path.empty() ? folder_ : folder_ / path;
    const auto s = path.empty() ? fs::stat(file) : fs::lstat(file);
    if (!s) return std::nullopt;
    return convert(file, *s);
  }

  [[nodiscard]] std::vector<std::pair<std::string, RawEntry>> list(const std::string& folder) const override {
    std::vector<std::pair<std::string, RawEntry>> out;
    const Path whole = folder_ / folder;
    auto found = fs::list_stats(whole);
    out.reserve(found.size());
    const std::string prefix = folder.empty() ? "" : folder + "/";
    for (auto& [name, s] : found) {
      if (!left_out_.empty() && left_out_.contains(prefix + name)) continue;
      RawEntry entry = s.kind == fs::Kind::link ? convert(whole / name, s) : convert({}, s);
      out.emplace_back(std::move(name), std::move(entry));
    }
    return out;
  }

  // Without fstat(): the size it was listed with is the size it must have.
  void read(std::string_view path, std::uint64_t size, std::string& into) const override {
    const std::string name(path);
    if (size > largest_source) {
      throw Error(ErrorCode::io, "cannot read " + (folder_ / name).string() + ": larger than " +
                                     std::to_string(largest_source) + " bytes");
    }
    // By the open folder: the kernel does not walk the way to the project again for each.
    const int fd =
        ::openat(open_ >= 0 ? open_ : AT_FDCWD, open_ >= 0 ? name.c_str() : (folder_ / name).c_str(),
                 O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) fs::fail(errno, "open", folder_ / name);
    into.resize(static_cast<size_t>(size) + 1);
    const ssize_t got = read_up_to(fd, into.data(), into.size());
    const int failed = errno;
    ::close(fd);
    if (got < 0) fs::fail(failed, "read", folder_ / name);
    into.resize(static_cast<size_t>(got));
    if (into.size() == size) return;
    throw Error(ErrorCode::source_tree, "cannot read " + name + ": it changed while it was read")
        .fact("size before", std::to_string(size));
  }

 private:
  // Itself, or a folder above it.
  [[nodiscard]] bool is_left_out(const std::string& path) const {
    if (left_out_.empty()) return false;
    for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
      if (left_out_.contains(path.substr(0, end))) return true;
    }
    return left_out_.contains(path);
  }

  // Bytes read: `length - 1` when the file ends where it should, which one read tells by coming back short.
  static ssize_t read_up_to(int fd, char* buffer, size_t length) {
    size_t done = 0;
    while (done < length) {
      const ssize_t n = ::read(fd, buffer + done, length - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -1;
      done += static_cast<size_t>(n);
      if (n == 0 || done + 1 == length) break;
    }
    return static_cast<ssize_t>(done);
  }

  // `file` is needed for a link only.
  static RawEntry convert(const Path& file, const fs::Stat& s) {
    RawEntry entry{RawEntry::Kind::other,
                   s.executable(),
                   s.size,
                   {},
                   FileIdentity{s.device, s.inode, s.mtime_ns, s.ctime_ns}};
    if (s.kind == fs::Kind::file) entry.kind = RawEntry::Kind::file;
    if (s.kind == fs::Kind::folder) entry.kind = RawEntry::Kind::folder;
    if (s.kind == fs::Kind::link) {
      entry.kind = RawEntry::Kind::link;
      std::error_code failed;
      entry.target = std::filesystem::read_symlink(file, failed).string();
    }
    return entry;
  }

  Path folder_;
  std::unordered_set<std::string> left_out_;
  int open_;  // -1: it cannot be opened, and whoever looks into it says why
};

}  // namespace

std::unique_ptr<SourceTree> folder_tree(const Path& project, const TreeSelection& selection,
                                        const std::vector<std::string>& left_out) {
  return make_source_tree(std::make_unique<FolderTree>(project, left_out), selection, "");
}

}  // namespace mlship
