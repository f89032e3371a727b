// systemd.syntax(7): sections and settings of unit files, Quadlet files and drop-ins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deployers/document/document.h"

namespace mlship {

struct UnitSetting {
  std::string section, key;
  std::string value;        // continued lines joined with a space, blanks around it removed; quotes stay
  std::vector<Span> parts;  // of the text, as it is written: lines between two comments, without their end
};
// In the order of the text; lines that are no settings are left out. Never fails.
std::vector<UnitSetting> read_unit(std::string_view text);

// Whether the text holds nothing but NAME=VALUE lines and comments, `export` before a name or not.
bool only_variables(std::string_view text);

// One object, the file, with a site in each value. Comments are no sites.
DocumentObject parse_unit(std::string_view text, std::string kind);

}  // namespace mlship
