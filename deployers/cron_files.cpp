#include "deployers/cron_files.h"

#include <algorithm>
#include <array>

namespace mlship {
namespace {

constexpr auto periods = std::to_array<std::string_view>({"hourly", "daily", "weekly", "monthly", "yearly"});

// Copies that editors, package managers and crontab(1) leave (cronie's crond, run-parts of Fedora; names with
// `#` are emacs'). Debian's rule leaves them out too, in its folders.
constexpr auto copies = std::to_array<std::string_view>(
    {"~",        ",",         ",v",        ".bak",       ".orig",     ".swp",      ".swo",     ".save",
     ".cfsaved", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".dpkg-tmp", ".dpkg-bak", ".ucf-old", ".ucf-dist",
     ".ucf-new", ".rpmsave",  ".rpmnew",   ".rpmorig",   ".pacsave",  ".pacnew"});

bool plain(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

std::string_view script_period(const Path& path) {
  const std::string folder = path.parent_path().filename().string();
  for (const auto period : periods) {
    if (folder == "cron." + std::string(period)) return period;
  }
  return "";
}

std::string name_left_out(const Path& path, bool debian) {
  const std::string name = path.filename().string();
  const bool copy =
      std::any_of(copies.begin(), copies.end(), [&](auto suffix) { return name.ends_with(suffix); });
  if (copy || name.starts_with('#') || name.starts_with('.')) return "cron does not read a file of this name";
  const bool named_by_rule = path.parent_path().filename() == "cron.d" || !script_period(path).empty();
  if (!debian || !named_by_rule || plain(name)) return "";
  return "cron reads only files whose names are letters, digits, _ and - there";
}

std::string mode_left_out(const Path& path) {
  const auto named = fs::lstat(path), file = fs::stat(path);
  if (!named || !file || file->kind != fs::Kind::file) return "";
  const Path folder = path.parent_path();
  if (!script_period(path).empty())
    return folder.parent_path() == "/etc" && (file->mode & 0111U) == 0
               ? "run-parts runs only executable files"
               : "";
  if (path != "/etc/crontab" && folder != "/etc/cron.d") return "";
  if (named->uid != 0 || file->uid != 0) return "cron reads only what belongs to root there";
  return (file->mode & 022U) != 0 ? "cron does not read what others than its owner may write" : "";
}

std::optional<size_t> unread_from(std::string_view text, bool debian) {
  const size_t last = text.rfind('\n') + 1;  // npos + 1 is 0
  const size_t begin = text.find_first_not_of(" \t", last);
  if (begin == std::string_view::npos || text[begin] == '#') return std::nullopt;
  return debian ? 0 : last;
}

}  // namespace mlship
