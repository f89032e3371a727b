// `mlship init`: a commented mlship.toml from what the folder holds, and pipelines for CI systems.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/found_project.h"
#include "cli/render.h"
#include "cli/services.h"
#include "cli/storkcfg.h"
#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "core/text.h"

namespace mlship {

namespace embedded {
std::string_view templates(std::string_view file);  // cmake/MlshipEmbed.cmake
}

namespace {

struct Options {
  std::optional<std::string> folder, storkcfg;  // storkcfg: "" for the one in the home
  std::vector<std::string> templates;
};

// Where each CI system looks for its pipeline.
struct Template {
  std::string_view name;
  std::string_view embedded;
  std::string_view place;
};
constexpr auto known_templates = std::to_array<Template>({
    {"jenkins", "Jenkinsfile", "Jenkinsfile"},
    {"github", "github-workflow.yml", ".github/workflows/mlship.yml"},
    {"gitlab", "gitlab-ci.yml", ".gitlab-ci.yml"},
});

const Template& find_template(const std::string& name) {
  const auto row = std::find_if(known_templates.begin(), known_templates.end(),
                                [&](const Template& t) { return t.name == name; });
  if (row != known_templates.end()) return *row;
  std::vector<std::string> names;
  for (const auto& t : known_templates) names.emplace_back(t.name);
  throw Error(ErrorCode::usage, fmt::format("cannot read --template {}: not one of {}{}", printable(name),
                                            fmt::join(names, ", "), did_you_mean(name, names)));
}

// Each once, in the order given.
std::vector<Template> wanted_templates(const Options& options) {
  std::vector<Template> out;
  for (const auto& name : options.templates) {
    const Template& row = find_template(name);
    const bool twice = std::any_of(out.begin(), out.end(), [&](const auto& t) { return t.name == row.name; });
    if (!twice) out.push_back(row);
  }
  return out;
}

[[noreturn]] void refuse(const std::string& file) {
  throw Error(ErrorCode::file_exists, fmt::format("cannot write {}: it is there already", file))
      .hint("edit it, or remove it first");
}

std::string found_text(const FoundProject& found) {
  std::string out;
  const auto row = [&](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<9} {}\n", name, value.empty() ? "none found" : printable(value));
  };
  row("package", found.name);
  row("version", found.version_file.empty() ? found.version : "from " + found.version_file);
  row("code", fmt::format("{}", fmt::join(found.packages, " ")));
  std::string lock = found.lock;
  if (lock.empty() && !found.other_locks.empty()) {
    lock = fmt::format("{} has to be exported first, see the file", fmt::join(found.other_locks, " "));
  }
  row("lock", lock);
  std::vector<std::string> models;
  for (const auto& model : found.models) models.push_back(model.path);
  row("models", fmt::format("{}", fmt::join(models, " ")));
  for (const auto& target : found.targets) row(target.kind, fmt::format("{}", fmt::join(target.files, " ")));
  if (!found.git) row("git", "no repository: the bundle is made of the folder as it is");
  return out;
}

// What mlship.toml is made of: what is found in the folder, or stork's configuration.
struct Source {
  FoundProject found;
  std::optional<StorkConfig> stork;

  [[nodiscard]] std::string content() const { return stork ? project_text(*stork) : project_text(found); }
  [[nodiscard]] std::string report() const { return stork ? report_text(*stork) : found_text(found); }
  [[nodiscard]] std::string_view next() const {
    return stork ? "next: set DATABRICKS_TOKEN, then mlship scan" : "next: read it, then mlship build";
  }
};

Source look(const Options& options, const Path& folder, const Env& env) {
  if (!options.storkcfg) return {look_around(folder), std::nullopt};
  const Path file = options.storkcfg->empty() ? env.home() / ".storkcfg" : Path(*options.storkcfg);
  return {{}, read_storkcfg(file)};
}

OrderedJson document(const Source& source, const std::string& file, const std::vector<std::string>& written) {
  const FoundProject& found = source.found;
  OrderedJson models = OrderedJson::array();
  for (const auto& model : found.models) models.push_back({{"name", model.name}, {"path", model.path}});
  OrderedJson targets = OrderedJson::array();
  for (const auto& target : found.targets)
    targets.push_back({{"kind", target.kind}, {"files", target.files}});
  const auto text = [](const std::string& value) {
    return value.empty() ? OrderedJson(nullptr) : OrderedJson(value);
  };
  return {{"schema", "mlship.init/1"},
          {"file", file},
          {"name", text(found.name)},
          {"version", text(found.version)},
          {"version_file", text(found.version_file)},
          {"packages", found.packages},
          {"lock", text(found.lock)},
          {"other_locks", found.other_locks},
          {"models", models},
          {"targets", targets},
          {"git", found.git},
          {"storkcfg", source.stork ? to_json(*source.stork) : OrderedJson(nullptr)},
          {"written", written}};
}

void check_folder(const Path& folder, const std::string& file) {
  const auto stat = fs::stat(folder);
  if (stat && stat->kind == fs::Kind::folder) return;
  throw Error(ErrorCode::not_found,
              fmt::format("cannot write {}: there is no folder {}", file, folder.string()))
      .hint(fmt::format("mkdir {}", folder.string()));
}

ExitCode run(const Options& options, Services& services) {
  const Path folder = options.folder.value_or(services.options().project.value_or("."));
  const auto shown = [&](std::string_view name) { return (folder / name).lexically_normal().string(); };
  const std::string file = shown("mlship.toml");
  const auto templates = wanted_templates(options);
  // A pipeline may come later than the project file.
  const bool keep = fs::exists(file) && !templates.empty() && !options.storkcfg;
  if (!keep && fs::exists(file)) refuse(file);
  for (const auto& t : templates) {
    if (fs::exists(shown(t.place))) refuse(shown(t.place));
  }
  check_folder(folder, file);
  const Source source = look(options, folder, services.host().env);
  std::vector<std::string> written;
  const auto write = [&](const std::string& path, std::string_view content) {
    fs::make_folders(Path(path).parent_path());
    if (!fs::create_exclusive(path, content)) refuse(path);
    written.push_back(path);
  };
  if (!keep) write(file, source.content());
  for (const auto& t : templates) write(shown(t.place), embedded::templates(t.embedded));
  services.out().text(fmt::format("wrote {}\n{}", fmt::join(written, ", "), keep ? "" : source.report()));
  services.out().document(document(source, file, written));
  if (!keep) services.diagnostics().status(source.next());
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->folder, "DIR", "the project's folder (default: here)");
  arguments.list(options->templates, "--template", "jenkins|github|gitlab",
                 "write the pipeline of this CI system too; may be repeated");
  arguments.optional_value(options->storkcfg, "--from-storkcfg", "FILE",
                           "make a Databricks target of stork's configuration (default: ~/.storkcfg)");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory init_factory{"init", CommandGroup::project,
                                         "write a commented mlship.toml from what is found here",
                                         "Looks at pyproject.toml, packages, hash-pinned requirements, "
                                         "models/*.safetensors and git. Never overwrites;\n"
                                         "with --template a mlship.toml that is there stays as it is.\n"
                                         "\n"
                                         "  mlship init\n"
                                         "  mlship init --template jenkins --template github\n"
                                         "  mlship init --from-storkcfg",
                                         setup};

}  // namespace mlship
