// The runnable tree: what jobs on a host run. Made complete, then compared file by file.
#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/json_library.h"
#include "packager/bundle.h"
#include "packager/bundle_paths.h"
#include "packager/machine.h"
#include "packager/tar.h"
#include "packager/tree_plan.h"
#include "packager/tree_python.h"

namespace mlship {
namespace {

constexpr std::string_view tree_schema = "mlship.tree/2";
constexpr std::string_view older_schema = "mlship.tree/1";  // without bin/python
constexpr std::string_view cache_folder = ".pycache";       // Python's own, beside lib/
constexpr std::uint64_t unpack_limit = 1ULL << 42U;         // bytes; ours, and its digest was checked

// What a platform of the bundle takes, planned before anything is written.
class Planner {
 public:
  // `platform`: null for a bundle without dependencies. `hash`: whether blobs are read to see that they are
  // what their names say.
  Planner(const Bundle& bundle, const Platform* platform, bool hash)
      : bundle_(bundle),
        platform_(platform),
        hash_(hash),
        plan_(platform == nullptr ? "3" : platform->python) {}

  // The bundle's own files come first, then the project's wheel: what they bring, they keep.
  TreePlan plan() {
    for (const auto& layer : bundle_.manifest.layers) add_layer(layer);
    const Output* project = project_wheel();
    if (project != nullptr) plan_.add_wheel(checked(project->digest, project->filename), project->filename);
    for (const auto& [name, target] : bundle_.info.entry_points) plan_.add_entry_point(name, target);
    for (const auto& d : bundle_.info.dependencies) {
      const bool taken = platform_ != nullptr && std::find(d.platforms.begin(), d.platforms.end(),
                                                           platform_->name) != d.platforms.end();
      if (taken) plan_.add_wheel(checked(d.digest, d.file), d.file);
    }
    plan_.finish();
    return std::move(plan_);
  }

  // Where the code of the tars lies while the plan is written.
  void unpack_into(const Path& folder) { unpacked_ = folder; }

 private:
  // The blob, when it is what its name says: jobs run these bytes.
  [[nodiscard]] Path checked(const Digest& digest, const std::string& what) const {
    Path blob = bundle_.layout.blob_path(digest);
    if (!hash_) return blob;
    const Digest actual = fs::hash_file(blob);
    if (actual == digest) return blob;
    throw Error(ErrorCode::verification, "cannot install " + what + ": its content is damaged")
        .fact("expected", digest.str())
        .fact("actual", actual.str());
  }

  [[nodiscard]] const Output* project_wheel() const {
    for (const auto& o : bundle_.info.outputs) {
      if (o.kind == "wheel") return &o;
    }
    return nullptr;
  }

  void add_layer(const oci::Descriptor& layer) {
    const std::string path = layer.title();
    if (layer.media_type == oci::media::code_tar) {
      add_tar(checked(layer.digest, path), path);
    } else if (path == bundle_path::info || layer.media_type != oci::media::code_raw) {
      plan_.add_file(path, false, layer.size, layer.digest, checked(layer.digest, path), "the bundle");
    }
  }

  // Models that stand in a tar go to their place; the rest is code, which the project's wheel brings when
  // there is one.
  void add_tar(const Path& tar, const std::string& title) {
    std::set<std::string> models;
    for (const auto& model : bundle_.info.models) models.insert(model.paths.begin(), model.paths.end());
    const Path from = unpacked_ / title;
    if (!unpacked_.empty()) {
      fs::make_folders(from);
      extract_tar(tar, from, unpack_limit);
    }
    for (const auto& entry : list_tar(tar)) {
      const bool model = models.contains(entry.path);
      if (!model && project_wheel() != nullptr) continue;
      plan_.add_file(model ? entry.path : "lib/" + entry.path, entry.executable, entry.size, entry.digest,
                     from / entry.path, "the code");
    }
  }

