#include "cli/services.h"

#include <set>

#include <fmt/core.h>

#include "cli/release_source.h"
#include "core/names.h"
#include "deployers/ledger/ledger.h"
#include "registry/registry.h"

namespace mlship {
namespace {

SettingValue flag_or_variable(const std::optional<std::string>& flag, const char* flag_name, const Env& env,
                              const char* variable) {
  if (flag) return {*flag, Origin::flag, flag_name};
  if (const auto text = env.get(variable)) return {*text, Origin::environment, variable};
  return {"", Origin::built_in, "built-in default"};
}

Origin origin_of(const Where& where, const Path& user_file) {
  return where.file == user_file.string() ? Origin::user_file : Origin::project_file;
}

Path expand(const std::string& text, const Path& base, const Env& env) {
  if (text == "~" || text.starts_with("~/"))
    return env.home() / Path(text.substr(std::min<size_t>(2, text.size())));
  return base / text;  // an absolute text replaces the base
}

constexpr std::string_view layout_scheme = "layout:";

// A relative folder in a file is relative to that file's project, not to where the person stands.
std::string anchored(const std::string& url, const Path& base, const Env& env) {
  if (!url.starts_with(layout_scheme)) return url;
  const Path folder = expand(url.substr(layout_scheme.size()), base, env);
  return std::string(layout_scheme) + std::filesystem::absolute(folder).lexically_normal().string();
}

std::vector<std::string> names_of(const auto& map) {
  std::vector<std::string> names;
  for (const auto& [name, section] : map) names.push_back(name);
  return names;
}

bool truthy(const std::string& text) {
  return text == "1" || text == "true" || text == "yes";
}

}  // namespace

Services::Services(const GlobalOptions& options, const Terminal& terminal, Host& host, Stderr& diagnostics,
                   Stdout& out)
    : options_(options), terminal_(terminal), host_(host), diagnostics_(diagnostics), out_(out) {}
Services::~Services() = default;

Path Services::user_file() const {
  return host_.env.config_folder() / "config.toml";
}

const Project& Services::project() {
  if (project_) return *project_;
  std::vector<std::vector<KeySpec>> keys;
  std::vector<KindKeys> kinds;
  for (const auto* factory : target_factories()) {
    auto& joined = keys.emplace_back(common_target_keys().begin(), common_target_keys().end());
    joined.insert(joined.end(), factory->settings.begin(), factory->settings.end());
    kinds.push_back({factory->kind, joined});
  }
  const auto named = flag_or_variable(options_.project, "--project", host_.env, "MLSHIP_PROJECT");
  const Path start = named.value.empty() ? Path(".") : Path(named.value);
  if (!fs::exists(start)) {
    throw Error(ErrorCode::no_project,
                fmt::format("cannot use project folder {}: there is no such folder", named.value));
  }
  project_ = load_project(start, user_file(), kinds).value_or(Project{});
  return *project_;
}

const Project& Services::package_project() {
  if (project().package) return project();
  if (project().folder.empty()) {
    throw Error(ErrorCode::no_project, "cannot find a project: no mlship.toml here or in a folder above")
        .hint("mlship init");
  }
  throw Error(ErrorCode::no_project, fmt::format("cannot use {}: it has no [package]", project().file))
      .hint("add [package] with name and version");
}

SettingValue Services::environment_name() {
  auto value = flag_or_variable(options_.environment, "--env", host_.env, "MLSHIP_ENV");
  if (!value.value.empty() || project().environments.size() > 1) return value;
  if (project().environments.empty()) return {"default", Origin::built_in, "no [environments]: all targets"};
  const auto& only = project().environments.begin()->second;
  return {only.name, origin_of(only.at, user_file()), only.at.line_str()};
}

const EnvironmentSection& Services::environment() {
  if (environment_) return *environment_;
  const auto named = flag_or_variable(options_.environment, "--env", host_.env, "MLSHIP_ENV").value;
  environment_ = choose_environment(project(), named.empty() ? std::nullopt : std::optional(named));
  return *environment_;
}

std::optional<EnvironmentSection> Services::environment_if_clear() {
  const auto named = flag_or_variable(options_.environment, "--env", host_.env, "MLSHIP_ENV").value;
  if (named.empty() && project().environments.size() > 1) return std::nullopt;
  return environment();
}

SettingValue Services::registry_setting() {
  const auto& all = project().registries;
  const auto by_name = [&](const std::string& word, Origin origin, const std::string& where) -> SettingValue {
    if (word.find(':') != std::string::npos) {
      const bool from_file = origin == Origin::project_file;
      return {anchored(word, from_file ? project().folder : Path("."), host_.env), origin, where};
    }
    const auto found = all.find(word);
    if (found == all.end()) {
      throw Error(ErrorCode::usage, fmt::format("cannot use registry '{}' of {}: no [registries.{}]{}", word,
                                                where, word, did_you_mean(word, names_of(all))))
          .hint("mlship config");
    }
    return {anchored(found->second.url, project().folder, host_.env), origin, where};
  };
  if (!registry_override_.empty()) return {anchored(registry_override_, ".", host_.env), Origin::flag, "REF"};
  const auto said = flag_or_variable(options_.registry, "--registry", host_.env, "MLSHIP_REGISTRY");
  if (!said.value.empty()) return by_name(said.value, said.origin, said.where);
  std::set<std::string> named;
  for (const auto& [name, section] : project().environments) named.insert(section.registry);
  // Several environments that agree need not be told apart.
  const auto environment = environment_if_clear();
  if (!environment && named.size() > 1) this->environment();  // throws
  const EnvironmentSection* chosen = environment ? &*environment : nullptr;
  if (chosen == nullptr && !project().environments.empty()) chosen = &project().environments.begin()->second;
  if (chosen != nullptr && !chosen->registry.empty()) {
    return by_name(chosen->registry, origin_of(chosen->at, user_file()), chosen->at.line_str());
  }
  if (all.size() == 1) {
    const auto& only = all.begin()->second;
    return by_name(all.begin()->first, origin_of(only.at, user_file()), only.at.line_str());
  }
  const Path folder = host_.env.data_folder() / "registry";
  return {std::string(layout_scheme) + folder.string(), Origin::built_in, "built-in default"};
}

SettingValue Services::ledger_setting() {
  std::set<std::string> named;
  for (const auto& [name, section] : project().environments) named.insert(section.ledger);
  const auto environment = environment_if_clear();
  if (!environment && named.size() > 1) this->environment();  // throws
  const EnvironmentSection* chosen = environment ? &*environment : nullptr;
  if (chosen == nullptr && !project().environments.empty()) chosen = &project().environments.begin()->second;
  if (chosen != nullptr && !chosen->ledger.empty()) {
    const Origin origin = origin_of(chosen->at, user_file());
    if (is_ledger_url(chosen->ledger)) return {chosen->ledger, origin, chosen->at.line_str()};
    const Path folder = expand(chosen->ledger, project().folder, host_.env);
    return {std::filesystem::absolute(folder).lexically_normal().string(), origin, chosen->at.line_str()};
  }
  return {(host_.env.data_folder() / "ledger").string(), Origin::built_in, "built-in default"};
}

Registry& Services::registry() {
  if (!registry_) registry_ = open_registry(registry_setting().value, host_);
  return *registry_;
}

void Services::use_registry(const std::string& url) {
  registry_override_ = url;
  registry_.reset();
  source_.reset();
}

RegistrySource& Services::source() {
  if (!source_) source_ = std::make_unique<RegistrySource>(registry(), host_, scratch());
  return *source_;
}

Ledger& Services::ledger() {
  if (!ledger_) ledger_ = open_ledger(ledger_setting().value, {host_, diagnostics_});
  return *ledger_;
}

Targets& Services::targets() {
  if (targets_) return *targets_;
  const auto& sections = project().targets;
  auto chosen = environment().targets;
  if (chosen.empty()) chosen = names_of(sections);
  if (chosen.empty()) {
    throw Error(ErrorCode::no_target,
                fmt::format("cannot find any job: no target is configured in {}",
                            project().file.empty() ? user_file().string() : project().file))
        .hint(
            "add: [targets.cron]  kind = \"cron\"  files = [\"/etc/cron.d/*\"]  install-root = "
            "\"/opt/mlship\"");
  }
  auto made = std::make_unique<Targets>();
  for (const auto& name : chosen) made->push_back(make_target(sections.at(name), project(), host_));
  targets_ = std::move(made);
  return *targets_;
}

void Services::check_target_names(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const auto& target : targets()) known.push_back(target->name());
  for (const auto& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw Error(ErrorCode::usage, fmt::format("cannot use target '{}': environment {} has no such target{}",
                                              name, environment().name, did_you_mean(name, known)))
        .hint("mlship config");
  }
}

const Path& Services::scratch() {
  if (!scratch_) {
    const Path parent = host_.env.cache_folder() / "tmp";
    fs::make_folders(parent);
    scratch_ = std::make_unique<fs::TempFolder>(parent);
  }
  return scratch_->path();
}

SettingValue Services::yes_setting() const {
  if (options_.yes) return {"true", Origin::flag, "--yes"};
  const auto text = host_.env.get("MLSHIP_YES");
  if (text) return {truthy(*text) ? "true" : "false", Origin::environment, "MLSHIP_YES"};
  return {"false", Origin::built_in, "built-in default"};
}

}  // namespace mlship
