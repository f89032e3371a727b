// docs/mlship.schema.json: a JSON schema (draft 7, which editors of TOML read) of the project file, from the
// tables its parser reads.
#pragma once

#include <string>

namespace mlship {

std::string project_schema();

}  // namespace mlship
