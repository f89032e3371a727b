#include "packager/entry_points.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "core/names.h"

namespace mlship {
namespace {

// What makes names that no text shows.
constexpr auto hidden_names =
    std::to_array<std::string_view>({"import *", "__getattr__", "globals(", "exec(", "setattr("});
constexpr auto definitions = std::to_array<std::string_view>({"def ", "async def ", "class "});

using Files = std::map<std::string, const SourceFile*>;  // by path

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool has_word(std::string_view line, std::string_view word) {
  for (size_t at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool begins = at == 0 || !name_char(line[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == line.size() || !name_char(line[end]))) return true;
  }
  return false;
}

// The name of the function or class that the line begins to define; "" when it defines none.
std::string_view defined(std::string_view line) {
  for (const auto word : definitions) {
    if (!line.starts_with(word)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' ', word.size()), line.size()));
    size_t end = 0;
    while (end < line.size() && name_char(line[end])) ++end;
    return line.substr(0, end);
  }
  return {};
}

struct Definitions {
  bool may_define = false;
  std::vector<std::string> names;  // functions and classes of the module itself
};

// Every mention of the name outside functions and classes counts: an import, an assignment, a definition
// within `if` or `try`.
Definitions look_for(std::string_view name, std::string_view text) {
  Definitions out;
  out.may_define = std::any_of(hidden_names.begin(), hidden_names.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
  bool within = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty() || line[0] == '#' || line[0] == '\r') continue;
    const std::string_view here = defined(line);
    if (!here.empty()) out.names.emplace_back(here);
    if (line[0] != ' ' && line[0] != '\t') within = !here.empty();
    if (here == name || (!within && has_word(line, name))) out.may_define = true;
  }
  return out;
}

// "churn/score.py" and "churn/score/__init__.py" are the module churn.score.
std::vector<std::string> modules(const Files& files) {
  std::vector<std::string> out;
  for (const auto& [path, file] : files) {
    if (!path.ends_with(".py")) continue;
    std::string name = path.substr(0, path.size() - 3);
    if (name.ends_with("/__init__")) name.resize(name.size() - std::string_view("/__init__").size());
    std::replace(name.begin(), name.end(), '/', '.');
    out.push_back(std::move(name));
  }
  return out;
}

bool any_below(const Files& files, const std::string& prefix) {
  const auto at = files.lower_bound(prefix);
  return at != files.end() && at->first.starts_with(prefix);
}

class Checker {
 public:
  Checker(const Project& project, const SourceTree& code) : project_(project), code_(code) {
    for (const auto& file : code.files()) files_[std::string(file.path)] = &file;
  }

  void check(const std::string& entry, const std::string& target) {
    const std::string module = target.substr(0, target.find(':'));
    std::string path = module;
    std::replace(path.begin(), path.end(), '.', '/');
    const SourceFile* file = find(path);
    if (file == nullptr && may_be_elsewhere(path)) return;
    if (file == nullptr) {
      refuse(entry, target, "the code has no module " + module + did_you_mean(module, modules(files_)));
    }
    if (!file->path.ends_with(".py") || target.find(':') == std::string::npos) return;
    const std::string function = target.substr(target.find(':') + 1);
    const std::string name = function.substr(0, function.find('.'));
    const auto seen = look_for(name, code_.read(*file));
    if (seen.may_define) return;
    refuse(entry, target,
           std::string(file->path) + " defines no '" + name + "'" + did_you_mean(name, seen.names));
  }

 private:
  // The module's own file; compiled ones ("churn/score.cpython-311-….so") too.
  [[nodiscard]] const SourceFile* find(const std::string& path) const {
    for (const auto& candidate : {path + ".py", path + "/__init__.py"}) {
      if (const auto at = files_.find(candidate); at != files_.end()) return at->second;
    }
    const auto at = files_.lower_bound(path + ".");
    const bool compiled = at != files_.end() && at->first.starts_with(path + ".") &&
                          (at->first.ends_with(".so") || at->first.ends_with(".pyd"));
    return compiled ? at->second : nullptr;
  }

  // In a dependency, or in a package that several distributions share.
  [[nodiscard]] bool may_be_elsewhere(const std::string& path) const {
    if (!project_.dependencies) return false;
    const std::string top = path.substr(0, path.find('/'));
    return !files_.contains(top + ".py") && !files_.contains(top + "/__init__.py") &&
           (!any_below(files_, top + "/") || path.find('/') != std::string::npos);
  }

  [[noreturn]] void refuse(const std::string& entry, const std::string& target,
                           const std::string& why) const {
    throw Error(ErrorCode::project_file, "cannot build " + project_.package->name + ": entry point '" +
                                             entry + "' is " + target + ", and " + why)
        .fact("at", project_.code->at.line_str())
        .hint("correct entry-points in " + project_.code->at.file);
  }

  const Project& project_;
  const SourceTree& code_;
  Files files_;
};

}  // namespace

void check_entry_points(const Project& project, const SourceTree& code) {
  if (project.code->entry_points.empty()) return;
  Checker checker(project, code);
  for (const auto& [name, target] : project.code->entry_points) checker.check(name, target);
}

}  // namespace mlship
