// The only code that calls libarchive: its tar reader parses, we decide. A member is taken only when its
// header is, byte for byte, the one the canonical writer would write: no two readers can see two trees in
// such a file.
#include <algorithm>
#include <cerrno>
#include <limits>
#include <set>
#include <utility>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host/dynlib.h"
#include "packager/byte_file.h"
#include "packager/member_path.h"
#include "packager/tar.h"
#include "packager/tar_format.h"

namespace mlship {
namespace {

struct LibArchive {
  decltype(&archive_read_new) read_new{};
  decltype(&archive_read_free) read_free{};
  decltype(&archive_read_support_format_tar) support_tar{};
  decltype(&archive_read_open_filename) open_filename{};
  decltype(&archive_read_next_header) next_header{};
  decltype(&archive_read_data) read_data{};
  decltype(&archive_error_string) error_string{};
  decltype(&archive_entry_pathname) pathname{};
  decltype(&archive_entry_pathname_utf8) pathname_utf8{};
  decltype(&archive_entry_filetype) filetype{};
  decltype(&archive_entry_hardlink) hardlink{};
  decltype(&archive_entry_perm) perm{};
  decltype(&archive_entry_size) size{};

  LibArchive() {
    const DynamicLibrary library("libarchive.so.13", "libarchive13");
    library.bind(read_new, "archive_read_new");
    library.bind(read_free, "archive_read_free");
    library.bind(support_tar, "archive_read_support_format_tar");
    library.bind(open_filename, "archive_read_open_filename");
    library.bind(next_header, "archive_read_next_header");
    library.bind(read_data, "archive_read_data");
    library.bind(error_string, "archive_error_string");
    library.bind(pathname, "archive_entry_pathname");
    library.bind(pathname_utf8, "archive_entry_pathname_utf8");
    library.bind(filetype, "archive_entry_filetype");
    library.bind(hardlink, "archive_entry_hardlink");
    library.bind(perm, "archive_entry_perm");
    library.bind(size, "archive_entry_size");
  }
};

const LibArchive& lib() {
  static const LibArchive loaded;
  return loaded;
}

constexpr size_t chunk_size = 256U << 10U;  // bytes

struct Member {
  std::string path;
  bool folder = false;
  bool executable = false;
  std::uint64_t size = 0;
};

class Reader {
 public:
  explicit Reader(const Path& tar)
      : shown_(tar.string()), bytes_(tar), archive_(lib().read_new(), lib().read_free) {
    lib().support_tar(archive_.get());
    if (bytes_.size() < tar_trailer ||
        lib().open_filename(archive_.get(), tar.c_str(), chunk_size) != ARCHIVE_OK) {
      refuse("it is not a tar");
    }
  }

  // False at the end, after the trailer has been checked.
  bool next(Member& member) {
    archive_entry* entry = nullptr;
    const int result = lib().next_header(archive_.get(), &entry);
    if (result == ARCHIVE_EOF) {
      finish();
      return false;
    }
    // A warning says that the locale cannot spell the path; the comparison of the header decides.
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) refuse(reason());
    member = convert(entry);
    check_order(member);
    const std::string expected = tar_headers(member.path, member.folder, member.executable, member.size);
    if (bytes_.read(offset_, expected.size()) != expected) {
      refuse("the header of '" + printable(member.path) + "' is not canonical");
    }
    offset_ += expected.size() + member.size + tar_padding(member.size);
    if (member.size > bytes_.size() || offset_ > bytes_.size()) refuse("it is cut off");
    zeros(offset_ - tar_padding(member.size), tar_padding(member.size));
    return true;
  }

  void content(const Member& member, const std::function<void(std::string_view)>& sink) {
    std::string buffer(chunk_size, '\0');
    std::uint64_t left = member.size;
    while (left > 0) {
      const auto wanted = static_cast<size_t>(std::min<std::uint64_t>(left, buffer.size()));
      const auto n = lib().read_data(archive_.get(), buffer.data(), wanted);
      if (n <= 0) refuse("'" + printable(member.path) + "' is cut off");
      sink(std::string_view(buffer.data(), static_cast<size_t>(n)));
      left -= static_cast<std::uint64_t>(n);
    }
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::archive, "cannot read " + shown_ + ": " + why);
  }

 private:
  [[nodiscard]] std::string reason() const {
    const char* text = lib().error_string(archive_.get());
    return text == nullptr ? "it is not a tar" : printable(text);
  }

  Member convert(archive_entry* entry) const {
    const char* name = lib().pathname_utf8(entry);
    if (name == nullptr) name = lib().pathname(entry);
    if (name == nullptr) refuse("a member has no readable path");
    Member out;
    out.path = name;
    const auto type = lib().filetype(entry);
    if (lib().hardlink(entry) != nullptr || (type != AE_IFREG && type != AE_IFDIR)) {
      refuse("'" + printable(out.path) + "' is a link or a special file");
    }
    out.folder = type == AE_IFDIR;
    if (out.folder && out.path.ends_with('/')) out.path.pop_back();
    if (const auto fault = path_fault(out.path); !fault.empty()) {
      refuse("the path '" + printable(out.path) + "' is refused: " + std::string(fault));
    }
    if (!is_nfc(out.path)) refuse("the path '" + out.path + "' is not in Unicode normal form C");
    const auto mode = lib().perm(entry);
    if (mode != 0755 && (out.folder || mode != 0644))
      refuse("the mode of '" + out.path + "' is not canonical");
    out.executable = mode == 0755;
    const auto size = lib().size(entry);
    if (size < 0 || (out.folder && size != 0)) refuse("the size of '" + out.path + "' is wrong");
    out.size = static_cast<std::uint64_t>(size);
    return out;
  }

