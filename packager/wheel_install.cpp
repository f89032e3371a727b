#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "packager/member_path.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"
#include "packager/zip.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_text = 32ULL << 20U;  // bytes of WHEEL, RECORD, entry_points.txt, each

struct Expected {
  Digest digest;
  std::optional<std::uint64_t> size;
};

class Wheel {
 public:
  // `doing`: the verb of messages.
  Wheel(const Path& file, std::string shown, std::string doing = "install")
      : shown_(std::move(shown)), doing_(std::move(doing)), zip_(file, {}, shown_) {
    find_info();
    check_version();
    if (zip_.find(info_ + "METADATA") == nullptr) refuse("it has no " + info_ + "METADATA");
    read_record();
    check_record();
  }

  [[nodiscard]] const std::string& shown() const { return shown_; }
  [[nodiscard]] const ZipReader& zip() const { return zip_; }
  [[nodiscard]] const std::string& info() const { return info_; }  // "churn-1.4.0.dist-info/"
  [[nodiscard]] std::string stem() const { return info_.substr(0, info_.size() - suffix.size()); }
  [[nodiscard]] std::string data() const { return stem() + ".data/"; }
  [[nodiscard]] const Expected& expected(const ZipEntry& entry) const { return record_.at(entry.path); }

  [[nodiscard]] std::map<std::string, std::string> entry_points() const {
    const ZipEntry* entry = zip_.find(info_ + "entry_points.txt");
    if (entry == nullptr) return {};
    return parse_entry_points(zip_.read(*entry, largest_text), shown_);
  }

  // Streams one entry; throws when it is not what RECORD says.
  void check(const ZipEntry& entry, const std::function<void(std::string_view)>& sink) const {
    Sha256 hash;
    zip_.read(entry, [&](std::string_view data) {
      hash.update(data);
      sink(data);
    });
    if (exempt(entry.path) || hash.finish() == expected(entry).digest) return;
    refuse("'" + entry.path + "' has another sha256 than in its RECORD");
  }

  // RECORD cannot hold its own hash, and its signatures come after it (PEP 427 §Signed wheel files).
  [[nodiscard]] bool exempt(const std::string& path) const {
    return path == info_ + "RECORD" || path == info_ + "RECORD.jws" || path == info_ + "RECORD.p7s";
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::wheel, "cannot " + doing_ + " " + shown_ + ": " + why)
        .hint(doing_ == "install" ? "get the wheel again from its publisher, or lock another version"
                                  : "build the wheel again with a current tool");
  }

 private:
  static constexpr std::string_view suffix = ".dist-info/";

  void find_info() {
    for (const auto& entry : zip_.entries()) {
      const std::string top = entry.path.substr(0, entry.path.find('/')) + "/";
      if (!top.ends_with(suffix) || top == info_) continue;
      if (!info_.empty()) refuse("it has two .dist-info folders");
      info_ = top;
    }
    if (info_.empty()) refuse("it has no .dist-info folder");
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    const ZipEntry* entry = zip_.find(info_ + name);
    if (entry == nullptr || entry->folder) refuse("it has no " + info_ + name);
    return zip_.read(*entry, largest_text);
  }

  // PEP 427: "warn if minor version is greater, abort if major version is greater".
  void check_version() const {
    std::string version;
    for (const auto& [key, value] : parse_headers(text("WHEEL"))) {
      if (key == "wheel-version") version = value;
    }
    if (!version.starts_with("1.")) refuse("its Wheel-Version is '" + printable(version) + "', not 1.x");
  }

  void read_record() {
    for (const auto& row : parse_record(text("RECORD"), shown_)) {
      if (exempt(row.path)) continue;
      Expected expected;
      const auto digest = parse_record_hash(row.hash);
      if (!digest) refuse("its RECORD gives no sha256 for '" + printable(row.path) + "'");
      expected.digest = *digest;
      if (!row.size.empty()) {
        std::uint64_t size = 0;
        const char* const end = row.size.data() + row.size.size();
        const auto [stop, error] = std::from_chars(row.size.data(), end, size);
        if (error != std::errc() || stop != end)
          refuse("its RECORD gives no size for '" + printable(row.path) + "'");
        expected.size = size;
      }
      const auto [at, fresh] = record_.emplace(row.path, expected);
      if (!fresh && at->second.digest != expected.digest) {
        refuse("its RECORD says two things about '" + printable(row.path) + "'");
      }
    }
  }

  void check_record() const {
    for (const auto& entry : zip_.entries()) {
      if (entry.folder || exempt(entry.path)) continue;
      const auto row = record_.find(entry.path);
      if (row == record_.end()) refuse("'" + entry.path + "' is not in its RECORD");
      if (row->second.size.value_or(entry.size) != entry.size) {
        refuse("'" + entry.path + "' has another size than in its RECORD");
      }
    }
    for (const auto& [path, expected] : record_) {
      const ZipEntry* entry = zip_.find(path);
      if (entry == nullptr || entry->folder)
        refuse("its RECORD lists '" + printable(path) + "', which it does not hold");
    }
  }

  std::string shown_, doing_;
  ZipReader zip_;
  std::string info_;
  std::unordered_map<std::string, Expected> record_;
};

