#include <algorithm>

#include "core/error.h"
#include "core/names.h"
#include "packager/text_arena.h"
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
void check_path(std::string_view path) {
  check_member_path(path, "the wheel");
  const std::string top(path.substr(0, path.find('/')));
  if (!top.ends_with(".dist-info") && !top.ends_with(".data")) return;
  throw Error(ErrorCode::source_tree, "cannot put '" + std::string(path) + "' into the wheel: " + top +
                                          " is a name that wheels keep for themselves")
      .hint("add \"" + top + "/**\" to exclude in [code]");
}

}  // namespace

// With their lines of RECORD.
class WheelWriter::Members {
 public:
  explicit Members(ZipWriter::Sink sink) : zip_(std::move(sink)) {}
  void add(std::string_view path, std::string_view content, bool executable = false) {
    hasher_.update(content);
    const std::string hash = record_hash(hasher_.finish());
    lines_.push_back(texts_.add(record_line({std::string(path), hash, std::to_string(content.size())})));
    zip_.add(path, content, executable);
  }
  void finish(const std::string& record_path) {
    lines_.push_back(texts_.add(record_line({record_path, "", ""})));
    std::sort(lines_.begin(), lines_.end());
    std::string record;
    for (const auto line : lines_) record += line;
    zip_.add(record_path, record, false);
    zip_.finish();
  }

 private:
  ZipWriter zip_;
  Sha256 hasher_;
  TextArena texts_;
  std::vector<std::string_view> lines_;
};

WheelWriter::WheelWriter(std::function<void(std::string_view)> sink)
    : members_(std::make_unique<Members>(std::move(sink))) {}
WheelWriter::~WheelWriter() = default;

void WheelWriter::add(std::string_view path, std::string_view content, bool executable) {
  check_path(path);
  members_->add(path, content, executable);
}

std::string WheelWriter::finish(const WheelMetadata& metadata) {
  const std::string stem = escaped(normalize_name(metadata.name)) + "-" + escaped(metadata.version);
  const std::string info = stem + ".dist-info/";
  // PEP 427 §Recommended archiver features: .dist-info physically at the end.
  members_->add(info + "METADATA", metadata_text(metadata));
  members_->add(info + "WHEEL", wheel_text);
  if (!metadata.entry_points.empty()) {
    members_->add(info + "entry_points.txt", entry_points_text(metadata.entry_points));
  }
  members_->finish(info + "RECORD");
  return stem + "-py3-none-any.whl";
}

}  // namespace mlship
