// mlship.toml (or [tool.mlship] of pyproject.toml) and the user file, parsed and checked. Unknown keys are
// errors with a did-you-mean and file:line:column. Every legal key is a row of project_tables(): a key exists
// only when what it does is built.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/digest.h"
#include "core/host/fs.h"
#include "core/settings.h"
#include "core/toml.h"
#include "core/version.h"

namespace mlship {

// Where a value stands, for messages: "mlship.toml:12:3" (relative to the folder the person works in where
// possible).
struct Where {
  std::string file;
  toml::Position at;
  [[nodiscard]] std::string str() const;       // file:line:column
  [[nodiscard]] std::string line_str() const;  // file:line
};

struct PackageSection {
  std::string name;    // as written
  std::string normal;  // PEP 503 normal form
  Scheme scheme = Scheme::pep440;
  // Exactly one of the three.
  std::string version;          // literal
  std::string version_git_tag;  // glob: { git-tag = "v*" }
  std::string version_file;     // { file = "src/churn/__init__.py" }
  std::string owner, description, license, readme;
  Where name_at, version_at;
};

struct CodeSection {
  std::string root = ".";
  std::vector<std::string> include;  // globs relative to root; empty: everything
  std::vector<std::string> exclude;
  std::map<std::string, std::string> entry_points;  // name -> module:function
  std::vector<std::string> allow_pickle;            // globs relative to root
  Where at;
};

struct DependenciesSection {
  std::string lock;                  // relative to the project
  std::vector<std::string> targets;  // named platforms or complete-platform JSON files
  std::string index;                 // name of an [indexes] entry; empty: pip's settings, then the default
  std::vector<std::string> find_links;
  std::vector<std::string> provided;  // names that the machine brings, PEP 503
  Where at;
};

struct ModelSection {
  std::string name;
  std::string path;  // file or folder, relative to the project
  std::string format;
  bool allow_pickle = false;
  Where at;
};

struct OutputsSection {
  bool present = false;  // false: a wheel when there is Python code
  bool wheel = false;
  bool wheel_pinned = false;  // requires = "pinned"
  Where at;
};

struct RegistrySection {
  std::string url;
  Where at;                        // of the url
  std::optional<bool> plain_http;  // absent: as the URL's host is, on loopback or not
  std::string ca_file;             // relative to the project
  std::vector<std::string> token_hosts;
};

struct IndexSection {
  std::string url;  // "pypi+https://…"
  Where at;
};

// One [targets.NAME]; the kind's own keys were checked against the kind's KeySpec rows.
struct TargetSection {
  std::string name;
  std::string kind;
  std::map<std::string, std::variant<std::string, bool, std::int64_t, std::vector<std::string>>> values;
  Where at;

  [[nodiscard]] std::string text(std::string_view key, std::string fallback = "") const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback = false) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view key) const;
};

// What cannot be read off the objects whose name or id the glob matches.
struct ObjectSection {
  std::string glob;
  std::string owner;
  Where at;
  std::optional<int> criticality;          // 1 (least) … 5
  std::vector<std::string> after;          // globs: objects to change before these
  std::vector<std::string> reads, writes;  // tables or paths; they give the order of --with-dependencies
  std::string probe;                       // shell command of --proof run
};

struct EnvironmentSection {
  std::string name;
  std::string registry;              // name of a [registries] entry, or a URL
  std::vector<std::string> targets;  // names; empty: all
  std::string ledger;                // a folder or git+…://; empty: beside the default registry
  Where at;
};

struct Project {
  Path folder;       // empty when there is only a user file
  std::string file;  // as shown in messages
  std::optional<PackageSection> package;
  std::optional<CodeSection> code;
  std::optional<DependenciesSection> dependencies;
  std::vector<ModelSection> models;
  OutputsSection outputs;
  std::map<std::string, RegistrySection> registries;
  std::map<std::string, IndexSection> indexes;
  std::map<std::string, TargetSection> targets;
  std::vector<ObjectSection> objects;
  std::map<std::string, EnvironmentSection> environments;
};

// The keys a target kind understands beside the common ones; given by the target table, so that core knows no
// kind.
struct KindKeys {
  std::string_view kind;
  std::span<const KeySpec> keys;
};

struct TableSpec {
  std::string_view name;  // "package", "registries.NAME", "models[]"
  std::string_view help;
  std::span<const KeySpec> keys;
};
std::span<const TableSpec> project_tables();

// Reads one file's text. `file` is what messages call it. Throws Error(project_file).
Project parse_project(std::string_view text, const std::string& file, const Path& folder,
                      std::span<const KindKeys> kinds);
// mlship.toml, else pyproject.toml with [tool.mlship], in `start` or the nearest folder above it, merged over
// the user file (the project wins). nullopt when there is neither a project nor a user file.
std::optional<Project> load_project(const Path& start, const Path& user_file,
                                    std::span<const KindKeys> kinds);

// The environment to work in: the one named, the only one, or the implicit "default" with all targets.
// Error(environment_ambiguous) when there are several and none is named; Error(usage) with a did-you-mean
// when unknown.
EnvironmentSection choose_environment(const Project& project, const std::optional<std::string>& named);

}  // namespace mlship
