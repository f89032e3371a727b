// One table of the project file, checked against its KeySpec rows as it is opened; then the typed values.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/project.h"

namespace mlship {

// The file being read, and how its tables are called: "" or "tool.mlship.".
struct ProjectSource {
  std::string file;
  std::string prefix;

  [[nodiscard]] Where where(toml::Position at) const { return {file, at}; }
  // "cannot read <file>:<line>:<column>: <why>"
  [[nodiscard]] Error error(toml::Position at, const std::string& why) const;
};

class TableReader {
 public:
  // title: "targets.edge", "[models]". Throws Error(project_file) on an unknown key, a wrong type, an absent
  // required key, an empty string.
  TableReader(const ProjectSource& source, std::string title, const toml::Node& node,
              std::span<const KeySpec> keys);

  [[nodiscard]] std::string title() const { return "[" + source_.prefix + title_ + "]"; }
  [[nodiscard]] Where where() const { return source_.where(node_.at); }
  // Of the key's value, or of the table when it is absent.
  [[nodiscard]] Where where(std::string_view key) const;
  [[nodiscard]] const toml::Node* value(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key, std::string fallback = "") const;
  [[nodiscard]] std::optional<bool> flag(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view key) const;
  [[nodiscard]] std::map<std::string, std::string> map(std::string_view key) const;
  [[nodiscard]] Error error(std::string_view key, const std::string& why) const;

 private:
  void check_member(const toml::Member& member, std::span<const KeySpec> keys) const;
  const ProjectSource& source_;
  std::string title_;
  const toml::Node& node_;
};

}  // namespace mlship
