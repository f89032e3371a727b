// Project + source tree + lock + models -> bundle in an OCI layout.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/diagnostics.h"
#include "core/host/host.h"
#include "core/project.h"
#include "packager/bundle.h"
#include "packager/resolve.h"

namespace mlship {

struct BuildOptions {
  Path output;  // empty: <project>/dist/NAME-VERSION
  bool allow_dirty = false;
  bool offline = false;
  std::vector<std::string> find_links;
  bool use_stat_cache = true;  // --verify builds without
};

struct BuiltLayer {
  Digest digest;
  std::uint64_t size = 0;
  std::string path;
  std::string kind;  // meta, code, dependency, model, document, output
};

struct BuildResult {
  std::string name;
  Version version;
  Digest digest;
  Path layout;
  std::vector<BuiltLayer> layers;
  std::vector<Output> outputs;
  bool reused = false;  // nothing had changed; nothing was written
};

// The package's version: literal, from a file (`__version__ = "…"` of a Python file, pyproject.toml,
// setup.cfg, or a file that is nothing but the version) or from the git tag at HEAD.
Version project_version(const Project& project);
// Throws Error(version) when no registry could name it: an OCI tag has 128 characters.
void require_tag_for(const Project& project, const Version& version);

// Throws before anything appears under the final name; the layout is put there complete, by rename.
BuildResult build(const Project& project, const BuildOptions& options, Host& host, Diagnostics& diagnostics);

// What publish records as provenance: the commit, its remote and whether the tree was dirty. Kept beside the
// layout (dist/NAME-VERSION.build.json), never inside the bundle.
struct BuildRecord {
  std::string commit, remote;
  bool dirty = false;
  std::int64_t started = 0, finished = 0;  // seconds since the epoch
};
std::optional<BuildRecord> read_build_record(const Path& layout);
// The commit that HEAD is now, when `layout` was built from another one and what the project packs is not the
// same there; "": it is what HEAD would be built to, or nobody can say.
std::string newer_commit(const Project& project, const BuildRecord& record);
// To be called when a blob of `layout` turns out to be damaged: the next build reuses nothing of it.
void forget_build(const Path& layout);
// A blob of dist/ may share its inode with the user's model. Throws Error(changed_since_build) when the
// content of one is no longer what was built; to be called before a blob of `layout` is sent anywhere.
void check_unchanged(const Path& layout);

}  // namespace mlship
