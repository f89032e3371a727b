// The locks of a project: the one that mlship reads, else the command that makes one.
#include <algorithm>
#include <array>

#include "cli/found_project.h"
#include "core/error.h"
#include "core/names.h"
#include "packager/lock.h"
#include "packager/markers.h"

namespace mlship {
namespace {

constexpr std::string_view made_lock = "requirements.lock";
constexpr std::string_view conda_advice =
    "conda packages are no wheels; list what a job needs in requirements.in, then pip-compile "
    "--generate-hashes --output-file requirements.lock requirements.in";

// Locks of other tools, and how each gives what mlship reads.
struct LockRow {
  std::string_view file, command;
};
constexpr auto rows = std::to_array<LockRow>({
    {"uv.lock",
     "uv export --no-dev --no-emit-project --format requirements-txt --output-file requirements.lock"},
    {"poetry.lock",
     "poetry export --format requirements.txt --output requirements.lock (poetry self add "
     "poetry-plugin-export)"},
    {"pdm.lock", "pdm export --prod --format requirements --output requirements.lock"},
    {"Pipfile.lock", "pipenv requirements --hash >requirements.lock"},
    {"pylock.toml", "uv pip compile --generate-hashes --output-file requirements.lock pylock.toml"},
    {"conda-lock.yml", conda_advice},
    {"pixi.lock", conda_advice},
    {"environment.yml", conda_advice},
    {"environment.yaml", conda_advice},
});
// What is not needed where jobs run.
constexpr auto other_purposes =
    std::to_array<std::string_view>({"dev", "test", "doc", "lint", "build", "ci"});

bool ends_as_list(const std::string& name) {
  return name.ends_with(".txt") || name.ends_with(".lock") || name.ends_with(".in");
}

bool for_something_else(const std::string& name) {
  return std::any_of(other_purposes.begin(), other_purposes.end(), [&](std::string_view word) {
    const size_t at = name.find(word);
    if (at == std::string::npos) return false;
    const auto letter = [&](size_t i) {
      return i < name.size() && std::isalpha(static_cast<unsigned char>(name[i])) != 0;
    };
    const size_t end = at + word.size() + (name.substr(at + word.size()).starts_with('s') ? 1 : 0);
    return (at == 0 || !letter(at - 1)) && !letter(end);
  });
}

// requirements*.txt, .lock and .in here, and the lists of a folder requirements/.
std::vector<std::string> lists_in(const Path& folder) {
  std::vector<std::string> out;
  for (const auto& name : fs::list(folder)) {
    if (name.starts_with("requirements") && ends_as_list(name)) out.push_back(name);
  }
  const auto below = fs::stat(folder / "requirements");
  if (below && below->kind == fs::Kind::folder) {
    for (const auto& name : fs::list(folder / "requirements")) {
      if (ends_as_list(name)) out.push_back("requirements/" + name);
    }
  }
  // The likeliest lock first.
  std::stable_sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    const auto rank = [](const std::string& name) {
      return name == made_lock ? 0 : name == "requirements.txt" ? 1 : name.ends_with(".in") ? 3 : 2;
    };
    return rank(a) < rank(b);
  });
  return out;
}

std::string python_of(const FoundProject& found) {
  return found.python.substr(0, 1) + "." + found.python.substr(1);
}

std::string compile_command(const std::string& file, const FoundProject& found) {
  const std::string out = file == made_lock ? "requirements.hashed.lock" : std::string(made_lock);
  return "uv pip compile --generate-hashes --python-version " + python_of(found) + " --output-file " + out +
         " " + file + " (or pip-compile --generate-hashes --output-file " + out + " " + file + ")";
}

void look_at_list(const Path& folder, const std::string& name, FoundProject& found) {
  const auto text = fs::read_if_exists(folder / name);
  if (!text) return;
  if (for_something_else(name)) {
    found.left_out.push_back(name + ": not for jobs, by its name");
    return;
  }
  if (name.ends_with(".in") && found.lock.empty()) {
    found.to_lock.push_back({name, "it has no hashes", compile_command(name, found)});
    return;
  }
  if (!found.lock.empty()) {
    // What a lock is made of, and a list beside it, are no news.
    if (text->find("--hash=") != std::string::npos) {
      found.left_out.push_back(name + ": " + found.lock + " is the lock");
    }
    return;
  }
  if (text->find("--hash") == std::string::npos) {
    found.to_lock.push_back({name, "it has no hashes", compile_command(name, found)});
    return;
  }
  try {
    (void)read_lock(*text, name);
    found.lock = name;
  } catch (const Error& e) {
    found.to_lock.push_back({name, e.message(), compile_command(name, found)});
  }
}

