// The tables of one file, without the references between them (core/project.cpp checks those after merging).
#pragma once

#include <span>

#include "core/project.h"
#include "core/project_reader.h"

namespace mlship {

// root: the table that holds [package] and the others. Adds to `project`; throws Error(project_file|version).
void parse_sections(const toml::Node& root, const ProjectSource& source, bool user_file,
                    std::span<const KindKeys> kinds, Project& project);

}  // namespace mlship
