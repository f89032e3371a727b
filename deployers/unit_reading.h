// What the sources about units share: a unit's files, and what they say.
#pragma once

#include <string>
#include <vector>

#include "core/host/fs.h"
#include "deployers/document/unit.h"

namespace mlship {

// "score@nightly.service" -> "score@.service"; "" when it is no instance.
std::string template_of(const std::string& unit);
// Of what cannot be read, none.
std::vector<UnitSetting> settings_of(const Path& file);
std::vector<std::string> names_in(const Path& folder);
// The folders `<name>.d` of a unit, or with another end than `.d`, the strongest first: its own, its
// template's, those of the beginnings of its name, its type's (systemd.unit(5) §Description).
std::vector<std::string> folders_beside(const std::string& unit, const std::string& end);
// The unit's file and its drop-ins, in the order in which they are read.
std::vector<Path> files_of(const std::string& unit, const std::vector<Path>& folders);
// What a unit's name says of itself where a setting has specifiers (systemd.unit(5) §Specifiers).
std::string expanded(const std::string& text, const std::string& unit);

}  // namespace mlship