enum class Place { lib, script, data, dropped };

struct Row {
  std::string_view key;
  Place place;
};
// PEP 427 §The .data directory: the keys are those of an installation scheme.
constexpr auto data_keys = std::to_array<Row>({
    {"purelib", Place::lib},
    {"platlib", Place::lib},
    {"scripts", Place::script},
    {"data", Place::data},
    {"headers", Place::dropped},
});
// PEP 376 and PEP 610: what an installer writes about one installation; it would make two trees of one
// bundle.
constexpr auto installers_own = std::to_array<std::string_view>(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"});

struct Destination {
  Place place = Place::lib;
  std::string path;  // below the place's folder
};

class Installation {
 public:
  Installation(const Wheel& wheel, const Path& tree, const std::string& python,
               std::map<std::string, InstalledFile>& installed)
      : wheel_(wheel), tree_(tree), python_(python), installed_(installed) {}

  void run() {
    for (const auto& entry : wheel_.zip().entries()) {
      if (!entry.folder) install(entry);
    }
    for (const auto& [name, target] : wheel_.entry_points()) put("bin/" + name, launcher(target, python_));
  }

 private:
  [[nodiscard]] Destination destination(const std::string& path) const {
    if (path.starts_with(wheel_.info())) {
      const auto name = std::string_view(path).substr(wheel_.info().size());
      const bool own = std::find(installers_own.begin(), installers_own.end(), name) != installers_own.end();
      return {own ? Place::dropped : Place::lib, path};
    }
    const std::string data = wheel_.data();
    if (!path.starts_with(data)) return {Place::lib, path};
    const std::string rest = path.substr(data.size());
    const size_t slash = rest.find('/');
    const std::string key = rest.substr(0, slash);
    const auto* const row =
        std::find_if(data_keys.begin(), data_keys.end(), [&key](const Row& r) { return r.key == key; });
    if (row == data_keys.end() || slash == std::string::npos)
      wheel_.refuse("'" + path + "' has no known place");
    return {row->place, rest.substr(slash + 1)};
  }

  void install(const ZipEntry& entry) {
    const Destination to = destination(entry.path);
    switch (to.place) {
      case Place::lib: return stream(entry, "lib/" + to.path, entry.executable);
      case Place::script: return script(entry, to.path);
      case Place::data: {
        const bool known = to.path.starts_with("share/") || to.path.starts_with("etc/");
        return stream(entry, known ? to.path : "data/" + to.path, entry.executable);
      }
      case Place::dropped: return stream(entry, "", false);
    }
  }

  // PEP 427 §Recommended installer features: `#!python` stands for the interpreter of the installation. The
  // script stays as it is (its docstring and coding line count) and a launcher takes its name.
  void script(const ZipEntry& entry, const std::string& name) {
    constexpr std::string_view placeholder = "#!python";
    std::string start;
    if (entry.size >= placeholder.size() && entry.size <= fs::small_file) {
      start = wheel_.zip().read(entry).substr(0, placeholder.size());
    }
    if (start != placeholder) return stream(entry, "bin/" + name, true);
    stream(entry, "libexec/" + name, false);
    put("bin/" + name, script_launcher("libexec/" + name, python_));
  }

  // Checks the entry against RECORD and writes it to `path` ("": checks only).
  void stream(const ZipEntry& entry, const std::string& path, bool executable) {
    std::optional<fs::Writer> out;
    if (!path.empty() && !there(path, executable, wheel_.expected(entry).digest)) {
      fs::make_folders((tree_ / path).parent_path());
      out.emplace(tree_ / path, executable ? 0755 : 0644);
    }
    wheel_.check(entry, [&](std::string_view data) {
      if (out) out->write(data);
    });
    if (!out) return;
    out->close(false);
    remember(path, executable, entry.size, wheel_.expected(entry).digest);
  }

  void put(const std::string& path, const std::string& content) {
    const Digest digest = sha256(content);
    if (there(path, true, digest)) return;
    fs::make_folders((tree_ / path).parent_path());
    fs::Writer out(tree_ / path, 0755);
    out.write(content);
    out.close(false);
    remember(path, true, content.size(), digest);
  }

  void remember(const std::string& path, bool executable, std::uint64_t size, const Digest& digest) {
    // The umask does not decide what a tree looks like.
    fs::set_mode(tree_ / path, executable ? 0755 : 0644);
    installed_[path] = {path, executable, size, digest, wheel_.shown()};
  }

  // True when this very file is there already; throws when something else takes its place.
  [[nodiscard]] bool there(const std::string& path, bool executable, const Digest& digest) const {
    const auto same = installed_.find(path);
    if (same != installed_.end()) {
      if (same->second.digest == digest && same->second.executable == executable) return true;
      clash(path, same->second);
    }
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const auto parent = installed_.find(path.substr(0, slash));
      if (parent != installed_.end()) clash(path, parent->second);
    }
    const auto below = installed_.lower_bound(path + "/");
    if (below != installed_.end() && below->first.starts_with(path + "/")) clash(path, below->second);
    return false;
  }

  [[noreturn]] void clash(const std::string& path, const InstalledFile& other) const {
    throw Error(ErrorCode::duplicate_path,
                "cannot install " + wheel_.shown() + ": " + path + " is taken by another file")
        .fact("this", wheel_.shown() + "  " + path)
        .fact("there", (other.from.empty() ? "the tree" : other.from) + "  " + other.path)
        .hint("keep one of the two distributions in the lock");
  }

  const Wheel& wheel_;
  const Path& tree_;
  const std::string& python_;
  std::map<std::string, InstalledFile>& installed_;
};

}  // namespace

CheckedWheel check_wheel(const Path& wheel, const std::string& shown) {
  const Wheel opened(wheel, shown, "publish");
  for (const auto& entry : opened.zip().entries()) {
    if (!entry.folder) opened.check(entry, [](std::string_view) {});
  }
  const ZipEntry& metadata = *opened.zip().find(opened.info() + "METADATA");
  return {opened.stem(), opened.zip().read(metadata, largest_text)};
}

void install_wheel(const Path& wheel, const Path& tree, const std::string& python,
                   std::map<std::string, InstalledFile>& installed, const std::string& shown) {
  const Wheel opened(wheel, shown.empty() ? wheel.filename().string() : shown);
  Installation(opened, tree, python, installed).run();
}

}  // namespace mlship
