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
#include "packager/wheel.h"

namespace mlship {
namespace {

constexpr std::string_view tree_schema = "mlship.tree/1";
constexpr std::string_view cache_folder = ".pycache";  // Python's own, beside lib/
constexpr std::uint64_t unpack_limit = 1ULL << 42U;    // bytes; ours, and its digest was checked

class TreeMaker {
 public:
  TreeMaker(const Bundle& bundle, const Path& dir) : bundle_(bundle), dir_(dir) {}

  void make() {
    refuse_file_only();
    choose_platform();
    fs::make_folders(dir_);
    install_dependencies();
    for (const auto& layer : bundle_.manifest.layers) install_layer(layer);
    install_project_wheel();
    install_launchers();
    write_list();
    for (auto it = std::filesystem::recursive_directory_iterator(dir_);
         it != std::filesystem::recursive_directory_iterator(); ++it) {
      if (it->is_directory()) fs::set_mode(it->path(), 0755);
    }
    fs::set_mode(dir_, 0755);
    fs::sync_tree(dir_);
  }

 private:
  void refuse_file_only() const {
    if (!bundle_.file_only()) return;
    const std::string version = bundle_.info.version.str();
    throw Error(ErrorCode::not_found, "cannot make a tree of " + bundle_.info.name + " " + version +
                                          ": it was published as a single file")
        .hint("mlship pull " + bundle_.info.package + ":" + version + " --kind " +
              bundle_.info.outputs.front().kind);
  }

  void choose_platform() {
    if (bundle_.info.platforms.empty()) return;
    const Machine machine = this_machine();
    platform_ = fitting_platform(bundle_.info, machine);
    if (platform_ != nullptr) {
      python_ = platform_->python;
      return;
    }
    std::string targets;
    for (const auto& p : bundle_.info.platforms) targets += (targets.empty() ? "" : ", ") + p.name;
    throw Error(ErrorCode::wheel, "cannot install " + bundle_.info.name + " " + bundle_.info.version.str() +
                                      ": it was built for other machines than this one")
        .fact("built for", targets)
        .fact("this machine", machine.name + ", glibc " + std::to_string(machine.glibc_major) + "." +
                                  std::to_string(machine.glibc_minor))
        .hint("add a platform of this machine to dependencies.targets, then mlship build");
  }

  void install_dependencies() {
    for (const auto& d : bundle_.info.dependencies) {
      const std::set<std::string> takers(d.platforms.begin(), d.platforms.end());
      if (platform_ == nullptr || !takers.contains(platform_->name)) continue;
      const Path blob = checked(d.digest, d.file);
      install_wheel(blob, dir_, python_, installed_, d.file);
    }
  }

