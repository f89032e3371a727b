// Key files of other programs (~/.databrickscfg): `[section]` lines and `key = value` lines; `#` and `;`
// begin a comment line. As Python's configparser reads them, without interpolation.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mlship {

using IniSection = std::map<std::string, std::string, std::less<>>;  // keys in lower case
// Sections by name as written; keys before the first section belong to "".
using IniFile = std::map<std::string, IniSection, std::less<>>;
// Continued lines: whether an indented line goes on with the value above it (setup.cfg), or is a line of its
// own, as people indent the keys of ~/.databrickscfg.
enum class Indented { own, continued };
IniFile parse_ini(std::string_view text, Indented indented = Indented::own);

}  // namespace mlship