  const Bundle& bundle_;
  const Platform* platform_;
  bool hash_;
  TreePlan plan_;
  Path unpacked_;
};

void refuse_file_only(const Bundle& bundle) {
  if (!bundle.file_only()) return;
  const std::string version = bundle.info.version.str();
  throw Error(ErrorCode::not_found, "cannot make a tree of " + bundle.info.name + " " + version +
                                        ": it was published as a single file")
      .hint("mlship pull " + bundle.info.package + ":" + version + " --kind " +
            bundle.info.outputs.front().kind);
}

// Null when the bundle has no platforms.
const Platform* platform_of_this_machine(const Bundle& bundle) {
  if (bundle.info.platforms.empty()) return nullptr;
  const Machine machine = this_machine();
  const Platform* platform = fitting_platform(bundle.info, machine);
  if (platform != nullptr) return platform;
  std::string targets;
  for (const auto& p : bundle.info.platforms) targets += (targets.empty() ? "" : ", ") + p.name;
  throw Error(ErrorCode::wheel, "cannot install " + bundle.info.name + " " + bundle.info.version.str() +
                                    ": it was built for other machines than this one")
      .fact("built for", targets)
      .fact("this machine", machine.name + ", glibc " + std::to_string(machine.glibc_major) + "." +
                                std::to_string(machine.glibc_minor))
      .hint("add a platform of this machine to dependencies.targets, then mlship build");
}

// Every file of the tree with its digest, pyvenv.cfg as it is on this machine.
void write_list(const Path& dir, const Bundle& bundle, const Platform* platform, const TreePlan& plan) {
  Json files = Json::array();
  for (const auto& [path, file] : plan.files()) {
    files.push_back({{"path", path},
                     {"digest", file.digest.str()},
                     {"size", file.size},
                     {"executable", file.executable}});
  }
  const Json json{{"schema", tree_schema},
                  {"package", bundle.info.package},
                  {"version", bundle.info.version.str()},
                  {"digest", bundle.digest.str()},
                  {"platform", platform == nullptr ? "" : platform->name},
                  {"files", files}};
  fs::make_folders(dir / ".mlship");
  fs::Writer out(dir / bundle_path::tree);
  out.write(canonical_json(json) + "\n");
  out.close(false);
  fs::set_mode(dir / bundle_path::tree, 0644);
}

void open_folders(const Path& dir) {
  for (auto it = std::filesystem::recursive_directory_iterator(dir);
       it != std::filesystem::recursive_directory_iterator(); ++it) {
    if (!it->is_symlink() && it->is_directory()) fs::set_mode(it->path(), 0755);
  }
  fs::set_mode(dir, 0755);
}

// That a wheel was found good; a cache that cannot be written only makes the next build read it again.
void remember(const Path& mark) {
  try {
    fs::make_folders(mark.parent_path());
    (void)fs::create_exclusive(mark, "");
  } catch (const Error&) {
  }
}

// "" when the file is the one listed.
std::string differs(const Path& file, const Json& row) {
  const std::string path = row.at("path").get<std::string>();
  const auto s = fs::lstat(file);
  if (!s) return path + " is missing";
  if (s->kind != fs::Kind::file) return path + " is not a file";
  if (s->size != row.at("size").get<std::uint64_t>()) return path + " has another size";
  if (s->executable() != row.at("executable").get<bool>()) return path + " has another mode";
  if (fs::hash_file(file).str() != row.at("digest").get<std::string>()) return path + " has other content";
  return {};
}

// What the tree in `dir` says it brought; only itself when that cannot be read.
std::set<std::string> listed_paths(const Path& dir) {
  std::set<std::string> out{std::string(bundle_path::tree)};
  const auto text = fs::read_if_exists(dir / bundle_path::tree);
  if (!text) return out;
  try {
    const Json list = parse_json(*text, ErrorCode::verification, std::string(bundle_path::tree));
    for (const auto& row : list.at("files")) out.insert(row.at("path").get<std::string>());
  } catch (const Error&) {  // damaged: whose the others are cannot be known
  } catch (const Json::exception&) {
  }
  return out;
}

std::string compare(const Path& dir, const Json& list) {
  std::set<std::string> known{std::string(bundle_path::tree)};
  if (list.value("schema", "") == tree_schema) {
    if (auto why = check_python(dir); !why.empty()) return why;
  }
  for (const auto& row : list.at("files")) {
    const std::string path = row.at("path").get<std::string>();
    known.insert(path);
    if (auto why = differs(dir / path, row); !why.empty()) return why;
  }
  for (const auto& path : fs::walk(dir, [](const Path& p) { return p == cache_folder; })) {
    const std::string shown = path.generic_string();
    if (!known.contains(shown) && !is_interpreters(shown)) return shown + " does not belong there";
  }
  return {};
}

}  // namespace

void make_tree(const Bundle& bundle, const Path& dir, const Env& env, Process& process) {
  if (fs::lstat(dir)) {
    throw Error(ErrorCode::usage, "cannot install into " + dir.string() + ": it exists already");
  }
  refuse_file_only(bundle);
  const Platform* platform = platform_of_this_machine(bundle);
  fs::make_folders(dir);
  {
    const fs::TempFolder unpacked(dir);
    Planner planner(bundle, platform, true);
    planner.unpack_into(unpacked.path());
    const TreePlan plan = planner.plan();
    plan.write(dir);
    write_python(dir, find_interpreter(plan.python(), env, process));
    write_list(dir, bundle, platform, plan);
  }
  open_folders(dir);
  fs::sync_tree(dir);
}

std::vector<std::string> try_installation(const Bundle& bundle) {
  if (bundle.file_only()) return {};
  std::vector<const Platform*> platforms;
  for (const auto& platform : bundle.info.platforms) platforms.push_back(&platform);
  if (platforms.empty()) platforms.push_back(nullptr);
  std::set<std::string> warnings;
  for (const auto* platform : platforms) {
    for (auto& line : Planner(bundle, platform, false).plan().warnings()) warnings.insert(std::move(line));
  }
  return {warnings.begin(), warnings.end()};
}

void check_wheels(const Bundle& bundle, const Path& known) {
  std::vector<std::pair<Digest, std::string>> wheels;
  for (const auto& o : bundle.info.outputs) {
    if (o.kind == "wheel") wheels.emplace_back(o.digest, o.filename);
  }
  for (const auto& d : bundle.info.dependencies) wheels.emplace_back(d.digest, d.file);
  for (const auto& [digest, file] : wheels) {
    const Path mark = known.empty() ? Path() : known / digest.hex();
    if (!mark.empty() && fs::exists(mark)) continue;
    WheelReader(bundle.layout.blob_path(digest), file).check_all();
    if (!mark.empty()) remember(mark);
  }
}

std::string check_tree(const Path& dir, const Digest& bundle_digest) {
  const auto s = fs::lstat(dir);
  if (!s) return "there is no " + dir.string();
  if (s->kind != fs::Kind::folder) return dir.string() + " is not a folder";
  const auto text = fs::read_if_exists(dir / bundle_path::tree);
  if (!text) return std::string(bundle_path::tree) + " is missing";
  try {
    const Json list = parse_json(*text, ErrorCode::verification, std::string(bundle_path::tree));
    const std::string schema = list.value("schema", "");
    if (schema != tree_schema && schema != older_schema)
      return std::string(bundle_path::tree) + " is damaged";
    const std::string digest = list.value("digest", "");
    if (digest != bundle_digest.str()) return "it is the tree of another bundle, " + digest;
    return compare(dir, list);
  } catch (const Error& e) {
    return e.message();
  } catch (const Json::exception&) {
    return std::string(bundle_path::tree) + " is damaged";
  }
}

std::vector<Path> files_of_others(const Path& dir) {
  const auto is_cache = [](const Path& p) { return p == cache_folder || p.filename() == "__pycache__"; };
  const auto known = listed_paths(dir);
  auto out = fs::walk(dir, is_cache);
  const auto brought = [&](const Path& path) {
    return known.contains(path.generic_string()) || is_interpreters(path.generic_string());
  };
  out.erase(std::remove_if(out.begin(), out.end(), brought), out.end());
  return out;
}

}  // namespace mlship
