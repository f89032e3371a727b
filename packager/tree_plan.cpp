#include "packager/tree_plan.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "packager/tar.h"
#include "packager/tree_python.h"
#include "packager/wheel.h"
#include "packager/wheel_format.h"
#include "packager/wheel_places.h"

namespace mlship {
namespace {

constexpr std::string_view lib = "lib/";
constexpr std::uint64_t largest_declaration = 16U << 10U;  // bytes of the __init__.py of a namespace package
constexpr size_t most_shown = 4;                           // paths in one warning

// The top folders of lib/ that some wheels fill by mistake and that no import of a program reads.
constexpr auto by_mistake = std::to_array<std::string_view>(
    {"tests", "test", "testing", "docs", "doc", "examples", "example", "benchmarks", "samples", "tools"});
constexpr auto importable =
    std::to_array<std::string_view>({".py", ".pyc", ".pyo", ".pyd", ".so", ".pth", ".pyi"});

// Whether an import could read the file, or a program finds it beside a module.
bool is_of_a_module(std::string_view path) {
  if (!path.starts_with(lib)) return false;
  path.remove_prefix(lib.size());
  const size_t slash = path.find('/');
  if (slash != std::string_view::npos)
    return std::find(by_mistake.begin(), by_mistake.end(), path.substr(0, slash)) == by_mistake.end();
  return std::any_of(importable.begin(), importable.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

// pkgutil and setuptools, the two ways before PEP 420 to say that others add to a package.
bool declares_namespace(const std::string& text) {
  return text.find("extend_path") != std::string::npos || text.find("declare_namespace") != std::string::npos;
}

std::string listed(const std::vector<std::string>& paths) {
  std::string out;
  for (size_t i = 0; i < std::min(paths.size(), most_shown); ++i) out += (i == 0 ? "" : ", ") + paths[i];
  if (paths.size() > most_shown) out += " and " + std::to_string(paths.size() - most_shown) + " more";
  return out;
}

}  // namespace

void TreePlan::add_file(const std::string& path, bool executable, std::uint64_t size, const Digest& digest,
                        const Path& source, const std::string& from) {
  check_member_path(path, from);
  PlannedFile file;
  file.executable = executable;
  file.size = size;
  file.digest = digest;
  file.from = from;
  file.source = source;
  add(path, std::move(file));
}

void TreePlan::add_text(const std::string& path, bool executable, const std::string& text,
                        const std::string& from, std::optional<size_t> wheel) {
  PlannedFile file;
  file.executable = executable;
  file.size = text.size();
  file.digest = sha256(text);
  file.from = from;
  file.wheel = wheel;
  file.text = text;
  add(path, std::move(file));
}

void TreePlan::add_entry_point(const std::string& name, const std::string& target) {
  add_text("bin/" + name, true, launcher(target, python_), "the entry point " + name);
}

void TreePlan::add_wheel(const Path& wheel, const std::string& shown) {
  const WheelReader opened(wheel, shown);
  const size_t number = wheels_.size();
  wheels_.push_back({wheel, shown, opened.info(), {}});
  const auto points = opened.entry_points();
  std::set<std::string> commands;
  for (const auto& [name, target] : points) commands.insert(name);
  for (const auto& entry : opened.zip().entries()) {
    if (!entry.folder) add_member(opened, entry, commands);
  }
  for (const auto& [name, target] : points) {
    add_text("bin/" + name, true, launcher(target, python_), shown, number);
    wheels_.back().paths.push_back("bin/" + name);
  }
}

void TreePlan::add_member(const WheelReader& wheel, const ZipEntry& entry,
                          const std::set<std::string>& commands) {
  const WheelPlace place = place_of(wheel, entry, python_, commands);
  if (place.path.empty()) return;
  PlannedFile file;
  file.executable = place.executable;
  file.size = entry.size;
  file.digest = wheel.expected(entry).digest;
  file.from = wheel.shown();
  file.wheel = wheels_.size() - 1;
  add(place.path, std::move(file));
  wheels_.back().paths.push_back(place.path);
  if (place.launcher.empty()) return;
  add_text(place.launcher, true, script_launcher(place.path, python_), wheel.shown(), wheels_.size() - 1);
  wheels_.back().paths.push_back(place.launcher);
}

void TreePlan::add(const std::string& path, PlannedFile file) {
  if (is_interpreters(path)) clash(path, file.from, "the interpreter", file);
  if (const auto there = files_.find(path); there != files_.end()) {
    PlannedFile& first = there->second;
    if (first.digest == file.digest) {
      first.executable = first.executable || file.executable;
      return;
    }
    if (!keeps_first(path, first, file)) clash(path, file.from, first.from, file);
    kept_[{first.from, file.from}].push_back(path);
    return;
  }
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const auto parent = files_.find(path.substr(0, slash));
    if (parent != files_.end()) clash(path, file.from, parent->second.from, file);
  }
  const auto below = files_.lower_bound(path + "/");
  if (below != files_.end() && below->first.starts_with(path + "/"))
    clash(path, file.from, below->second.from, file);
  files_.emplace(path, std::move(file));
}

bool TreePlan::keeps_first(const std::string& path, const PlannedFile& first,
                           const PlannedFile& second) const {
  if (!first.wheel && !second.wheel) return false;
  if (!is_of_a_module(path)) return true;
  if (!path.ends_with("/__init__.py") || !first.wheel || !second.wheel) return false;
  return declares_namespace(member_text(first, path)) && declares_namespace(member_text(second, path));
}

// Of a file in lib/; "" when it is too long to be a declaration.
std::string TreePlan::member_text(const PlannedFile& file, const std::string& path) const {
  if (file.size > largest_declaration) return "";
  const Wheel& wheel = wheels_.at(*file.wheel);
  const ZipReader zip(wheel.file, {}, wheel.shown);
  for (const auto& entry : zip.entries()) {
    if (!entry.folder && path.ends_with("/" + entry.path)) return zip.read(entry);
  }
  return "";
}

void TreePlan::clash(const std::string& path, const std::string& from, const std::string& there,
                     const PlannedFile& /*other*/) {
  throw Error(ErrorCode::duplicate_path,
              "cannot install " + from + ": " + there + " has another file at " + path)
      .fact("this", from + "  " + path)
      .fact("there", there)
      .hint("keep one of the two in the lock, or take versions that do not share the file");
}

std::vector<std::string> TreePlan::warnings() const {
  std::vector<std::string> out;
  for (const auto& [pair, paths] : kept_) {
    out.push_back(pair.second + ": a tree takes " + listed(paths) + " from " + pair.first +
                  ", which brings other content for " + (paths.size() == 1 ? "the path" : "these paths"));
  }
  return out;
}

// PEP 376: relative to the folder that holds the .dist-info. Paths are sorted, so that RECORD is a function
// of the bundle alone.
std::string TreePlan::record_of(const Wheel& wheel) const {
  const std::string own = wheel.info + "RECORD";
  std::set<std::string> rows{own + ",,\n"};
  for (const auto& path : wheel.paths) {
    const PlannedFile& file = files_.at(path);
    const std::string shown = path.starts_with(lib) ? path.substr(lib.size()) : "../" + path;
    rows.insert(record_line({shown, record_hash(file.digest), std::to_string(file.size)}));
  }
  std::string out;
  for (const auto& row : rows) out += row;
  return out;
}

void TreePlan::finish() {
  for (const auto& [path, text] : search_path_files(python_)) add_text(path, false, text, "the tree");
  for (size_t i = 0; i < wheels_.size(); ++i) {
    const std::string text = record_of(wheels_[i]);
    add_text(std::string(lib) + wheels_[i].info + "RECORD", false, text, wheels_[i].shown, i);
  }
}

void TreePlan::write(const Path& dir) const {
  for (const auto& [path, file] : files_) fs::make_folders((dir / path).parent_path());
  for (const auto& [path, file] : files_) {
    if (!file.wheel || file.text) write_one(path, file, dir);
  }
  for (size_t i = 0; i < wheels_.size(); ++i) write_wheel(i, dir);
}

// The umask does not decide what a tree looks like.
void TreePlan::write_one(const std::string& path, const PlannedFile& file, const Path& dir) const {
  const std::uint32_t mode = file.executable ? 0755 : 0644;
  if (file.text) {
    fs::Writer out(dir / path, mode);
    out.write(*file.text);
    out.close(false);
  } else {
    fs::place(file.source, dir / path, false);
  }
  fs::set_mode(dir / path, mode);
}

void TreePlan::write_wheel(size_t number, const Path& dir) const {
  const WheelReader wheel(wheels_[number].file, wheels_[number].shown);
  std::set<std::string> commands;
  for (const auto& [name, target] : wheel.entry_points()) commands.insert(name);
  std::set<std::string> written;
  for (const auto& entry : wheel.zip().entries()) {
    if (entry.folder) continue;
    const std::string path = place_of(wheel, entry, python_, commands).path;
    const auto planned = files_.find(path);
    const bool mine = planned != files_.end() && planned->second.wheel == number && !planned->second.text &&
                      written.insert(path).second;
    if (!mine) {
      wheel.check(entry, [](std::string_view) {});
      continue;
    }
    const std::uint32_t mode = planned->second.executable ? 0755 : 0644;
    fs::Writer out(dir / path, mode);
    wheel.check(entry, [&](std::string_view data) { out.write(data); });
    out.close(false);
    fs::set_mode(dir / path, mode);
  }
}

}  // namespace mlship
