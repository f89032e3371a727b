#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"

namespace mlship {
namespace {

// PEP 427 §Escaping and Unicode, as the binary distribution format spells it today: the PEP 503 form with
// `_`.
std::string escaped(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

// A header is one line: a newline in a description would start another header.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (blank ? !out.empty() && out.back() != ' ' : static_cast<unsigned char>(c) >= 0x20)
      out += blank ? ' ' : c;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// PEP 566 §Metadata 2.1 over PEP 621's fields.
std::string metadata_text(const WheelMetadata& m) {
  std::string out = "Metadata-Version: 2.1\n";
  const auto header = [&out](std::string_view key, std::string_view value) {
    const std::string line = one_line(value);
    if (!line.empty()) out += std::string(key) + ": " + line + "\n";
  };
  header("Name", m.name);
  header("Version", m.version);
  header("Summary", m.description);
  header("License", m.license);
  header("Requires-Python", m.requires_python);
  for (const auto& line : m.requires_dist) header("Requires-Dist", line);
  if (m.long_description.empty()) return out;
  header("Description-Content-Type", m.long_description_type);
  return out + "\n" + m.long_description;
}

// No generator version: a newer mlship builds the same bytes.
constexpr std::string_view wheel_text =
    "Wheel-Version: 1.0\nGenerator: mlship\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

std::string entry_points_text(const std::map<std::string, std::string>& entry_points) {
  std::string out = "[console_scripts]\n";
  for (const auto& [name, target] : entry_points) {
    out += one_line(name);
    out += " = " + one_line(target) + "\n";
  }
  return out;
}

std::string record_text(const std::vector<ZipMember>& members, const std::string& record_path) {
  std::vector<std::string> lines;
  for (const auto& member : members) {
    lines.push_back(record_line(
        {member.path, record_hash(sha256(member.content)), std::to_string(member.content.size())}));
  }
  lines.push_back(record_line({record_path, "", ""}));
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace

WheelFile build_wheel(const WheelMetadata& metadata, const std::vector<ZipMember>& code) {
  const std::string stem = escaped(normalize_name(metadata.name)) + "-" + escaped(metadata.version);
  const std::string info = stem + ".dist-info/";
  std::vector<ZipMember> members = code;
  std::sort(members.begin(), members.end(),
            [](const ZipMember& a, const ZipMember& b) { return a.path < b.path; });
  for (const auto& member : members) {
    check_member_path(member.path, "the wheel");
    // A tree that carries the metadata of another build would be two wheels in one.
    const std::string top = member.path.substr(0, member.path.find('/'));
    if (top.ends_with(".dist-info") || top.ends_with(".data")) {
      throw Error(ErrorCode::source_tree, "cannot put '" + member.path + "' into the wheel: " + top +
                                              " is a name that wheels keep for themselves")
          .hint("add \"" + top + "/**\" to exclude in [code]");
    }
  }
  // PEP 427 §Recommended archiver features: .dist-info physically at the end.
  members.push_back({info + "METADATA", metadata_text(metadata), false});
  members.push_back({info + "WHEEL", std::string(wheel_text), false});
  if (!metadata.entry_points.empty()) {
    members.push_back({info + "entry_points.txt", entry_points_text(metadata.entry_points), false});
  }
  members.push_back({info + "RECORD", record_text(members, info + "RECORD"), false});
  return {stem + "-py3-none-any.whl", make_zip(members)};
}

}  // namespace mlship
