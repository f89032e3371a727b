// One requirement as packages write it (PEP 508 §Grammar).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mlship {

struct RequirementParts {
  std::string text;              // without its marker, as written: "beta[plots]>=2"
  std::string normal;            // the name, PEP 503
  std::set<std::string> extras;  // PEP 685
  std::string marker;            // "" for always
};
// nullopt when it does not begin with a name. Version and URL are not judged.
std::optional<RequirementParts> parse_requirement(std::string_view line);

}  // namespace mlship
