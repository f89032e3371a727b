// The models of a project, judged as the build is going to judge them.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/found_project.h"
#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "packager/build_inputs.h"
#include "packager/entry_points.h"
#include "packager/model.h"
#include "packager/pickle.h"
#include "packager/raw_tree.h"

namespace mlship {
namespace {

// Names that nothing but models have, or almost nothing.
constexpr auto own_endings = std::to_array<std::string_view>(
    {".safetensors", ".onnx",   ".ort",      ".gguf",    ".ggml",        ".pt",          ".pth",  ".ckpt",
     ".pkl",         ".pickle", ".joblib",   ".dill",    ".skops",       ".keras",       ".h5",   ".hdf5",
     ".tflite",      ".ubj",    ".bst",      ".xgb",     ".cbm",         ".lgb",         ".lgbm", ".pmml",
     ".mlmodel",     ".nemo",   ".pdparams", ".pdmodel", ".torchscript", ".cloudpickle", ".mojo", ".ftz"});
// Names that other files have too: models in a folder of models.
constexpr auto shared_endings =
    std::to_array<std::string_view>({".pb", ".npy", ".npz", ".engine", ".plan", ".mar", ".model", ".params",
                                     ".msgpack", ".spm", ".bin", ".rds", ".tar.gz"});
// What any of them says in its first bytes.
constexpr auto beginnings = std::to_array<std::string_view>(
    {"{\"learner\"", "{L", "tree\nversion=", "GGUF", "\x89HDF\r\n", "\x93NUMPY", "CBM1", "{\"version\":[",
     "{\"model_info\"", "<?xml version=\"1.0\"?>\n<net "});
constexpr auto model_folders = std::to_array<std::string_view>(
    {"models", "model", "weights", "artifacts", "checkpoints", "saved_models", "trained_models"});
// Folders in which a file of such a name is an example, or what a model is made of.
constexpr auto other_folders =
    std::to_array<std::string_view>({"tests", "test", "testing", "docs", "doc", "examples", "example", "data",
                                     "dataset", "datasets", "notebooks", "benchmarks", "fixtures"});
// One of these in a folder: the folder is the model.
constexpr auto markers = std::to_array<std::string_view>(
    {"MLmodel", "saved_model.pb", "model_index.json", "modules.json", "config.json", "adapter_config.json",
     "tokenizer.json", "config.cfg", "model.safetensors.index.json", "pytorch_model.bin.index.json"});
constexpr size_t most_models = 50, most_looked_at = 20'000;
constexpr std::ptrdiff_t deepest = 6;

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <typename Endings>
bool ends_as(const Endings& endings, std::string_view name) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

bool holds_model(const Path& file) {
  try {
    const ByteFile bytes(file);
    const std::string head = bytes.read(0, 64);
    const bool known = std::any_of(beginnings.begin(), beginnings.end(),
                                   [&](std::string_view begin) { return head.starts_with(begin); });
    return known || !pickle_kind(bytes, file.filename().string()).empty();
  } catch (const Error&) {
    return false;
  }
}

bool is_text_of_people(std::string_view name) {
  constexpr auto ends =
      std::to_array<std::string_view>({".md", ".rst", ".py", ".ipynb", ".png", ".jpg", ".svg", ".html",
                                       ".csv", ".dvc", ".log", ".sh", ".pdf"});
  return name.starts_with('.') ||
         std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return name.ends_with(end); });
}

// What may be a model, by where it lies: below a folder of models, or elsewhere, or among examples and data.
struct Candidates {
  std::vector<Path> models;
  std::vector<Path> beside;     // in a folder of models, and nothing says that it is one
  std::vector<Path> elsewhere;  // named as a model, among tests, data and other files
  std::vector<Path> by_dvc;     // kept by DVC and not here
};

class Search {
 public:
  Search(Path folder, const FoundProject& found) : folder_(std::move(folder)), found_(found) {}

