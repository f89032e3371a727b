// Step 1 of a build: everything that goes in, read and checked, nothing written.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "packager/bundler.h"
#include "packager/source_tree.h"
#include "packager/stat_cache.h"

namespace mlship {

struct ModelFile {
  Path file;          // links resolved
  std::string shown;  // as the user wrote it
  std::string path;   // in the bundle
  fs::Stat stat;      // when it was found, then when it was hashed
  Digest digest;      // after finish_hashing()
};
struct ModelInput {
  std::string name;
  std::vector<ModelFile> files;  // bytewise order of path
  Json header;
};
struct Readme {
  std::string path;  // in the project and in the bundle; "" without one
  std::string text;
};

struct BuildInputs {
  GitState git;
  bool from_commit = false;          // the code, the lock and the readme are HEAD's
  std::unique_ptr<SourceTree> code;  // null without [code]
  Version version;                   // before a dirty tree changes it
  std::string lock;                  // its text, part of the tree hash
  std::string pyproject;             // text, "" without one
  Readme readme;
  std::vector<Platform> platforms;
  std::vector<Dependency> dependencies;
  std::vector<ModelInput> models;

  std::unique_ptr<Hashing> hashing;  // of the models, while it goes on

  [[nodiscard]] bool dirty() const { return !git.dirty.empty(); }
  // Waits until the models' digests are there. Throws as Hashing::finish().
  void finish_hashing();
};

// The code, without the models and the readme: those are layers of their own. `in_git`: the project lies in a
// repository, which says what belongs to it.
TreeSelection code_selection(const Project& project, bool in_git);
// The other files a build reads, relative to the project: the project file, the lock, the readme, …
std::vector<std::string> read_files(const Project& project);

// Everything but the models' digests, which are still being made. `listed`: the code of the folder when it
// was listed already, else null.
BuildInputs gather_inputs(const Project& project, const BuildOptions& options,
                          std::unique_ptr<SourceTree> listed, StatCache& cache, Host& host,
                          Diagnostics& diagnostics);
// What of git would stop a build: a repository that cannot be read, files that this clone lacks, filters that
// are not set up. Changes that are not committed are none of that.
void check_sources(const Project& project);
// The model files, without reading them.
std::vector<ModelFile> find_model(const Project& project, const ModelSection& section);

}  // namespace mlship
