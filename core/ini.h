// Key files of other programs (~/.databrickscfg): `[section]` lines and `key = value` lines; `#` and `;`
// begin a comment line. As Python's configparser reads them, without interpolation and continued lines.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mlship {

using IniSection = std::map<std::string, std::string, std::less<>>;  // keys in lower case
// Sections by name as written; keys before the first section belong to "".
using IniFile = std::map<std::string, IniSection, std::less<>>;
IniFile parse_ini(std::string_view text);

}  // namespace mlship
