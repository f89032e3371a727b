#include "packager/build_inputs.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "core/json_library.h"
#include "core/text.h"
#include "packager/entry_points.h"
#include "packager/lock.h"
#include "packager/lock_complete.h"
#include "packager/model.h"
#include "packager/raw_tree.h"
#include "packager/wheel.h"

namespace mlship {
namespace {

constexpr size_t most_listed = 5;

std::string cannot_build(const Project& project) {
  return "cannot build " + project.package->name + ": ";
}

std::string normal(const std::string& path) {
  std::string out = Path(path).lexically_normal().generic_string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}

// `path` as code.include sees it; "" when it is not below the root.
std::string below_root(const std::string& root, const std::string& path) {
  const std::string clean = normal(root);
  if (clean == ".") return normal(path);
  const std::string prefix = clean + "/";
  return normal(path).starts_with(prefix) ? normal(path).substr(prefix.size()) : "";
}

bool covered(const Project& project, const TreeSelection& selection, const std::set<std::string>& read,
             const std::string& path) {
  if (read.contains(path)) return true;
  if (!project.code) return false;
  const std::string inside = below_root(selection.root, path);
  return !inside.empty() && selected(selection, inside);
}

Error listing(Error error, const std::string& label, const std::vector<std::string>& files) {
  for (size_t i = 0; i < std::min(files.size(), most_listed); ++i) {
    error = std::move(error).fact(label, files[i]);
  }
  if (files.size() > most_listed) {
    error = std::move(error).fact("and", std::to_string(files.size() - most_listed) + " more");
  }
  return error;
}

void refuse_dirty(const Project& project, const std::vector<std::string>& dirty) {
  throw listing(
      Error(ErrorCode::dirty_tree, cannot_build(project) + "there are changes that are not committed"),
      "changed", dirty)
      .hint("git commit, or mlship build --allow-dirty");
}

// The command that brings the files of a sparse checkout: their folders where these are few.
std::string checkout_of(const std::vector<std::string>& files) {
  constexpr size_t most_named = 3;
  std::set<std::string> folders;
  for (const auto& file : files) folders.insert(Path(file).parent_path().generic_string());
  if (folders.contains("") || folders.size() > most_named) return "git sparse-checkout disable";
  std::string command = "git sparse-checkout add";
  for (const auto& folder : folders) {
    const bool plain = folder.find_first_of(" \t'\"\\$`&;|<>()*?[#~") == std::string::npos;
    command += " " + (plain ? folder : shell_quoted(folder));
  }
  return command;
}

void refuse_absent(const Project& project, const std::vector<std::string>& absent) {
  throw listing(Error(ErrorCode::source_tree, cannot_build(project) + "this sparse checkout leaves out " +
                                                  std::to_string(absent.size()) +
                                                  (absent.size() == 1 ? " file" : " files") + " of the code"),
                "absent", absent)
      .hint(checkout_of(absent));
}

// A file beside the code: HEAD's when the build is HEAD's.
std::string text_of(const Project& project, const BuildInputs& inputs, const std::string& path,
                    const std::string& role) {
  if (inputs.from_commit) {
    auto text = git_file(project.folder, path);
    if (text && !lfs_pointer(*text)) return std::move(*text);
  }
  auto text = fs::read_if_exists(project.folder / path);
  if (!text) {
    throw Error(ErrorCode::project_file, cannot_build(project) + role + " '" + path + "' does not exist")
        .fact("looked in", project.folder.string());
  }
  if (lfs_pointer(*text)) {
    throw Error(ErrorCode::lfs_pointer, cannot_build(project) + path + " is a Git LFS pointer")
        .hint("git lfs pull");
  }
  return std::move(*text);
}

void gather_code(const Project& project, std::unique_ptr<SourceTree> listed, BuildInputs& inputs) {
  if (!project.code) return;
  const TreeSelection selection = code_selection(project, inputs.git.present);
  if (inputs.from_commit) {
    listed.reset();
    inputs.code = git_tree(project.folder, selection);
  } else {
    // A dirty tree is built as a commit of everything would have it.
    const auto ignored = inputs.git.present ? git_ignored(project.folder) : std::vector<std::string>();
    inputs.code =
        listed && ignored.empty() ? std::move(listed) : folder_tree(project.folder, selection, ignored);
  }
  if (inputs.code->files().empty()) {
    throw Error(ErrorCode::source_tree, cannot_build(project) + "code.include matches no file below '" +
                                            project.code->root + "'" +
                                            (inputs.from_commit ? " in the last commit" : ""))
        .fact("at", project.code->at.line_str());
  }
  for (const auto& [name, target] : project.code->entry_points) {
    check_member_path("bin/" + name, "code.entry-points");
    launcher(target, "3");  // refuses what could not be started
  }
  check_entry_points(project, *inputs.code);
}

void gather_dependencies(const Project& project, const BuildOptions& options, BuildInputs& inputs, Host& host,
                         Diagnostics& diagnostics) {
  if (!project.dependencies) return;
  const auto& section = *project.dependencies;
  for (const auto& target : section.targets)
    inputs.platforms.push_back(load_platform(target, project.folder));
  if (section.lock.empty()) return;
  if (inputs.platforms.empty()) {
    throw Error(ErrorCode::project_file,
                "cannot read " + section.at.line_str() + ": a lock needs dependencies.targets")
        .hint("mlship platforms");
  }
  std::string index;
  if (!section.index.empty()) {
    const auto found = project.indexes.find(section.index);
    if (found == project.indexes.end()) {
      throw Error(ErrorCode::project_file,
                  "cannot read " + section.at.line_str() + ": there is no [indexes." + section.index + "]");
    }
    index = found->second.url;
  }
  IndexSettings settings = index_settings(host.env, index);
  settings.offline = options.offline;
  for (const auto& place : section.find_links) {
    const bool page = place.find("://") != std::string::npos;
    settings.find_links.push_back(page ? place : (project.folder / place).string());
  }
  for (const auto& place : options.find_links) settings.find_links.push_back(place);
  inputs.lock = text_of(project, inputs, section.lock, "the lock");
  const Lock lock = read_lock(inputs.lock, section.lock);
  inputs.dependencies = resolve(lock, inputs.platforms, settings,
                                BlobCache(host.env.cache_folder() / "blobs"), host, diagnostics);
  check_complete(lock, inputs.dependencies, inputs.platforms, section.provided);
}

Pickles pickles_of(const ModelSection& section) {
  return section.allow_pickle ? Pickles::allowed : Pickles::refused;
}

// A folder of files says what each of them is.
Json folder_header(const ModelSection& section, const std::vector<ModelFile>& files) {
  Json headers = Json::object();
  std::string format = section.format;
  for (const auto& file : files) {
    Json header = inspect_model(file.file, file.shown, "", pickles_of(section));
    const std::string found = header.value("format", "");
    if (format.empty() && found != "opaque") format = found;
    headers[file.path] = std::move(header);
  }
  return {{"format", format.empty() ? "opaque" : format}, {"files", headers}};
}

// A download that failed leaves 0 bytes, and the job dies when it loads them. An empty file beside others
// (.gitkeep) is none of that.
void refuse_empty(const ModelSection& section, const std::vector<ModelFile>& files) {
  if (std::any_of(files.begin(), files.end(), [](const ModelFile& f) { return f.stat.size != 0; })) return;
  throw Error(ErrorCode::model,
              "cannot bundle " + section.path + ": " +
                  (files.size() == 1 ? "the model has 0 bytes" : "all its files have 0 bytes"))
      .fact("at", section.at.line_str())
      .hint("make or download the model again");
}

void gather_models(const Project& project, BuildInputs& inputs) {
  for (const auto& section : project.models) {
    ModelInput model{section.name, find_model(project, section), {}};
    for (const auto& file : model.files) {
      if (file.stat.size < 1024 && lfs_pointer(fs::read_file(file.file))) {
        throw Error(ErrorCode::lfs_pointer,
                    "cannot bundle " + file.shown + ": it is a Git LFS pointer, not the model")
            .hint("git lfs pull");
      }
    }
    refuse_empty(section, model.files);
    const auto whole = fs::stat(project.folder / section.path);
    const bool folder = whole && whole->kind == fs::Kind::folder;
    model.header = folder ? folder_header(section, model.files)
                          : inspect_model(model.files.front().file, model.files.front().shown, section.format,
                                          pickles_of(section));
    inputs.models.push_back(std::move(model));
  }
}

std::vector<FileToHash> files_to_hash(const BuildInputs& inputs) {
  std::vector<FileToHash> out;
  for (const auto& model : inputs.models) {
    for (const auto& file : model.files) out.push_back({file.file, file.shown, {}, {}});
  }
  return out;
}

// Where programs keep passwords and tokens. Nobody means these to be part of a model, and models are
// published.
bool keeps_secrets(std::string_view name) {
  constexpr auto names = std::to_array<std::string_view>({".env", ".netrc", ".pypirc", ".npmrc",
                                                          ".git-credentials", ".databrickscfg", ".ssh",
                                                          ".aws", ".azure", ".docker", ".gnupg", ".kube"});
  return name.starts_with(".env.") || std::find(names.begin(), names.end(), name) != names.end();
}

bool left_out_of_models(const Path& path) {
  const std::string name = path.filename().string();
  return never_bundled(name) || keeps_secrets(name);
}

// `whole`: the model's folder, links resolved; a link that leads out of it would ship what the project does
// not hold.
ModelFile model_file(const Path& file, std::string shown, std::string path, const Path& whole = {}) {
  std::error_code failed;
  const Path real = std::filesystem::canonical(file, failed);
  const bool out = !failed && !whole.empty() && *real.lexically_relative(whole).begin() == "..";
  if (out) {
    throw Error(ErrorCode::model, "cannot bundle " + shown + ": it is a link that leads out of the model")
        .fact("leads to", real.string())
        .hint("copy the file into the model's folder");
  }
  const auto s = failed ? std::nullopt : fs::stat(real);
  if (!s || s->kind != fs::Kind::file) {
    throw Error(ErrorCode::model, "cannot bundle " + shown + ": it is not a file")
        .fact("path", file.string());
  }
  return {real, std::move(shown), std::move(path), *s, {}};
}

}  // namespace

TreeSelection code_selection(const Project& project, bool in_git) {
  TreeSelection selection;
  if (!project.code) return selection;
  selection = {project.code->root, project.code->include, project.code->exclude, in_git};
  const auto leave_out = [&](const std::string& path) {
    const std::string inside = path.empty() ? "" : below_root(selection.root, path);
    if (inside.empty()) return;
    selection.exclude.push_back(inside);
    selection.exclude.push_back(inside + "/**");
  };
  for (const auto& model : project.models) leave_out(model.path);
  leave_out(project.package->readme);
  return selection;
}

std::vector<std::string> read_files(const Project& project) {
  std::set<std::string> out{"mlship.toml", "pyproject.toml"};
  const auto add = [&out](const std::string& path) {
    if (!path.empty()) out.insert(normal(path));
  };
  add(project.package->readme);
  add(project.package->version_file);
  if (project.dependencies) {
    add(project.dependencies->lock);
    // A target may be a file in pex's --complete-platform form.
    for (const auto& target : project.dependencies->targets) {
      if (fs::exists(project.folder / target)) add(target);
    }
  }
  return {out.begin(), out.end()};
}

std::vector<ModelFile> find_model(const Project& project, const ModelSection& section) {
  const Path whole = (project.folder / section.path).lexically_normal();
  const std::string relative = whole.lexically_relative(project.folder.lexically_normal()).generic_string();
  const bool inside = !relative.empty() && !relative.starts_with("..");
  std::string base = relative.starts_with("models/") ? relative : "models/" + relative;
  if (!inside)
    base =
        "models/" + section.name + "/" + normal(whole.string()).substr(normal(whole.string()).rfind('/') + 1);
  if (base.ends_with('/')) base.pop_back();
  const auto s = fs::stat(whole);
  if (!s) {
    throw Error(ErrorCode::model, cannot_build(project) + "the model '" + section.path + "' does not exist")
        .fact("at", section.at.line_str());
  }
  if (s->kind != fs::Kind::folder) return {model_file(whole, section.path, base)};
  std::vector<ModelFile> out;
  const Path real = std::filesystem::canonical(whole);
  for (const auto& name : fs::walk(whole, left_out_of_models)) {
    const std::string rest = "/" + name.generic_string();
    out.push_back(model_file(whole / name, normal(section.path) + rest, base + rest, real));
  }
  if (out.empty()) {
    throw Error(ErrorCode::model, cannot_build(project) + "the model folder '" + section.path + "' is empty")
        .fact("at", section.at.line_str());
  }
  return out;
}

namespace {

GitState state_of(const Project& project) {
  const TreeSelection selection = code_selection(project, true);
  const std::vector<std::string> read = read_files(project);
  const std::set<std::string> read_set(read.begin(), read.end());
  return git_state(
      project.folder, [&](const std::string& path) { return covered(project, selection, read_set, path); },
      read);
}

}  // namespace

void check_sources(const Project& project) {
  const GitState git = state_of(project);
  if (!git.absent.empty()) refuse_absent(project, git.absent);
  if (git.present && git.dirty.empty() && !git.commit.empty() && project.code)
    (void)git_tree(project.folder, code_selection(project, true));
}

BuildInputs gather_inputs(const Project& project, const BuildOptions& options,
                          std::unique_ptr<SourceTree> listed, StatCache& cache, Host& host,
                          Diagnostics& diagnostics) {
  BuildInputs inputs;
  inputs.git = state_of(project);
  if (!inputs.git.absent.empty()) refuse_absent(project, inputs.git.absent);
  if (inputs.dirty() && !options.allow_dirty) refuse_dirty(project, inputs.git.dirty);
  inputs.from_commit = inputs.git.present && !inputs.dirty() && !inputs.git.commit.empty();
  inputs.version = project_version(project);
  require_tag_for(project, inputs.version);
  gather_code(project, std::move(listed), inputs);
  const auto& readme = project.package->readme;
  if (!readme.empty()) inputs.readme = {normal(readme), text_of(project, inputs, readme, "package.readme")};
  const bool committed = inputs.from_commit && git_file(project.folder, "pyproject.toml");
  if (committed || fs::exists(project.folder / "pyproject.toml")) {
    inputs.pyproject = text_of(project, inputs, "pyproject.toml", "the file");
  }
  gather_models(project, inputs);
  if (!inputs.code && inputs.models.empty() &&
      (!project.dependencies || project.dependencies->lock.empty())) {
    throw Error(ErrorCode::project_file, cannot_build(project) + "there is nothing to ship")
        .hint("add [code], [dependencies] or [[models]] to " + project.file);
  }
  gather_dependencies(project, options, inputs, host, diagnostics);
  // Last: it reports while it goes on.
  inputs.hashing = std::make_unique<Hashing>(files_to_hash(inputs), cache, diagnostics);
  return inputs;
}

void BuildInputs::finish_hashing() {
  if (!hashing) return;
  const std::vector<FileToHash> hashed = hashing->finish();
  hashing.reset();
  auto next = hashed.begin();
  for (auto& model : models) {
    for (auto& file : model.files) {
      file.stat = next->stat;
      file.digest = next->digest;
      ++next;
    }
  }
}

}  // namespace mlship
