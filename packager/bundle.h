// A bundle as it lies in an OCI layout: what is in it, where its bytes are, whether they are what they claim
// to be.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/host/env.h"
#include "core/host/process.h"
#include "core/json_library.h"
#include "core/oci.h"
#include "core/release.h"
#include "packager/platform.h"

namespace mlship {

struct BundleDependency {
  std::string name, version, file, marker;
  std::uint64_t size = 0;
  Digest digest;
  std::vector<std::string> platforms;
};
struct BundleModel {
  std::string name;
  std::vector<std::string> paths;  // in the bundle
  Json header;                     // what the model format says
};

// .mlship/bundle.json, parsed. It holds no time, host, user, commit or tool version.
struct BundleInfo {
  int schema = 1;
  std::string package;  // PEP 503
  std::string name;     // as written
  Scheme scheme = Scheme::pep440;
  Version version;
  std::string description, license;
  std::map<std::string, std::string> entry_points;
  std::vector<Platform> platforms;  // name, python, machine, system, libc only
  std::vector<BundleDependency> dependencies;
  std::vector<BundleModel> models;
  std::vector<Output> outputs;
};
Json to_json(const BundleInfo& info);
BundleInfo parse_bundle_info(std::string_view bytes, std::string_view what);

struct Bundle {
  oci::Layout layout;
  Digest digest;  // of the manifest
  std::string manifest_bytes;
  oci::Manifest manifest;
  BundleInfo info;
  [[nodiscard]] Release release() const;  // has_tree when one of the platforms fits this machine
  [[nodiscard]] bool file_only() const;   // nothing but one output: no tree can be made
};

// The single bundle of a layout folder, or the one with that manifest digest. Checks the manifest against the
// profile (titles equal filepaths, no duplicates, relative paths). Throws
// Error(bundle|not_found|verification).
Bundle open_bundle(const Path& layout_folder, const std::optional<Digest>& digest = std::nullopt);

// Every blob's sha256 and size, the dependencies against bundle.json, the outputs, the model headers.
struct VerifyReport {
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
};
VerifyReport verify_bundle(const Bundle& bundle);  // throws Error(verification) with the first mismatch

// The runnable tree in `dir` (made; must not exist): a Python environment (packager/tree_python.h) with lib/,
// bin/, models/ and .mlship/tree.json (every file with its digest), of the platform that fits this machine.
// On disk when it returns, not renamed.
void make_tree(const Bundle& bundle, const Path& dir, const Env& env, Process& process);
// Plans the tree of every platform and writes nothing: the files of a wheel that stay out because another has
// the path, a line for each pair. Throws what make_tree() would throw for the bundle's content
// (Error(wheel|archive|duplicate_path|verification)); members are compared with RECORD by check_wheels().
std::vector<std::string> try_installation(const Bundle& bundle);
// That every member of every wheel is what its RECORD says. `known`: a folder that remembers wheels found
// good, by digest; empty: all are read. Throws Error(wheel|archive).
void check_wheels(const Bundle& bundle, const Path& known);
// "" when dir is exactly that tree (its .pycache/ aside), else one line.
std::string check_tree(const Path& dir, const Digest& bundle_digest);
// The files in `dir` that no tree brought: neither in its list nor a cache of Python's. All of them where no
// list can be read.
std::vector<Path> files_of_others(const Path& dir);

}  // namespace mlship