  Candidates run() {
    for (const auto& path : fs::walk(folder_, [this](const Path& at) { return skipped(at); })) {
      if (++looked_at_ > most_looked_at) break;
      look(path);
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool skipped(const Path& at) const {
    const Path whole = folder_ / at;
    const auto stat = fs::lstat(whole);
    if (!stat || stat->kind != fs::Kind::folder) return false;
    return not_the_project(whole.parent_path(), at.filename().string()) ||
           std::distance(at.begin(), at.end()) > deepest || in_code(at / "x");
  }

  // Ships with the code, where a program of the package looks for it.
  [[nodiscard]] bool in_code(const Path& at) const {
    const Path inside = found_.root == "." ? at : at.lexically_relative(found_.root);
    return std::any_of(found_.include.begin(), found_.include.end(),
                       [&](const std::string& glob) { return glob_match(glob, inside.generic_string()); });
  }

  [[nodiscard]] static bool below(const Path& at, const auto& names) {
    const Path parent = at.parent_path();
    return std::any_of(parent.begin(), parent.end(),
                       [&](const Path& part) { return contains(names, part.string()); });
  }

  // The topmost folder, below the project's own, that is a model as a whole.
  [[nodiscard]] Path whole_model(const Path& at) const {
    Path folder;
    for (const auto& part : at.parent_path()) {
      folder /= part;
      const bool one = std::any_of(markers.begin(), markers.end(), [&](std::string_view name) {
        return fs::exists(folder_ / folder / name);
      });
      if (one) return folder;
    }
    return {};
  }

  void look(const Path& at) {
    const std::string name = at.filename().string();
    if (in_code(at)) return;
    const bool home = below(at, model_folders);
    if (name.ends_with(".dvc") && home) {
      const Path kept = at.parent_path() / at.stem();
      if (!fs::exists(folder_ / kept)) out_.by_dvc.push_back(kept);
    }
    if (is_text_of_people(name)) return;
    const bool own = ends_as(own_endings, name), shared = ends_as(shared_endings, name);
    if (home) {
      const Path whole = whole_model(at);
      if (!whole.empty()) return add(out_.models, whole);
      add(own || shared || holds_model(folder_ / at) ? out_.models : out_.beside, at);
    } else if (own && !below(at, other_folders)) {
      add(out_.models, at);
    } else if (own || shared) {
      add(out_.elsewhere, at);
    }
  }

  static void add(std::vector<Path>& to, const Path& path) {
    if (std::find(to.begin(), to.end(), path) == to.end()) to.push_back(path);
  }

  Path folder_;
  const FoundProject& found_;
  Candidates out_;
  size_t looked_at_ = 0;
};

std::string model_name(const Path& path) {
  std::string out = path.has_extension() ? path.stem().string() : path.filename().string();
  for (char& c : out) {
    const bool good = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    if (!good) c = '-';
  }
  const size_t begin = out.find_first_not_of("-_.");
  if (begin == std::string::npos) return "model";
  return out.substr(begin, out.find_last_not_of("-_.") + 1 - begin);
}

// No two models share a name.
std::string free_name(const Path& path, const FoundProject& found) {
  const auto taken = [&](const std::string& name) {
    return std::any_of(found.models.begin(), found.models.end(), [&](const FoundModel& model) {
      return normalize_name(model.name) == normalize_name(name);
    });
  };
  const std::string name = model_name(path);
  if (!taken(name)) return name;
  std::string longer = model_name(path.parent_path()) + "-" + name;
  if (taken(longer)) longer += "-" + path.extension().string().substr(path.has_extension() ? 1 : 0);
  std::string numbered = longer;
  for (int i = 2; taken(numbered); ++i) numbered = longer + "-" + std::to_string(i);
  return numbered;
}

std::string fact(const Error& error, std::string_view name) {
  for (const auto& item : error.facts()) {
    if (item.name == name) return item.value;
  }
  return {};
}

void inspect_all(const std::vector<ModelFile>& files, Pickles pickles) {
  for (const auto& file : files) (void)inspect_model(file.file, file.shown, "", pickles);
}

// Takes a model as the build would; where consent is needed, asks for it; else says why not.
void judge(const Project& project, const Path& path, FoundProject& found) {
  const std::string shown = path.generic_string();
  const ModelSection section{free_name(path, found), shown, "", false, {}};
  FoundModel model{section.name, shown, true, ""};
  try {
    const auto files = find_model(project, section);
    if (std::all_of(files.begin(), files.end(), [](const ModelFile& file) { return file.stat.size == 0; })) {
      found.left_out.push_back(shown + ": it has 0 bytes");
      return;
    }
    const bool pointer = std::any_of(files.begin(), files.end(), [](const ModelFile& file) {
      return file.stat.size < 1024 && lfs_pointer(fs::read_file(file.file));
    });
    if (pointer) found.notes.push_back(shown + " is a Git LFS pointer: git lfs pull, then mlship build");
    try {
      inspect_all(files, Pickles::refused);
    } catch (const Error& refused) {
      inspect_all(files, Pickles::allowed);
      model.taken = false;
      model.advice = fact(refused, "safe format");
      found.left_out.push_back(
          fmt::format("{}: a pickle, which runs whatever it says when a job loads it; to ship it, remove the "
                      "# before its "
                      "[[models]] with allow-pickle = true",
                      shown));
    }
    found.models.push_back(std::move(model));
  } catch (const Error& e) {
    found.left_out.push_back(shown + ": " + e.message());
  }
}

std::string listed(const std::vector<Path>& paths) {
  constexpr size_t most = 3;
  std::vector<std::string> names;
  for (const auto& path : paths) {
    if (names.size() < most) names.push_back(path.generic_string());
  }
  const std::string more = paths.size() > most ? fmt::format(" and {} more", paths.size() - most) : "";
  return fmt::format("{}{}", fmt::join(names, ", "), more);
}

void say_ignored(const std::vector<std::string>& ignored, FoundProject& found) {
  std::vector<Path> lacking;
  for (const auto& model : found.models) {
    const bool hidden = std::any_of(ignored.begin(), ignored.end(), [&](const std::string& path) {
      return model.path == path || (path.ends_with('/') && (model.path + "/").starts_with(path)) ||
             path.starts_with(model.path + "/");
    });
    if (hidden) lacking.emplace_back(model.path);
  }
  if (lacking.empty()) return;
  found.notes.push_back("git ignores " + listed(lacking) +
                        ": a clone in CI lacks it; fetch it there before mlship build");
}

}  // namespace

void find_models(const Path& folder, FoundProject& found) {
  const Project project = parse_project(project_text(found), "mlship.toml", folder, {});
  const Candidates all = Search(folder, found).run();
  for (const auto& path : all.models) {
    if (found.models.size() < most_models) judge(project, path, found);
  }
  const auto say = [&](const std::vector<Path>& paths, const std::string& why) {
    if (!paths.empty()) found.left_out.push_back(listed(paths) + ": " + why);
  };
  if (all.models.size() > most_models) {
    say({all.models.begin() + most_models, all.models.end()}, "more than 50 models; add [[models]] by hand");
  }
  say(all.beside, "no model by name or content; add [[models]] if a job reads it");
  say(all.elsewhere, "among data, tests or other files; add [[models]] if a job loads it");
  say(all.by_dvc, "kept by DVC and not here; dvc pull, then mlship init again or add [[models]]");
  if (!found.git) return;
  try {
    say_ignored(git_ignored(folder), found);
  } catch (const Error& e) {
    found.notes.push_back(e.message());
  }
}

}  // namespace mlship
