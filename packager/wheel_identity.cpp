// What a wheel says of itself, whatever the file is called (binary distribution format §File contents).
#include "core/error.h"
#include "packager/platform.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"
#include "packager/zip.h"

namespace mlship {
namespace {

constexpr std::string_view info = ".dist-info/";

std::string text_of(const ZipReader& zip, std::string_view name, const std::string& shown) {
  for (const auto& entry : zip.entries()) {
    const std::string_view path = entry.path;
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos || path.substr(slash + 1) != name) continue;
    if (path.substr(0, slash + 1).ends_with(info)) return zip.read(entry);
  }
  throw Error(ErrorCode::wheel, "cannot use " + shown + ": it has no .dist-info/" + std::string(name));
}

}  // namespace

WheelIdentity wheel_identity(const Path& wheel, const std::string& shown) {
  const ZipReader zip(wheel, {}, shown);
  WheelIdentity out;
  for (const auto& [key, value] : parse_headers(text_of(zip, "METADATA", shown))) {
    if (key == "name" && out.name.empty()) out.name = value;
    if (key == "version" && out.version.empty()) out.version = value;
    if (key == "requires-dist") out.requires_dist.push_back(value);
  }
  for (const auto& [key, value] : parse_headers(text_of(zip, "WHEEL", shown))) {
    if (key != "tag") continue;
    // A tag is what a wheel of that tag alone would be called.
    const auto name = parse_wheel_name("x-1-" + value + ".whl");
    if (name) out.tags.insert(out.tags.end(), name->tags.begin(), name->tags.end());
  }
  return out;
}

}  // namespace mlship
