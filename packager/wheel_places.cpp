#include "packager/wheel_places.h"

#include <algorithm>
#include <array>

namespace mlship {
namespace {

// What an installer writes about one installation (PEP 376, PEP 610). The tree has a RECORD of its own.
constexpr auto installers_own = std::to_array<std::string_view>(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"});
// What is mlship's at the top of a tree.
constexpr auto reserved = std::to_array<std::string_view>({"models", ".mlship", ".pycache", "pyvenv.cfg"});

template <size_t n>
bool among(const std::array<std::string_view, n>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('/'));
}

// PEP 427 §Recommended installer features: `#!python` stands for the interpreter of the installation.
bool wants_interpreter(const WheelReader& wheel, const ZipEntry& entry) {
  constexpr std::string_view placeholder = "#!python";
  return entry.size >= placeholder.size() && entry.size <= fs::small_file &&
         wheel.zip().read(entry).starts_with(placeholder);
}

// The script stays as it is (its docstring and its coding line count), and a launcher takes its name.
WheelPlace script_place(const WheelReader& wheel, const ZipEntry& entry, const std::string& name,
                        const std::set<std::string>& commands) {
  if (commands.contains(name)) return {};
  if (!wants_interpreter(wheel, entry)) return {"bin/" + name, true, ""};
  return {"libexec/" + name, false, "bin/" + name};
}

WheelPlace data_place(const std::string& path, bool executable) {
  return {among(reserved, first_part(path)) ? "data/" + path : path, executable, ""};
}

}  // namespace

WheelPlace place_of(const WheelReader& wheel, const ZipEntry& entry, const std::string& python,
                    const std::set<std::string>& commands) {
  const std::string& path = entry.path;
  if (path.starts_with(wheel.info())) {
    const bool own = among(installers_own, std::string_view(path).substr(wheel.info().size()));
    return own ? WheelPlace{} : WheelPlace{"lib/" + path, entry.executable, ""};
  }
  const size_t slash = path.find('/');
  if (slash == std::string::npos || !first_part(path).ends_with(".data"))
    return {"lib/" + path, entry.executable, ""};
  // As pip, whatever the folder's name: NAME-VERSION.data is spelled in many ways.
  const std::string rest = path.substr(slash + 1);
  const std::string key(first_part(rest));
  const std::string below = rest.size() > key.size() ? rest.substr(key.size() + 1) : "";
  if (below.empty()) wheel.refuse("'" + path + "' has no known place");
  if (key == "purelib" || key == "platlib") return {"lib/" + below, entry.executable, ""};
  if (key == "scripts") return script_place(wheel, entry, below, commands);
  if (key == "data") return data_place(below, entry.executable);
  if (key == "headers")
    return {"include/site/python" + python + "/" + wheel.name() + "/" + below, entry.executable, ""};
  wheel.refuse("'" + path + "' has no known place");
}

}  // namespace mlship
