#include "packager/artifact.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/names.h"
#include "packager/bundle_writer.h"
#include "packager/member_path.h"
#include "packager/platform.h"
#include "packager/spool.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"
#include "packager/zip.h"

namespace mlship {
namespace {

constexpr std::uint64_t largest_text = 8ULL << 20U;  // bytes of PKG-INFO or a pom.properties
constexpr size_t longest_summary = 512;              // bytes

[[noreturn]] void refuse(const std::string& shown, const std::string& why, const std::string& hint = "") {
  throw Error(ErrorCode::archive, "cannot publish " + shown + ": " + why).hint(hint);
}

// The one value of a header that may stand once; "" when it is absent.
std::string only(const std::vector<std::pair<std::string, std::string>>& headers, std::string_view key,
                 const Artifact& artifact, const std::string& where) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (name != key) continue;
    if (!out.empty()) refuse(artifact.filename, where + " has two lines '" + std::string(key) + "'");
    out = value;
  }
  return out;
}

// Core metadata (PEP 566), of a wheel and an egg alike.
void read_core_metadata(const std::string& text, const std::string& where, Artifact& artifact) {
  const auto headers = parse_headers(text);
  const ArtifactClaim claim{only(headers, "name", artifact, where), only(headers, "version", artifact, where),
                            where};
  for (const auto& [value, what] : {std::pair{claim.name, "name"}, std::pair{claim.version, "version"}}) {
    if (value.empty()) refuse(artifact.filename, where + " has no " + what);
  }
  artifact.claims.push_back(claim);
  const std::string summary = only(headers, "summary", artifact, where);
  const bool said = summary != "UNKNOWN" && summary.size() <= longest_summary;
  if (said && printable(summary) == summary) artifact.description = summary;
}

// Reading an entry to its end checks its size and CRC.
ZipReader checked_zip(const Artifact& artifact) {
  ZipReader zip(artifact.copy, {}, artifact.filename);
  for (const auto& entry : zip.entries()) {
    if (!entry.folder) zip.read(entry, [](std::string_view) {});
  }
  return zip;
}

// Jobs are moved by what the name says: its tags must be among those of WHEEL.
void check_tags(const Artifact& artifact) {
  const auto named = parse_wheel_name(artifact.filename);
  if (!named) return;
  const auto own = wheel_identity(artifact.copy, artifact.filename).tags;
  for (const auto& tag : named->tags) {
    if (own.empty() || std::find(own.begin(), own.end(), tag) != own.end()) continue;
    std::string tags;
    for (const auto& t : own) tags += (tags.empty() ? "" : ", ") + t;
    refuse(artifact.filename, "its name says " + tag + ", and its WHEEL file does not",
           "give it the name it was built with; inside it is for " + printable(tags));
  }
}

void read_wheel(Artifact& artifact) {
  const CheckedWheel wheel = check_wheel(artifact.copy, artifact.filename);
  read_core_metadata(wheel.metadata, wheel.stem + ".dist-info/METADATA", artifact);
  // PEP 427 §File contents: the folder is named as the file is.
  const std::string name = wheel.stem.substr(0, wheel.stem.find('-'));
  if (normalize_name(name) != normalize_name(artifact.claims.front().name)) {
    refuse(artifact.filename, "its .dist-info folder is that of '" + printable(name) + "'");
  }
  check_tags(artifact);
}

void read_egg(Artifact& artifact) {
  constexpr auto where = "EGG-INFO/PKG-INFO";
  const ZipReader zip = checked_zip(artifact);
  const ZipEntry* entry = zip.find(where);
  if (entry == nullptr || entry->folder) refuse(artifact.filename, std::string("it has no ") + where);
  read_core_metadata(zip.read(*entry, largest_text), where, artifact);
}

bool is_pom_properties(std::string_view path) {
  return path.starts_with("META-INF/maven/") && path.ends_with("/pom.properties") &&
         std::count(path.begin(), path.end(), '/') == 4;
}

// java.util.Properties as Maven's archiver writes them: `key=value`, `#` comments. Nothing of a name or a
// version needs an escape.
std::string property(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t equals = line.find('=');
    if (equals != std::string_view::npos && line.substr(0, equals) == key)
      return std::string(line.substr(equals + 1));
  }
  return "";
}

void read_jar(Artifact& artifact) {
  const ZipReader zip = checked_zip(artifact);
  for (const auto& entry : zip.entries()) {
    if (entry.folder || !is_pom_properties(entry.path)) continue;
    const std::string text = zip.read(entry, largest_text);
    ArtifactClaim claim{property(text, "artifactId"), property(text, "version"), entry.path};
    if (claim.name.empty() || claim.version.empty())
      refuse(artifact.filename, entry.path + " names no artifactId or no version");
    artifact.claims.push_back(std::move(claim));
  }
}

struct KindRow {
  std::string_view suffix;
  const char* kind;
  void (*read)(Artifact&);
};
constexpr auto kinds = std::to_array<KindRow>(
    {{".whl", "wheel", read_wheel}, {".egg", "egg", read_egg}, {".jar", "jar", read_jar}});

const KindRow* row_of(const std::string& filename) {
  const auto row = std::find_if(kinds.begin(), kinds.end(),
                                [&](const KindRow& r) { return filename.ends_with(r.suffix); });
  return row == kinds.end() ? nullptr : row;
}

// The name goes into the jobs that run the file: nothing that a shell, a URL or a list would take apart.
const KindRow& kind_of(const std::string& filename) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+!-";
  const KindRow* row = row_of(filename);
  if (row == nullptr) {
    refuse(printable(filename), "it is no .whl, .egg or .jar file");
  }
  if (filename.find_first_not_of(allowed) != std::string::npos) {
    refuse(printable(filename), "its name has other characters than letters, digits and . _ + ! -",
           "give the file the name that its build tool gave it");
  }
  return *row;
}

}  // namespace

bool is_artifact(const Path& file) {
  return row_of(file.filename()) != nullptr;
}

Artifact read_artifact(const Path& file, const Path& scratch) {
  const std::string shown = printable(file.string());
  const auto stat = fs::lstat(file);
  if (!stat) {
    throw Error(ErrorCode::not_found, "cannot publish " + shown + ": there is no such file");
  }
  if (stat->kind == fs::Kind::link) {
    refuse(shown, "it is a link, and the name of a file counts", "readlink -f " + shown);
  }
  if (stat->kind != fs::Kind::file) refuse(shown, "it is not a file");
  const KindRow& row = kind_of(file.filename().string());
  const Spooled copy = spool(scratch, [&](const auto& sink) { fs::read_chunks(file, sink); });
  Artifact artifact{row.kind, file.filename().string(), copy.file, copy.digest, copy.size, {}, ""};
  row.read(artifact);
  return artifact;
}

Bundle bundle_artifact(const Artifact& artifact, const std::string& name, const Version& version,
                       const Path& folder) {
  BundleInfo info;
  info.package = normalize_name(name);
  info.name = name;
  info.scheme = version.scheme();
  info.version = version;
  info.description = artifact.description;
  info.outputs = {{artifact.kind, artifact.filename, artifact.digest, artifact.size}};
  BundleWriter writer(folder);
  writer.add_output(artifact.copy, info.outputs.front());
  return open_bundle(folder, writer.finish(info));
}

}  // namespace mlship
