#include "packager/tree_python.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/host/fs.h"

namespace mlship {
namespace {

constexpr std::string_view configuration = "pyvenv.cfg";
constexpr auto links = std::to_array<std::string_view>({"bin/python", "bin/python3"});
constexpr int first_minor = 8;  // with "any Python 3" the tree works with these
constexpr int last_minor = 19;

// site.py reads the .pth files of lib/ as well only when it is a site folder of its own (Python library
// reference, site). Compiled files go beside lib/, never into it.
constexpr std::string_view hook =
    "import os, site, sys; site.addsitedir(os.path.join(sys.prefix, \"lib\")); "
    "sys.pycache_prefix = sys.pycache_prefix or os.path.join(sys.prefix, \".pycache\")\n";

constexpr const char* question =
    "import sys\n"
    "print(getattr(sys, '_base_executable', None) or sys.executable)\n"
    "print('%d.%d' % sys.version_info[:2])\n";

// The interpreter behind `candidate`; "" when it does not run or is of another version.
Path base_of(const std::string& candidate, const std::string& python, Process& process) {
  try {
    const auto ran =
        process.run({{candidate, "-I", "-S", "-c", question}, "/", {}, {}, std::chrono::seconds(20)});
    const size_t end = ran.out.find('\n');
    if (ran.exit != 0 || end == std::string::npos) return {};
    const std::string version = ran.out.substr(end + 1, ran.out.find('\n', end + 1) - end - 1);
    if (version != python && !(python.find('.') == std::string::npos && version.starts_with(python + ".")))
      return {};
    return ran.out.substr(0, end);
  } catch (const Error&) {  // not there, or it hangs
    return {};
  }
}

}  // namespace

Path find_interpreter(const std::string& python, const Env& env, Process& process) {
  const std::string name = "python" + python;
  std::vector<std::string> candidates;
  if (const auto given = env.get("MLSHIP_PYTHON")) candidates.push_back(*given);
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/"}) {
    if (fs::exists(folder + name)) candidates.push_back(folder + name);
  }
  candidates.push_back(name);
  for (const auto& candidate : candidates) {
    Path found = base_of(candidate, python, process);
    if (found.is_absolute()) return found;
  }
  return "/usr/bin/" + name;
}

bool is_interpreters(std::string_view path) {
  return path == configuration || std::find(links.begin(), links.end(), path) != links.end();
}

std::vector<std::pair<std::string, std::string>> search_path_files(const std::string& python) {
  std::vector<std::string> versions;
  if (python.find('.') != std::string::npos) {
    versions.push_back(python);
  } else {
    for (int minor = first_minor; minor <= last_minor; ++minor)
      versions.push_back(python + "." + std::to_string(minor));
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& version : versions)
    out.emplace_back("lib/python" + version + "/site-packages/mlship.pth", hook);
  return out;
}

void write_python(const Path& tree, const Path& interpreter) {
  fs::make_folders(tree / "bin");
  fs::Writer out(tree / configuration);
  out.write("home = " + interpreter.parent_path().string() + "\ninclude-system-site-packages = false\n");
  out.close(false);
  fs::set_mode(tree / configuration, 0644);
  std::filesystem::create_symlink(interpreter, tree / "bin/python");
  std::filesystem::create_symlink("python", tree / "bin/python3");
}

std::string check_python(const Path& tree) {
  for (const auto link : links) {
    const auto s = fs::lstat(tree / link);
    if (!s) return std::string(link) + " is missing";
    if (s->kind != fs::Kind::link) return std::string(link) + " is not the link to an interpreter";
  }
  const auto s = fs::lstat(tree / configuration);
  if (!s) return std::string(configuration) + " is missing";
  return s->kind == fs::Kind::file ? "" : std::string(configuration) + " is not a file";
}

}  // namespace mlship