  // Folders then files, each in bytewise order; exactly the folders that files need, so parents always come
  // first.
  void check_order(const Member& member) {
    const bool first_file = !member.folder && !files_begun_;
    if ((member.folder && files_begun_) || (!first_file && !last_.empty() && member.path <= last_)) {
      refuse("'" + member.path + "' is out of order or stands twice");
    }
    files_begun_ = files_begun_ || !member.folder;
    last_ = member.path;
    if (member.folder) {
      folders_.insert(member.path);
      return;
    }
    if (folders_.contains(member.path)) refuse("'" + member.path + "' is a file and also a folder");
    for (size_t slash = member.path.find('/'); slash != std::string::npos;
         slash = member.path.find('/', slash + 1)) {
      const std::string parent = member.path.substr(0, slash);
      if (!folders_.contains(parent)) refuse("the folder of '" + member.path + "' is missing");
      needed_.insert(parent);
    }
  }

  void finish() const {
    if (needed_.size() != folders_.size()) refuse("it has a folder without files");
    if (bytes_.size() != offset_ + tar_trailer) refuse("it does not end with exactly 1,024 zero bytes");
    zeros(offset_, tar_trailer);
  }

  void zeros(std::uint64_t offset, std::uint64_t length) const {
    const std::string data = bytes_.read(offset, length);
    if (data.size() != length || data.find_first_not_of('\0') != std::string::npos) {
      refuse("bytes that should be zero are not");
    }
  }

  std::string shown_;
  ByteFile bytes_;
  std::unique_ptr<archive, decltype(&archive_read_free)> archive_;
  std::uint64_t offset_ = 0;
  bool files_begun_ = false;
  std::string last_;
  std::set<std::string> folders_, needed_;
};

class Fd {
 public:
  Fd(int fd, const Path& path, std::string_view doing) : fd_(fd) {
    if (fd_ < 0) fs::fail(errno, doing, path);
  }
  ~Fd() { ::close(fd_); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Creates members below a folder, one path component at a time and never through a link: even one that
// somebody else puts there meanwhile leads nowhere.
class Extraction {
 public:
  explicit Extraction(Path into)
      : into_(std::move(into)),
        root_(::open(into_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), into_, "open") {}

  void folder(const Member& member) const {
    const auto parent = open_parent(member.path);
    if (::mkdirat(parent->get(), name(member).c_str(), 0755) != 0)
      fs::fail(errno, "create", into_ / member.path);
    const Fd made(::openat(parent->get(), name(member).c_str(), folder_flags), into_ / member.path, "open");
    if (::fchmod(made.get(), 0755) != 0) fs::fail(errno, "set the mode of", into_ / member.path);
  }

  void file(const Member& member, Reader& reader) const {
    const Path shown = into_ / member.path;
    const mode_t mode = member.executable ? 0755 : 0644;
    const auto parent = open_parent(member.path);
    const Fd out(::openat(parent->get(), name(member).c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode),
                 shown, "create");
    reader.content(member, [&](std::string_view data) { write_all(out.get(), data, shown); });
    // The umask does not decide what a tree looks like.
    if (::fchmod(out.get(), mode) != 0) fs::fail(errno, "set the mode of", shown);
  }

 private:
  static std::string name(const Member& member) { return member.path.substr(member.path.rfind('/') + 1); }

  static void write_all(int fd, std::string_view data, const Path& shown) {
    while (!data.empty()) {
      const ssize_t n = ::write(fd, data.data(), data.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fs::fail(errno, "write", shown);
      data.remove_prefix(static_cast<size_t>(n));
    }
  }

  [[nodiscard]] std::unique_ptr<Fd> open_parent(const std::string& path) const {
    auto at = std::make_unique<Fd>(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 3), into_, "open");
    size_t begin = 0;
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
      const std::string part = path.substr(begin, slash - begin);
      at = std::make_unique<Fd>(::openat(at->get(), part.c_str(), folder_flags),
                                into_ / path.substr(0, slash), "open");
      begin = slash + 1;
    }
    return at;
  }

  Path into_;
  Fd root_;
};

// Reads the whole archive before the first write: a bad member late in it leaves nothing behind.
void check_all(const Path& tar, std::uint64_t limit_bytes) {
  Reader reader(tar);
  Member member;
  std::uint64_t total = 0;
  while (reader.next(member)) {
    if (member.size > limit_bytes - total) {
      reader.refuse("it holds more than " + std::to_string(limit_bytes) + " bytes");
    }
    total += member.size;
  }
}

}  // namespace

void extract_tar(const Path& tar, const Path& into, std::uint64_t limit_bytes) {
  check_all(tar, limit_bytes);
  Reader reader(tar);
  const Extraction extraction(into);
  Member member;
  while (reader.next(member)) {
    if (member.folder) {
      extraction.folder(member);
    } else {
      extraction.file(member, reader);
    }
  }
}

std::vector<TarEntry> list_tar(const Path& tar) {
  Reader reader(tar);
  std::vector<TarEntry> out;
  Member member;
  while (reader.next(member)) {
    if (member.folder) continue;
    Sha256 hash;
    reader.content(member, [&](std::string_view data) { hash.update(data); });
    out.push_back({member.path, member.executable, member.size, hash.finish()});
  }
  return out;
}

}  // namespace mlship
