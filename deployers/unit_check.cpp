// What systemd itself says of a unit: before an edit (systemd-analyze) and after it (systemctl).
#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/host/ask.h"
#include "core/text.h"
#include "deployers/unit_files.h"

namespace mlship {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::uint64_t largest_unit = 1U << 20U;
constexpr size_t most_units = 500;  // of one folder: what an edited unit needs is among far fewer

// Units a manager may look up while it loads the edited one.
bool is_unit(const Path& path) {
  const auto file = unit_file(path);
  return file && !file->quadlet;
}

void write(const Path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

void copy_unit(const Path& from, const Path& to) {
  try {
    const auto stat = fs::stat(from);
    if (!stat || stat->kind != fs::Kind::file || stat->size > largest_unit || fs::exists(to)) return;
    fs::make_folders(to.parent_path());
    write(to, fs::read_file(from, largest_unit));
  } catch (const Error&) {
    return;  // what cannot be read is missing before the edit as after it
  }
}

void copy_folder(const Path& from, const Path& to) {
  if (!fs::exists(from)) return;
  size_t copied = 0;
  for (const auto& name : fs::list(from)) {
    if (copied < most_units && is_unit(from / name)) {
      copy_unit(from / name, to / name);
      ++copied;
    }
  }
}

// A folder with the unit, its drop-ins and its neighbours, of which the edited file has `text`.
void furnish(const Path& room, const UnitFile& unit, const Path& path, std::string_view text) {
  const Path edited =
      unit.drop_in ? room / path.parent_path().filename() / path.filename() : room / path.filename();
  fs::make_folders(edited.parent_path());
  write(edited, text);
  for (const auto& folder : unit_folders(unit.folder)) {
    copy_unit(folder / unit.source, room / unit.source);
    copy_folder(folder / (unit.source + ".d"), room / (unit.source + ".d"));
  }
  copy_folder(unit.folder, room);
}

// What it says of the unit; nullopt when it does not answer.
std::optional<ProcessResult> analyze(Process& process, const Path& room, const UnitFile& unit) {
  ProcessRequest request;
  request.argv = {"systemd-analyze", "verify", "--man=no"};
  if (unit.user()) request.argv.emplace_back("--user");
  request.argv.push_back((room / unit.source).string());
  request.environment["SYSTEMD_LOG_COLOR"] = "0";
  request.timeout = patience;
  try {
    return process.run(request);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// What is said now and was not said before, without the temporary folder's name.
std::string news(const std::string& before, const std::string& after, const std::string& room) {
  const auto old = pieces(before, "\n");
  std::string out;
  for (auto& line : pieces(after, "\n")) {
    if (std::find(old.begin(), old.end(), line) != old.end()) continue;
    for (size_t at = line.find(room); at != std::string::npos; at = line.find(room, at)) {
      line.erase(at, room.size());
    }
    out += (out.empty() ? "" : "; ") + line;
  }
  return out;
}

}  // namespace

std::string verify_unit(Process& process, const Path& path, std::string_view before, std::string_view after) {
  const auto unit = unit_file(path);
  if (!unit || unit->quadlet) return "";
  const fs::TempFolder room(std::filesystem::temp_directory_path());
  const Path now = room.path() / "now";
  furnish(now, *unit, path, after);
  if (!fs::exists(now / unit->source)) return "";  // a drop-in of a unit that is elsewhere
  const auto edited = analyze(process, now, *unit);
  if (!edited || edited->exit == 0) return "";
  const Path was = room.path() / "was";
  furnish(was, *unit, path, before);
  const auto old = analyze(process, was, *unit);
  if (!old || old->exit != 0) return "";
  return "systemd-analyze verify: " + news(old->err, edited->err, now.string() + "/");
}

std::optional<bool> needs_reload(Process& process, const Path& path) {
  const auto unit = unit_file(path);
  if (!unit) return std::nullopt;
  std::string name = service_of(*unit);
  // Of a template only its instances are loaded.
  if (const size_t mark = name.find("@."); mark != std::string::npos) name.insert(mark + 1, "*");
  ProcessRequest request;
  request.argv = {"systemctl", "show", "--property=NeedDaemonReload,FragmentPath,SourcePath,DropInPaths"};
  if (unit->user()) request.argv.emplace_back("--user");
  request.argv.insert(request.argv.end(), {"--", name});
  request.timeout = patience;
  const auto said = ask(process, request);
  if (!said) return std::nullopt;
  // A block of NAME=VALUE lines per unit; the manager must have read this very file for its word to count.
  std::optional<bool> answer;
  bool waits = false, reads = false;
  const auto close = [&] {
    if (reads) answer = answer.value_or(false) || waits;
    waits = reads = false;
  };
  std::istringstream in(*said);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) close();
    const std::string value = line.substr(std::min(line.find('=') + 1, line.size()));
    if (line == "NeedDaemonReload=yes") waits = true;
    const bool paths = line.starts_with("FragmentPath=") || line.starts_with("SourcePath=") ||
                       line.starts_with("DropInPaths=");
    std::istringstream words(value);
    for (std::string word; paths && words >> word;) reads = reads || word == path.native();
  }
  close();
  return answer;
}

}  // namespace mlship
