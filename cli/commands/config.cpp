// `mlship config`: every value, and where it came from.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/error.h"
#include "core/json_library.h"
#include "core/secret.h"
#include "packager/resolve.h"

namespace mlship {
namespace {

struct Row {
  std::string name;
  SettingValue value;
};

struct OriginWord {
  Origin origin;
  std::string_view word;
};
constexpr auto origins = std::to_array<OriginWord>({
    {Origin::built_in, "default"},
    {Origin::user_file, "user file"},
    {Origin::project_file, "project file"},
    {Origin::environment, "environment variable"},
    {Origin::flag, "flag"},
});

std::string word_of(Origin origin) {
  return std::string(origins.at(static_cast<size_t>(origin)).word);
}

// A setting that cannot be determined (several environments, none named) is shown as such; config never fails
// on it.
SettingValue attempt(const auto& read) {
  try {
    return read();
  } catch (const Error& error) {
    return {"", Origin::built_in, error.message()};
  }
}

std::string pip_index(const Env& env) {
  const auto settings = index_settings(env, "");
  std::vector<std::string> shown;
  for (const auto& url : settings.urls) shown.push_back(printable_url(url));
  return fmt::format("{}", fmt::join(shown, " "));
}

std::vector<Row> project_rows(const Project& project) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& name, const std::string& value, const Where& at) {
    rows.push_back({name, {value, Origin::project_file, at.line_str()}});
  };
  if (const auto& package = project.package) {
    add("package.name", package->name, package->name_at);
    const std::string version = !package->version.empty()           ? package->version
                                : !package->version_git_tag.empty() ? "git tag " + package->version_git_tag
                                                                    : "file " + package->version_file;
    add("package.version", version, package->version_at);
  }
  if (const auto& dependencies = project.dependencies) {
    add("dependencies.lock", dependencies->lock, dependencies->at);
    add("dependencies.targets", fmt::format("{}", fmt::join(dependencies->targets, " ")), dependencies->at);
  }
  for (const auto& [name, section] : project.registries) {
    const std::string key = "registries." + name;
    add(key, printable_url(section.url), section.at);
    if (section.plain_http) add(key + ".plain-http", *section.plain_http ? "true" : "false", section.at);
    if (!section.ca_file.empty()) add(key + ".ca-file", section.ca_file, section.at);
    if (!section.token_hosts.empty())
      add(key + ".token-hosts", fmt::format("{}", fmt::join(section.token_hosts, " ")), section.at);
  }
  for (const auto& [name, section] : project.indexes)
    add("indexes." + name, printable_url(section.url), section.at);
  for (const auto& [name, section] : project.targets) add("targets." + name, section.kind, section.at);
  for (const auto& [name, section] : project.environments) {
    add("environments." + name, fmt::format("{}", fmt::join(section.targets, " ")), section.at);
  }
  return rows;
}

ExitCode run(Services& services) {
  const auto& options = services.options();
  const auto& env = services.host().env;
  const auto& project = services.project();
  std::vector<Row> rows;
  const SettingValue file = project.file.empty()
                                ? SettingValue{"none", Origin::built_in, "no mlship.toml here or above"}
                                : SettingValue{project.file, Origin::project_file, project.folder.string()};
  rows.push_back({"project", file});
  rows.push_back({"environment", attempt([&] { return services.environment_name(); })});
  rows.push_back({"registry", attempt([&] { return services.registry_setting(); })});
  rows.back().value.value = printable_url(rows.back().value.value);
  rows.push_back({"ledger", attempt([&] { return services.ledger_setting(); })});
  rows.back().value.value = printable_url(rows.back().value.value);
  rows.push_back({"yes", services.yes_setting()});
  rows.push_back({"color", services.setting("color", options.color)});
  rows.push_back({"progress", services.setting("progress", options.progress)});
  rows.push_back({"python index", attempt([&] {
                    const bool said = env.get("PIP_INDEX_URL") || env.get("UV_INDEX_URL");
                    return SettingValue{pip_index(env), said ? Origin::environment : Origin::built_in,
                                        "pip's settings and default"};
                  })});
  rows.push_back({"cache", {env.cache_folder().string(), Origin::built_in, "XDG_CACHE_HOME"}});
  for (auto& row : project_rows(project)) rows.push_back(std::move(row));

  Table table({"SETTING", "VALUE", "FROM", "WHERE"});
  OrderedJson settings = OrderedJson::array();
  for (const auto& row : rows) {
    table.add({row.name, row.value.value, word_of(row.value.origin), row.value.where});
    settings.push_back({{"name", row.name},
                        {"value", row.value.value},
                        {"origin", word_of(row.value.origin)},
                        {"where", row.value.where}});
  }
  services.out().text(table.render(services.out().width(), services.out().style()));
  services.out().document({{"schema", "mlship.config/1"}, {"settings", settings}});
  return ExitCode::done;
}

CommandRun setup(Arguments&) {
  return run;
}

}  // namespace

extern const CommandFactory config_factory{
    "config", CommandGroup::settings, "every setting, its value and where it came from",
    "A flag wins over an environment variable, that over the project file, that over the user file\n"
    "(~/.config/mlship/config.toml), that over the default.",
    setup};

}  // namespace mlship
