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
  row("version", !found.version_tag.empty()   ? "from git tags " + found.version_tag
                 : found.version_file.empty() ? found.version
                                              : "from " + found.version_file);
  row("code", fmt::format("{}", fmt::join(found.packages, " ")));
  if (!found.entry_points.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, target] : found.entry_points) names.push_back(name);
    row("commands", fmt::format("{}", fmt::join(names, " ")));
  }
  row("lock",
      found.lock.empty() && !found.to_lock.empty() ? "none yet: no dependency is shipped" : found.lock);
  std::vector<std::string> models;
  for (const auto& model : found.models) {
    if (model.taken) models.push_back(model.path);
  }
  row("models", fmt::format("{}", fmt::join(models, " ")));
  for (const auto& target : found.targets) row(target.kind, fmt::format("{}", fmt::join(target.files, " ")));
  if (!found.git) row("git", "no repository: the bundle is made of the folder as it is");
  std::string others;
  for (const auto& item : found.to_lock) {
    if (&item == &found.to_lock.front()) {
      row("to lock", fmt::format("{}: {}; make a lock: {}", item.file, item.why, item.command));
    } else {
      others += (others.empty() ? "" : ", ") + item.file;
    }
  }
  if (!others.empty()) row("to lock", others + ": no lock that mlship reads either; --json has the commands");
  for (const auto& line : found.left_out) row("left out", line);
  for (const auto& line : found.notes) row("note", line);
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
  for (const auto& model : found.models) {
    models.push_back({{"name", model.name}, {"path", model.path}, {"taken", model.taken}});
  }
  OrderedJson to_lock = OrderedJson::array();
  for (const auto& item : found.to_lock) {
    to_lock.push_back({{"file", item.file}, {"why", item.why}, {"command", item.command}});
  }
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
          {"version_tag", text(found.version_tag)},
          {"packages", found.packages},
          {"entry_points", found.entry_points},
          {"lock", text(found.lock)},
          {"other_locks", found.other_locks},
          {"to_lock", to_lock},
          {"models", models},
          {"targets", targets},
          {"git", found.git},
          {"left_out", found.left_out},
          {"notes", found.notes},
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

bool has_tables(const Path& folder, const std::string& pyproject) {
  const auto text = fs::read_if_exists(folder / "pyproject.toml");
  if (!text || text->find("mlship") == std::string::npos) return false;
  const auto root = toml::parse(*text, pyproject, ErrorCode::project_file, toml::Dates::strings);
  return node_at(root, "tool.mlship") != nullptr;
}

// A mlship.toml would hide the tables of pyproject.toml.
[[noreturn]] void refuse_second(const std::string& pyproject) {
  throw Error(ErrorCode::file_exists,
              fmt::format("cannot write mlship.toml: {} has [tool.mlship] already", pyproject))
      .hint("edit [tool.mlship], or remove its tables first");
}

ExitCode run(const Options& options, Services& services) {
  const Path folder = options.folder.value_or(services.options().project.value_or("."));
  const auto shown = [&](std::string_view name) { return (folder / name).lexically_normal().string(); };
  const std::string file = shown("mlship.toml");
  const auto templates = wanted_templates(options);
  // A pipeline may come later than the project file.
  const bool tables = has_tables(folder, shown("pyproject.toml"));
  const bool keep = (tables || fs::exists(file)) && !templates.empty() && !options.storkcfg;
  if (!keep && fs::exists(file)) refuse(file);
  if (!keep && tables) refuse_second(shown("pyproject.toml"));
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

extern const CommandFactory init_factory{
    "init", CommandGroup::project, "write a commented mlship.toml from what is found here",
    "Looks at pyproject.toml, setup.cfg, packages, locks, models and git,\n"
    "and says what does not get into the file and why. Never overwrites;\n"
    "with --template a mlship.toml that is there stays as it is.\n"
    "\n"
    "  mlship init\n"
    "  mlship init --template jenkins --template github\n"
    "  mlship init --from-storkcfg",
    setup};

}  // namespace mlship
