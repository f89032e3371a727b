// The commented mlship.toml of what init found.
#include <algorithm>

#include "cli/found_project.h"

namespace mlship {

std::string toml_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    // TOML 1.0 §String: control characters have to be escaped; they have no place in these values.
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += ' ';
    else if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out + "\"";
}

namespace {

// TOML 1.0 §Keys: letters, digits, `_` and `-` need no quotes.
std::string key_text(const std::string& name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? name : toml_string(name);
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() == 1 ? "" : ", ") + toml_string(item);
  return out + "]";
}

std::string version_text(const FoundProject& found) {
  if (!found.version_tag.empty()) {
    return "# the highest version among the tags at HEAD\nversion = { git-tag = " +
           toml_string(found.version_tag) + " }\n";
  }
  if (!found.version_file.empty()) return "version = { file = " + toml_string(found.version_file) + " }\n";
  return "version = " + toml_string(found.version) + "\n";
}

std::string entry_points_text(const FoundProject& found) {
  std::string out = "# programs in bin/ of the runnable tree\n";
  if (found.entry_points.empty()) {
    std::string module = found.packages.front();
    if (module.ends_with(".py"))
      module.resize(module.size() - 3);
    else
      module += ".score";
    return out + "# entry-points = { score = " + toml_string(module + ":main") + " }\n";
  }
  out += "entry-points = {";
  bool first = true;
  for (const auto& [name, target] : found.entry_points) {
    out += (first ? " " : ", ") + key_text(name) + " = " + toml_string(target);
    first = false;
  }
  return out + " }\n";
}

std::string code_text(const FoundProject& found) {
  if (found.packages.empty()) {
    return "# No Python was found. When there is some:\n# [code]\n# root = \".\"\n# include = "
           "[\"**/*.py\"]\n";
  }
  std::string out =
      "[code]\nroot = " + toml_string(found.root) + "\ninclude = " + list_text(found.include) + "\n";
  out += entry_points_text(found);
  if (found.code_pickles.empty()) return out;
  return out +
         "# pickles run whatever they say when a job loads them; to ship these, remove the #\n# allow-pickle "
         "= " +
         list_text(found.code_pickles) + "\n";
}

std::string dependencies_text(const FoundProject& found) {
  const std::string targets = "targets = [\"cp" + found.python + "-manylinux_2_28_x86_64\"]";
  if (!found.lock.empty()) {
    return "[dependencies]\n# every wheel is taken by its sha256 from here\nlock = " +
           toml_string(found.lock) +
           "\n# where the bundle is to run; `mlship platforms` lists names. Never guessed from this "
           "machine.\n" +
           targets + "\n";
  }
  std::string how = "pip-compile --generate-hashes --output-file requirements.lock requirements.in";
  std::string why = "Dependencies come from a lock with hashes; make one with\n";
  if (!found.to_lock.empty()) {
    how = found.to_lock.front().command;
    why = "No dependency is shipped yet. Dependencies come from a lock with hashes; make one of " +
          found.to_lock.front().file + " with\n";
  }
  return "# " + why + "#   " + how + "\n# [dependencies]\n# lock = \"requirements.lock\"\n# " + targets +
         "\n";
}

// Where a job finds it, below the tree.
std::string place_of(const FoundProject& found) {
  const auto first =
      std::find_if(found.models.begin(), found.models.end(), [](const auto& m) { return m.taken; });
  const auto model = first == found.models.end() ? found.models.begin() : first;
  const std::string path = model == found.models.end() ? "classifier.safetensors" : model->path;
  return path.starts_with("models/") ? path : "models/" + path;
}

std::string model_text(const FoundModel& model) {
  const std::string name = "name = " + toml_string(model.name) + "\n";
  const std::string path = "path = " + toml_string(model.path) + "\n";
  if (model.taken) return "\n[[models]]\n" + name + path;
  std::string out =
      "\n# A pickle runs whatever it says when a job loads it. To ship this one, remove the #.\n";
  if (!model.advice.empty()) out += "# Safe format: " + model.advice + "\n";
  return out + "# [[models]]\n# " + name + "# " + path + "# allow-pickle = true\n";
}

std::string models_text(const FoundProject& found) {
  std::string place = place_of(found);
  std::string out =
      "\n# A job finds its models by the tree it runs from, with the environment or without:\n"
      "#   Path(os.environ[\"MLSHIP_ROOT\"]) / " +
      toml_string(place) + "\n#   Path(sys.prefix) / " + toml_string(place) + "\n";
  for (const auto& model : found.models) out += model_text(model);
  if (!found.models.empty()) return out;
  return out + "# [[models]]\n# name = \"classifier\"\n# path = \"models/classifier.safetensors\"\n";
}

constexpr std::string_view trailer = R"(
# Where bundles are kept (default: a folder below your data folder):
# [registries.team]
# url = "layout:/srv/mlship/registry"

# What holds your jobs; `mlship targets` lists kinds and keys:
# [targets.edge]
# kind = "cron"
# files = ["/etc/cron.d/*"]
# install-root = "/opt/mlship"
)";

std::string targets_text(const FoundProject& found) {
  std::string out;
  for (const auto& target : found.targets) {
    out += "#\n# Found here:\n# [targets." + target.kind + "]\n# kind = " + toml_string(target.kind) +
           "\n# files = [";
    for (const auto& glob : target.files)
      out += (glob == target.files.front() ? "" : ", ") + toml_string(glob);
    out += "]\n# install-root = \"/opt/mlship\"\n";
  }
  return out;
}

}  // namespace

std::string project_text(const FoundProject& found) {
  std::string out =
      "# What mlship ships of this project. `mlship build` makes one bundle of it.\n\n[package]\n";
  out += "name = " + toml_string(found.name) + "\n" + version_text(found);
  if (!found.description.empty()) out += "description = " + toml_string(found.description) + "\n";
  out += "# owner = \"team-growth\"\n\n";
  out += code_text(found) + "\n" + dependencies_text(found) + models_text(found);
  return out + std::string(trailer) + targets_text(found);
}

}  // namespace mlship