void look_at_lock(const Path& folder, const LockRow& row, FoundProject& found) {
  const std::string name(row.file);
  const auto text = fs::read_if_exists(folder / name);
  if (!text) return;
  if (!found.lock.empty()) {
    found.left_out.push_back(name + ": " + found.lock + " is the lock");
    return;
  }
  std::string why = "mlship does not read this format";
  try {
    (void)read_lock(*text, name);
    found.lock = name;
    return;
  } catch (const Error& e) {
    // A format that is known and a file that is wrong: then a line is named.
    const size_t at = e.message().find(name + ":");
    const size_t line = at + name.size() + 1;
    if (at != std::string::npos && e.message().find_first_of("0123456789", line) == line) why = e.message();
  }
  found.other_locks.push_back(name);
  found.to_lock.push_back({name, why, std::string(row.command)});
}

// poetry's "^3.10" and "~3.10" as PEP 440 has them.
std::string specifier_of(std::string text) {
  if (text.starts_with('^')) return ">=" + text.substr(1) + ",<4";
  if (text.starts_with('~') && !text.starts_with("~=")) return "==" + text.substr(1) + ".*";
  const bool bare = !text.empty() && text.front() >= '0' && text.front() <= '9';
  return bare ? "==" + text + (text.ends_with('*') ? "" : ".*") : text;
}

std::string digits_behind(const std::string& text, std::string_view words) {
  const size_t at = text.find(words);
  if (at == std::string::npos) return {};
  const size_t begin = at + words.size();
  return text.substr(begin, std::min(text.find_first_not_of("0123456789", begin), text.size()) - begin);
}

// The Python of the machines on which the bundle is to run: for which the lock was made, else what the
// project is developed with, else the likeliest that it allows.
void find_python(const Path& folder, const std::string& allowed, FoundProject& found) {
  if (const auto text = found.lock.empty() ? std::nullopt : fs::read_if_exists(folder / found.lock)) {
    const std::string head = text->substr(0, 2000);
    for (const std::string_view words : {"with Python 3.", "--python-version 3.", "--python-version=3."}) {
      if (const std::string minor = digits_behind(head, words); !minor.empty()) {
        found.python = "3" + minor;
        return;
      }
    }
  }
  const auto text = fs::read_if_exists(folder / ".python-version");
  const std::string minor = text && text->starts_with("3.") ? digits_behind(*text, "3.") : "";
  if (!minor.empty()) {
    found.python = "3" + minor;
    return;
  }
  for (const std::string_view candidate : {"11", "12", "10", "13", "9", "14"}) {
    try {
      if (!specifier_matches(specifier_of(allowed), "3." + std::string(candidate) + ".99")) continue;
    } catch (const std::exception&) {
      return;  // words of a tool that are not known
    }
    found.python = "3" + std::string(candidate);
    return;
  }
}

}  // namespace

void find_locks(const Path& folder, const PythonFiles& files, FoundProject& found) {
  find_python(folder, files.python, found);
  for (const auto& name : lists_in(folder)) look_at_list(folder, name, found);
  for (const auto& row : rows) look_at_lock(folder, row, found);
  find_python(folder, files.python, found);
  if (!found.lock.empty()) {
    found.to_lock.clear();
    return;
  }
  // A lock of the project's own tool says more than a list of names.
  std::stable_partition(found.to_lock.begin(), found.to_lock.end(), [&](const ToLock& item) {
    return std::find(found.other_locks.begin(), found.other_locks.end(), item.file) !=
               found.other_locks.end() &&
           item.command != conda_advice;
  });
  if (!found.to_lock.empty() || files.dependencies.empty()) return;
  std::string command = compile_command(files.dependencies, found);
  if (files.tool == "poetry") command = "poetry lock, then " + std::string(rows[1].command);
  found.to_lock.push_back(
      {files.dependencies, "it lists dependencies, and there is no lock of them", command});
}

}  // namespace mlship
