// Workspaces that refer to a package in every form and place, and what a rollout of its version 1.4.0 must
// make of them. What is expected is written down while the text is put together; nothing here reads a
// reference.
//
// What was chosen where more than one reading is possible:
// - A path names the string that holds the reference (path.h). The second reference of the package in one
//   string has `#2` behind its path, the third `#3`.
// - `from` and `to` are the reference alone: a pin with its name and extras but without marker and quotes, a
//   file's whole path without quotes, extras and `name @ `. `before` and `after` are the whole string.
// - A reference moves for its version first (newer, same-version, other-major); only what would move for it
// is
//   hash-pinned, other-kind or no-output. compat is "major", prereleases are not asked for: older
//   pre-releases of the same major move, the version shipped is a release.
// - Pins and coordinates move with `pins` and `coordinates`, else they are no-output; a pypi entry with a
// `repo` of
//   its own is no-output and put in only without `pins`.
// - Eggs and jars move to their own output when there is one, else they are other-kind (a wheel always is).
// - opaque: a VCS line; a requirements file, an init script or a base_environment that names the package.
// Those
//   that do not name it are not listed. Names of other packages that contain it (churn-plus) never stand in
//   such texts.
// - Jobs of a bundle and of the system (SYSTEM_MANAGED) hold only references that would move: foreign-owner.
// - `restricted` jobs: half may be viewed only (a change that is `refused`), half not be seen (nothing).
// - Parameters of spark_python_task are looked at and never written: opaque. Names, tags and comments are no
//   references.
// - Interactive clusters count with `interactive` only (a target with `clusters = true`).
// - A task with new_cluster.policy_id is marked policy_defaults: when it is rewritten,
//   apply_policy_default_values is lost.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/databricks/state.h"

namespace mlship::testing::dbx {

struct OutputFile {
  std::string file;    // churn-1.4.0-py3-none-any.whl
  std::string sha256;  // 64 hex digits
};

struct GenerateOptions {
  std::uint64_t seed = 1;
  int jobs = 100, pipelines = 6, clusters = 4, policies = 4;
  std::string package = "churn";
  double affected = 0.5;  // share of the jobs that name the package at all; spread evenly, exact to one
  bool simple = false;  // each of them holds one wheel that moves, in its only task; the others hold nothing
  bool pins = false, coordinates = false, interactive = false;
  double restricted = 0;  // share of the affected jobs that Generated::access may not edit
  bool azure = false;     // abfss://container@account… among the paths
  std::string library_path = "/Volumes/main/ml/libs";
  // By kind: wheel, egg, jar. Empty: a wheel with a name and digest of its own.
  std::map<std::string, OutputFile> outputs = {};
};

struct ExpectedChange {
  std::string object, path, from, to, before, after;
  bool refused = false;          // Generated::access may not edit the object
  bool policy_defaults = false;  // the plan must warn
};
struct ExpectedSkip {
  std::string object, path, reason;
};

struct Generated {
  State state;
  Access access;  // for the token of a test with restricted jobs
  std::vector<ExpectedChange> changes;
  std::vector<ExpectedSkip> skipped;
};

inline constexpr const char* shipped_version = "1.4.0";
Generated generate(const GenerateOptions& options);
// document_of() an object after the rollout.
Json expected_document(const Generated& generated, const std::string& object);
// Where a file of the shipped version stands.
std::string published_path(const GenerateOptions& options, const OutputFile& output);

}  // namespace mlship::testing::dbx
