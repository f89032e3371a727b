#include "packager/wheel_reader.h"

#include <charconv>

#include "core/error.h"
#include "packager/member_path.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"

namespace mlship {
namespace {

constexpr std::string_view suffix = ".dist-info/";
constexpr std::uint64_t largest_text = 32ULL
                                       << 20U;  // bytes of WHEEL, RECORD, METADATA, entry_points.txt, each

// Paths in RECORD are relative to the folder the wheel is unpacked into (PEP 376); some tools write `./a` or
// `/a` for `a`.
std::string relative(const std::string& path) {
  if (path.starts_with("./")) return path.substr(2);
  return path.starts_with('/') ? path.substr(1) : path;
}

}  // namespace

WheelReader::WheelReader(const Path& file, std::string shown, std::string doing)
    : shown_(std::move(shown)), doing_(std::move(doing)), zip_(file, {}, shown_) {
  find_info();
  check_version();
  if (zip_.find(info_ + "METADATA") == nullptr) refuse("it has no " + info_ + "METADATA");
  read_record();
  check_record();
}

std::string WheelReader::stem() const {
  return info_.substr(0, info_.size() - suffix.size());
}

std::string WheelReader::metadata() const {
  return text("METADATA");
}

std::string WheelReader::name() const {
  for (const auto& [key, value] : parse_headers(metadata())) {
    if (key == "name" && path_fault(value).empty() && value.find('/') == std::string::npos) return value;
  }
  return stem().substr(0, stem().find('-'));
}

std::map<std::string, std::string> WheelReader::entry_points() const {
  const ZipEntry* entry = zip_.find(info_ + "entry_points.txt");
  if (entry == nullptr) return {};
  auto out = parse_entry_points(zip_.read(*entry, largest_text), shown_);
  for (const auto& [name, target] : out) {
    if (!names_function(target))
      refuse("in its entry_points.txt " + printable(name) + " = " + printable(target) +
             " is not of the form module:function");
  }
  return out;
}

void WheelReader::check(const ZipEntry& entry, const std::function<void(std::string_view)>& sink) const {
  Sha256 hash;
  zip_.read(entry, [&](std::string_view data) {
    hash.update(data);
    sink(data);
  });
  if (exempt(entry.path) || hash.finish() == expected(entry).digest) return;
  refuse("'" + entry.path + "' has another sha256 than in its RECORD");
}

void WheelReader::check_all() const {
  for (const auto& entry : zip_.entries()) {
    if (!entry.folder) check(entry, [](std::string_view) {});
  }
}

bool WheelReader::exempt(const std::string& path) const {
  return path == info_ + "RECORD" || path == info_ + "RECORD.jws" || path == info_ + "RECORD.p7s";
}

void WheelReader::refuse(const std::string& why) const {
  throw Error(ErrorCode::wheel, "cannot " + doing_ + " " + shown_ + ": " + why)
      .hint(doing_ == "install" ? "get the wheel again from its publisher, or lock another version"
                                : "build the wheel again with a current tool");
}

void WheelReader::find_info() {
  for (const auto& entry : zip_.entries()) {
    const std::string top = entry.path.substr(0, entry.path.find('/')) + "/";
    if (!top.ends_with(suffix) || top == info_) continue;
    if (!info_.empty()) refuse("it has two .dist-info folders");
    info_ = top;
  }
  if (info_.empty()) refuse("it has no .dist-info folder");
}

std::string WheelReader::text(const std::string& name) const {
  const ZipEntry* entry = zip_.find(info_ + name);
  if (entry == nullptr || entry->folder) refuse("it has no " + info_ + name);
  return zip_.read(*entry, largest_text);
}

// PEP 427: "warn if minor version is greater, abort if major version is greater".
void WheelReader::check_version() const {
  std::string version;
  for (const auto& [key, value] : parse_headers(text("WHEEL"))) {
    if (key == "wheel-version") version = value;
  }
  if (!version.starts_with("1.")) refuse("its Wheel-Version is '" + printable(version) + "', not 1.x");
}

void WheelReader::read_record() {
  for (const auto& row : parse_record(text("RECORD"), shown_)) {
    const std::string path = relative(row.path);
    if (exempt(path)) continue;
    Expected expected;
    const auto digest = parse_record_hash(row.hash);
    if (!digest) refuse("its RECORD gives no sha256 for '" + printable(path) + "'");
    expected.digest = *digest;
    if (!row.size.empty()) {
      std::uint64_t size = 0;
      const char* const end = row.size.data() + row.size.size();
      const auto [stop, error] = std::from_chars(row.size.data(), end, size);
      if (error != std::errc() || stop != end)
        refuse("its RECORD gives no size for '" + printable(path) + "'");
      expected.size = size;
    }
    add_row(path, expected);
  }
}

void WheelReader::add_row(const std::string& path, const Expected& expected) {
  const auto [at, fresh] = record_.emplace(path, expected);
  if (!fresh && at->second.digest != expected.digest)
    refuse("its RECORD says two things about '" + printable(path) + "'");
}

void WheelReader::check_record() const {
  for (const auto& entry : zip_.entries()) {
    if (entry.folder || exempt(entry.path)) continue;
    const auto row = record_.find(entry.path);
    if (row == record_.end()) refuse("'" + entry.path + "' is not in its RECORD");
    if (row->second.size.value_or(entry.size) != entry.size)
      refuse("'" + entry.path + "' has another size than in its RECORD");
  }
  for (const auto& [path, expected] : record_) {
    const ZipEntry* entry = zip_.find(path);
    if (entry == nullptr || entry->folder)
      refuse("its RECORD lists '" + printable(path) + "', which it does not hold");
  }
}

}  // namespace mlship
