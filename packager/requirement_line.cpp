#include "packager/requirement_line.h"

#include <algorithm>

#include "core/names.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t";

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_';
}

std::set<std::string> split_extras(std::string_view list) {
  std::set<std::string> out;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const auto one = stripped(list.substr(0, comma));
    if (!one.empty()) out.insert(normalize_name(std::string(one)));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

}  // namespace

std::optional<RequirementParts> parse_requirement(std::string_view line) {
  line = stripped(line);
  // After a URL a marker needs white space before its semicolon, because `;` may be part of a URL.
  const bool url = line.find('@') < line.find(';') && line.find("://") != std::string_view::npos;
  const size_t semicolon = url ? std::min(line.find(" ;"), line.find("\t;")) : line.find(';');
  RequirementParts out;
  const auto head = stripped(line.substr(0, semicolon));
  if (semicolon != std::string_view::npos) out.marker = stripped(line.substr(line.find(';', semicolon) + 1));
  size_t end = 0;
  while (end < head.size() && name_character(head[end])) ++end;
  const std::string name(head.substr(0, end));
  if (!valid_name(name)) return std::nullopt;
  out.text = head;
  out.normal = normalize_name(name);
  const auto rest = stripped(head.substr(end));
  const size_t close = rest.find(']');
  if (rest.starts_with('[') && close != std::string_view::npos)
    out.extras = split_extras(rest.substr(1, close - 1));
  return out;
}

}  // namespace mlship
