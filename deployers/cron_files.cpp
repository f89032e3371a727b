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

bool cron_reads(const Path& path, bool debian) {
  const std::string name = path.filename().string();
  const bool copy =
      std::any_of(copies.begin(), copies.end(), [&](auto suffix) { return name.ends_with(suffix); });
  if (copy || name.starts_with('#') || name.starts_with('.')) return false;
  const bool named_by_rule = path.parent_path().filename() == "cron.d" || !script_period(path).empty();
  return !debian || !named_by_rule || plain(name);
}

}  // namespace mlship
