// Every legal key of the project file: read by the parser, the docs and the JSON schema.
#include <array>

#include "core/project.h"

namespace mlship {
namespace {

using Type = KeySpec::Type;

constexpr auto version_forms = std::to_array<KeySpec>({
    {"git-tag", Type::string, "glob of the tag at HEAD that is the version: \"v*\"", ""},
    {"file", Type::string,
     "file that has the version: pyproject.toml, setup.cfg, a Python file with __version__, VERSION", ""},
});
constexpr KeyTable version_table{version_forms};

constexpr auto package = std::to_array<KeySpec>({
    {"name", Type::string, "the package's name (PEP 508)", "", true},
    {"version", Type::string_or_table, "\"1.4.0\", { git-tag = \"v*\" } or { file = \"pyproject.toml\" }", "",
     true, "", &version_table},
    {"scheme", Type::string, "how versions are written and ordered: pep440 or semver", "pep440", false,
     "pep440|semver"},
    {"owner", Type::string, "the team that answers for it", ""},
    {"description", Type::string, "one line about it", ""},
    {"license", Type::string, "SPDX expression", ""},
    {"readme", Type::string, "file shipped as the description", ""},
});

constexpr auto code = std::to_array<KeySpec>({
    {"root", Type::string, "folder that holds the importable code", "."},
    {"include", Type::string_list, "globs below root; only these are shipped", "all"},
    {"exclude", Type::string_list, "globs below root; these are not shipped", "none"},
    {"entry-points", Type::string_map, "commands: name = \"module:function\"", "none"},
    {"allow-pickle", Type::string_list, "globs below root; pickles that may be shipped with the code",
     "none"},
});

constexpr auto dependencies = std::to_array<KeySpec>({
    {"lock", Type::string, "the lock file, with a sha256 for every file", "", true},
    {"targets", Type::string_list, "platforms to ship wheels for; see mlship platforms", "", true},
    {"index", Type::string, "the [indexes] entry the wheels come from", "pip's own settings"},
    {"find-links", Type::string_list, "folders with wheels, looked into first", "none"},
    {"provided", Type::string_list, "distributions that the machine brings and the lock need not have",
     "none"},
});

constexpr auto models = std::to_array<KeySpec>({
    {"name", Type::string, "the model's name in the bundle", "", true},
    {"path", Type::string, "file or folder; may be ignored by git", "", true},
    {"format", Type::string, "the format it must have", "detected"},
    {"allow-pickle", Type::boolean, "take a pickle, which runs whatever it says when a job loads it",
     "false"},
});

constexpr auto wheel_keys = std::to_array<KeySpec>({
    {"requires", Type::string, "pinned: the wheel requires the locked versions", "", false, "pinned"},
});
constexpr KeyTable wheel_table{wheel_keys};

constexpr auto outputs = std::to_array<KeySpec>({
    {"wheel", Type::boolean_or_table, "true, false or { requires = \"pinned\" }", "true with Python code",
     false, "", &wheel_table},
});

constexpr auto registries = std::to_array<KeySpec>({
    {"url", Type::string, "where bundles are kept: layout:DIR or oci://HOST/NAMESPACE", "", true},
    {"plain-http", Type::boolean, "HTTP without TLS; no credentials are sent off loopback then",
     "true on loopback"},
    {"ca-file", Type::string, "PEM file of the authorities to trust", "the system's"},
    {"token-hosts", Type::string_list, "other hosts that may get this registry's credentials", "none"},
});

constexpr auto indexes = std::to_array<KeySpec>({
    {"url", Type::string, "a Python package index: pypi+https://…", "", true},
});

// The other keys are those of the kind (`mlship targets`).
constexpr auto targets = std::to_array<KeySpec>({
    {"kind", Type::string, "the kind of system; see mlship targets", "", true},
});

constexpr auto objects = std::to_array<KeySpec>({
    {"owner", Type::string, "the team that answers for the objects with these names", ""},
    {"criticality", Type::integer, "1 (least) to 5: a canary takes the least critical first", "3"},
    {"after", Type::string_list, "globs: with --with-dependencies these objects are changed before", ""},
    {"reads", Type::string_list, "tables or paths: whoever writes one is changed before", ""},
    {"writes", Type::string_list, "tables or paths: whoever reads one is changed after", ""},
    {"probe", Type::string, "the shell command of --proof run; it prints the version that ran", ""},
});

constexpr auto environments = std::to_array<KeySpec>({
    {"registry", Type::string, "a [registries] entry or a URL", "the only one, else the user's data folder"},
    {"targets", Type::string_list, "[targets] entries", "all"},
    {"ledger", Type::string, "a folder, or git+https://, git+ssh:// or git+file:// and a repository",
     "beside the default registry"},
});

constexpr auto tables = std::to_array<TableSpec>({
    {"package", "what is shipped", package},
    {"code", "the pipeline code", code},
    {"dependencies", "the pinned dependencies", dependencies},
    {"models[]", "one model file or folder", models},
    {"outputs", "the files derived from a bundle", outputs},
    {"registries.NAME", "a place where bundles are kept", registries},
    {"indexes.NAME", "a package index", indexes},
    {"targets.NAME", "a system that holds jobs", targets},
    {"objects.GLOB", "what cannot be read off an object", objects},
    {"environments.NAME", "a registry, targets and a ledger that belong together", environments},
});

}  // namespace

std::span<const TableSpec> project_tables() {
  return tables;
}

}  // namespace mlship
