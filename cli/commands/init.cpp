// `mlship init`: a commented mlship.toml from what the folder holds.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/found_project.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/error.h"
#include "core/text.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> folder;
};

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

OrderedJson document(const FoundProject& found, const std::string& file) {
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
          {"name", found.name},
          {"version", text(found.version)},
          {"version_file", text(found.version_file)},
          {"packages", found.packages},
          {"lock", text(found.lock)},
          {"other_locks", found.other_locks},
          {"models", models},
          {"targets", targets},
          {"git", found.git}};
}

ExitCode run(const Options& options, Services& services) {
  const Path folder = options.folder.value_or(services.options().project.value_or("."));
  const std::string file = (folder / "mlship.toml").lexically_normal().string();
  if (fs::exists(file)) refuse(file);
  const auto stat = fs::stat(folder);
  if (!stat || stat->kind != fs::Kind::folder) {
    throw Error(ErrorCode::not_found,
                fmt::format("cannot write {}: there is no folder {}", file, folder.string()))
        .hint(fmt::format("mkdir {}", folder.string()));
  }
  const FoundProject found = look_around(folder);
  if (!fs::create_exclusive(file, project_text(found))) refuse(file);
  services.out().text(fmt::format("wrote {}\n{}", file, found_text(found)));
  services.out().document(document(found, file));
  services.diagnostics().status("next: read it, then mlship build");
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->folder, "DIR", "the project's folder (default: here)");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory init_factory{"init", CommandGroup::project,
                                         "write a commented mlship.toml from what is found here",
                                         "Looks at pyproject.toml, packages, hash-pinned requirements, "
                                         "models/*.safetensors and git. Never overwrites.",
                                         setup};

}  // namespace mlship