  // The blob, when it is what its name says: jobs run these bytes.
  [[nodiscard]] Path checked(const Digest& digest, const std::string& what) const {
    Path blob = bundle_.layout.blob_path(digest);
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

  void install_layer(const oci::Descriptor& layer) {
    const std::string path = layer.title();
    if (layer.media_type == oci::media::code_tar) {
      install_tar(checked(layer.digest, path));
    } else if (path == bundle_path::info || layer.media_type != oci::media::code_raw) {
      reserve(path, "the bundle");
      fs::place(checked(layer.digest, path), dir_ / path, false);
      remember(path, false, layer.size, layer.digest);
    }
  }

  // Models that stand in a tar go to their place; the rest is code, which the project's wheel brings when
  // there is one.
  void install_tar(const Path& tar) {
    std::set<std::string> models;
    for (const auto& model : bundle_.info.models) models.insert(model.paths.begin(), model.paths.end());
    const fs::TempFolder unpacked(dir_);
    const Path from = unpacked.path() / "tree";
    fs::make_folders(from);
    extract_tar(tar, from, unpack_limit);
    for (const auto& entry : list_tar(tar)) {
      const bool model = models.contains(entry.path);
      if (!model && project_wheel() != nullptr) continue;
      const std::string path = model ? entry.path : "lib/" + entry.path;
      reserve(path, "the code");
      fs::rename(from / entry.path, dir_ / path);
      remember(path, entry.executable, entry.size, entry.digest);
    }
  }

  void install_project_wheel() {
    const Output* wheel = project_wheel();
    if (wheel == nullptr) return;
    install_wheel(checked(wheel->digest, wheel->filename), dir_, python_, installed_, wheel->filename);
  }

  void install_launchers() {
    for (const auto& [name, target] : bundle_.info.entry_points) {
      const std::string path = "bin/" + name;
      const std::string text = launcher(target, python_);
      const auto there = installed_.find(path);
      if (there != installed_.end() && there->second.digest == sha256(text)) continue;  // the wheel's own
      reserve(path, "the entry point " + name);
      fs::Writer out(dir_ / path, 0755);
      out.write(text);
      out.close(false);
      remember(path, true, text.size(), sha256(text));
    }
  }

  // Its folder exists and nobody has the path.
  void reserve(const std::string& path, const std::string& what) const {
    check_member_path(path, what);
    const auto there = installed_.find(path);
    if (there != installed_.end()) {
      throw Error(ErrorCode::duplicate_path, "cannot install " + what + ": " + path + " is taken")
          .fact("by", there->second.from.empty() ? "the bundle" : there->second.from);
    }
    fs::make_folders((dir_ / path).parent_path());
  }

  void remember(const std::string& path, bool executable, std::uint64_t size, const Digest& digest) {
    fs::set_mode(dir_ / path, executable ? 0755 : 0644);
    installed_[path] = {path, executable, size, digest, ""};
  }

  void write_list() const {
    Json files = Json::array();
    for (const auto& [path, file] : installed_) {
      files.push_back({{"path", path},
                       {"digest", file.digest.str()},
                       {"size", file.size},
                       {"executable", file.executable}});
    }
    const Json json{{"schema", tree_schema},
                    {"package", bundle_.info.package},
                    {"version", bundle_.info.version.str()},
                    {"digest", bundle_.digest.str()},
                    {"platform", platform_ == nullptr ? "" : platform_->name},
                    {"files", files}};
    fs::make_folders(dir_ / ".mlship");
    fs::Writer out(dir_ / bundle_path::tree);
    out.write(canonical_json(json) + "\n");
    out.close(false);
  }

  const Bundle& bundle_;
  const Path& dir_;
  const Platform* platform_ = nullptr;
  std::string python_ = "3";
  std::map<std::string, InstalledFile> installed_;
};

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
  for (const auto& row : list.at("files")) {
    const std::string path = row.at("path").get<std::string>();
    known.insert(path);
    if (auto why = differs(dir / path, row); !why.empty()) return why;
  }
  for (const auto& path : fs::walk(dir, [](const Path& p) { return p == cache_folder; })) {
    if (!known.contains(path.generic_string())) return path.generic_string() + " does not belong there";
  }
  return {};
}

}  // namespace

void make_tree(const Bundle& bundle, const Path& dir) {
  if (fs::lstat(dir)) {
    throw Error(ErrorCode::usage, "cannot install into " + dir.string() + ": it exists already");
  }
  TreeMaker(bundle, dir).make();
}

std::string check_tree(const Path& dir, const Digest& bundle_digest) {
  const auto s = fs::lstat(dir);
  if (!s) return "there is no " + dir.string();
  if (s->kind != fs::Kind::folder) return dir.string() + " is not a folder";
  const auto text = fs::read_if_exists(dir / bundle_path::tree);
  if (!text) return std::string(bundle_path::tree) + " is missing";
  try {
    const Json list = parse_json(*text, ErrorCode::verification, std::string(bundle_path::tree));
    if (list.value("schema", "") != tree_schema) return std::string(bundle_path::tree) + " is damaged";
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
  const auto brought = [&](const Path& path) { return known.contains(path.generic_string()); };
  out.erase(std::remove_if(out.begin(), out.end(), brought), out.end());
  return out;
}

}  // namespace mlship
