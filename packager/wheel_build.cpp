#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"
#include "packager/zip.h"

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

// A tree that carries the metadata of another build would be two wheels in one.
void check_path(const std::string& path) {
  check_member_path(path, "the wheel");
  const std::string top = path.substr(0, path.find('/'));
  if (!top.ends_with(".dist-info") && !top.ends_with(".data")) return;
  throw Error(ErrorCode::source_tree, "cannot put '" + path + "' into the wheel: " + top +
                                          " is a name that wheels keep for themselves")
      .hint("add \"" + top + "/**\" to exclude in [code]");
}

// Members with their lines of RECORD.
class Members {
 public:
  explicit Members(const ZipWriter::Sink& sink) : zip_(sink) {}
  void add(const std::string& path, std::string_view content, bool executable = false) {
    lines_.push_back(record_line({path, record_hash(sha256(content)), std::to_string(content.size())}));
    zip_.add(path, content, executable);
  }
  void finish(const std::string& record_path) {
    lines_.push_back(record_line({record_path, "", ""}));
    std::sort(lines_.begin(), lines_.end());
    std::string record;
    for (const auto& line : lines_) record += line;
    zip_.add(record_path, record, false);
    zip_.finish();
  }

 private:
  ZipWriter zip_;
  std::vector<std::string> lines_;
};

}  // namespace

std::string write_wheel(const WheelMetadata& metadata, std::vector<WheelMember> code,
                        const std::function<void(std::string_view)>& sink) {
  const std::string stem = escaped(normalize_name(metadata.name)) + "-" + escaped(metadata.version);
  const std::string info = stem + ".dist-info/";
  std::sort(code.begin(), code.end(),
            [](const WheelMember& a, const WheelMember& b) { return a.path < b.path; });
  for (const auto& member : code) check_path(member.path);
  Members members(sink);
  for (const auto& member : code) members.add(member.path, member.content(), member.executable);
  // PEP 427 §Recommended archiver features: .dist-info physically at the end.
  members.add(info + "METADATA", metadata_text(metadata));
  members.add(info + "WHEEL", wheel_text);
  if (!metadata.entry_points.empty()) {
    members.add(info + "entry_points.txt", entry_points_text(metadata.entry_points));
  }
  members.finish(info + "RECORD");
  return stem + "-py3-none-any.whl";
}

}  // namespace mlship
