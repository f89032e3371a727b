#include "cli/services.h"

#include <array>
#include <set>

#include <fmt/ranges.h>

#include "cli/release_source.h"
#include "core/names.h"
#include "core/secret.h"
#include "deployers/ledger/ledger.h"
#include "registry/registry.h"
#include "registry/spelling.h"

namespace mlship {
namespace {

Origin origin_of(const Where& where, const Path& user_file) {
  return where.file == user_file.string() ? Origin::user_file : Origin::project_file;
}

Path expand(const std::string& text, const Path& base, const Env& env) {
  if (text == "~" || text.starts_with("~/"))
    return env.home() / Path(text.substr(std::min<size_t>(2, text.size())));
  return base / text;  // an absolute text replaces the base
}

// Of what this user seems to work with.
std::string_view likely_target(const Env& env) {
  const bool databricks = env.get("DATABRICKS_HOST") || env.get("DATABRICKS_CONFIG_PROFILE") ||
                          fs::exists(env.home() / ".databrickscfg");
  return databricks
             ? R"(targets.dbx = { kind = "databricks", host = "https://HOST", library-path = "/Volumes/CATALOG/SCHEMA/VOLUME" })"
             : R"(targets.cron = { kind = "cron", files = ["/etc/cron.d/*"], install-root = "/opt/mlship" })";
}

constexpr std::string_view layout_scheme = "layout:";

// A relative folder in a file is relative to that file's project, not to where the person stands.
std::string anchored(const std::string& url, const Path& base, const Env& env) {
  if (!url.starts_with(layout_scheme)) return url;
  const Path folder = expand(url.substr(layout_scheme.size()), base, env);
  std::string path = std::filesystem::absolute(folder).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return std::string(layout_scheme) + path;
}

std::vector<std::string> names_of(const auto& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, section] : map) names.push_back(name);
  return names;
}

struct YesWord {
  std::string_view word;
  bool yes;
};
constexpr auto yes_words = std::to_array<YesWord>(
    {{"1", true}, {"true", true}, {"yes", true}, {"0", false}, {"false", false}, {"no", false}});

// Every URL of the file, before anything is done with one of them.
void check_urls(const Project& project) {
  std::vector<std::string> registries, ledgers;
  for (const auto* factory : registry_factories()) registries.emplace_back(factory->scheme);
  for (const auto* factory : ledger_factories()) {
    ledgers.insert(ledgers.end(), factory->schemes.begin(), factory->schemes.end());
  }
  const auto check = [](const std::string& url, const std::vector<std::string>& known, const Where& at,
                        const std::string& what) {
    const std::string scheme = url.substr(0, url.find(':'));
    if (std::find(known.begin(), known.end(), scheme) != known.end() && scheme.size() < url.size()) return;
    throw Error(ErrorCode::project_file,
                fmt::format("cannot use {}: {} {} has an unknown scheme '{}'{}", at.str(), what,
                            printable_url(url), scheme, did_you_mean(scheme, known)))
        .fact("known", fmt::format("{}", fmt::join(known, ", ")))
        .hint("correct " + at.line_str());
  };
  for (const auto& [name, section] : project.registries) {
    check(section.url, registries, section.at, "the registry");
  }
  for (const auto& [name, section] : project.environments) {
    const bool url = section.registry.find(':') != std::string::npos;
    if (url) check(section.registry, registries, section.at, "the registry");
    if (is_ledger_url(section.ledger)) check(section.ledger, ledgers, section.at, "the ledger");
  }
}

}  // namespace

Services::Services(const GlobalOptions& options, const Terminal& terminal, Host& host, Stderr& diagnostics,
                   Stdout& out)
    : options_(options), terminal_(terminal), host_(host), diagnostics_(diagnostics), out_(out) {}
Services::~Services() = default;

SettingValue Services::setting(std::string_view name, const std::optional<std::string>& said) const {
  return resolve_setting(program_setting(name), said, host_.env);
}

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
  const auto named = setting("project", options_.project);
  const Path start = named.value.empty() ? Path(".") : Path(named.value);
  if (!fs::exists(start)) {
    throw Error(ErrorCode::no_project,
                fmt::format("cannot use project folder {}: there is no such folder", named.value));
  }
  Project project = load_project(start, user_file(), kinds).value_or(Project{});
  check_urls(project);
  project_ = std::move(project);
  return *project_;
}

std::string Services::runnable(const std::string& hint) const {
  const bool ours = hint.starts_with("mlship ") && hint.find(" --env") == std::string::npos;
  return ours && options_.environment ? hint + " --env " + *options_.environment : hint;
}

const Project& Services::package_project(const std::string& hint) {
  if (project().package) return project();
  if (project().folder.empty()) {
    throw Error(ErrorCode::no_project, "cannot find a project: no mlship.toml here or in a folder above")
        .hint(hint);
  }
  throw Error(ErrorCode::no_project, fmt::format("cannot use {}: it has no [package]", project().file))
      .hint("add [package] with name and version");
}

SettingValue Services::environment_name() {
  auto value = setting("environment", options_.environment);
  if (!value.value.empty() || project().environments.size() > 1) return value;
  if (project().environments.empty()) return {"default", Origin::built_in, "no [environments]: all targets"};
  const auto& only = project().environments.begin()->second;
  return {only.name, origin_of(only.at, user_file()), only.at.line_str()};
}

const EnvironmentSection& Services::environment() {
  if (environment_) return *environment_;
  const auto named = setting("environment", options_.environment).value;
  environment_ = choose_environment(project(), named.empty() ? std::nullopt : std::optional(named));
  return *environment_;
}

std::optional<EnvironmentSection> Services::environment_if_clear() {
  const auto named = setting("environment", options_.environment).value;
  if (named.empty() && project().environments.size() > 1) return std::nullopt;
  return environment();
}

// Relative to the file it stands in.
RegistryOptions Services::options_of(const RegistrySection& section) {
  const bool user = origin_of(section.at, user_file()) == Origin::user_file;
  const Path base = user ? user_file().parent_path() : project().folder;
  RegistryOptions out{anchored(section.url, base, host_.env)};
  out.plain_http = section.plain_http;
  if (!section.ca_file.empty()) out.ca_file = expand(section.ca_file, base, host_.env).string();
  out.token_hosts = section.token_hosts;
  return out;
}

// word: the name of a [registries] entry, or a URL. A URL that an entry has too is reached as the entry says.
ChosenRegistry Services::registry_named(const std::string& word, Origin origin, const std::string& where) {
  const auto& all = project().registries;
  if (word.find(':') == std::string::npos) {
    const auto found = all.find(word);
    if (found != all.end()) {
      auto options = options_of(found->second);
      return {{options.url, origin, where}, std::move(options)};
    }
    const std::string likely = likely_registry(word);
    throw Error(ErrorCode::usage, fmt::format("cannot use registry '{}' of {}: no [registries.{}]{}", word,
                                              where, word, did_you_mean(word, names_of(all))))
        .hint(likely.empty() ? "mlship config" : "write " + printable_url(likely));
  }
  const Path base = origin == Origin::project_file ? project().folder : Path(".");
  const std::string url = anchored(word, base, host_.env);
  for (const auto& [name, section] : all) {
    auto options = options_of(section);
    if (same_registry(options, url)) return {{url, origin, where}, std::move(options)};
  }
  return {{url, origin, where}, RegistryOptions{url}};
}

ChosenRegistry Services::registry_of(const EnvironmentSection* environment) {
  const auto& all = project().registries;
  if (environment != nullptr && !environment->registry.empty()) {
    // The environment that nobody declared stands nowhere; its registry does.
    const auto own = all.find(environment->registry);
    const Where& at = environment->at.file.empty() && own != all.end() ? own->second.at : environment->at;
    return registry_named(environment->registry, origin_of(at, user_file()), at.line_str());
  }
  if (all.size() == 1) {
    const auto& [name, only] = *all.begin();
    return registry_named(name, origin_of(only.at, user_file()), only.at.line_str());
  }
  if (!all.empty()) {
    const auto& first = all.begin()->second.at;
    throw Error(ErrorCode::usage, fmt::format("cannot choose a registry: {} declares {}", first.file,
                                              fmt::join(names_of(all), ", ")))
        .hint(fmt::format("add --registry {}, or registry = \"{}\" to an environment", all.begin()->first,
                          all.begin()->first));
  }
  const std::string url = std::string(layout_scheme) + (host_.env.data_folder() / "registry").string();
  return {{url, Origin::built_in, "built-in default"}, RegistryOptions{url}};
}

ChosenRegistry Services::chosen_registry() {
  if (!registry_override_.empty()) return registry_named(registry_override_, Origin::flag, "REF");
  const auto said = setting("registry", options_.registry);
  if (!said.value.empty()) return registry_named(said.value, said.origin, said.where);
  std::set<std::string> named;
  for (const auto& [name, section] : project().environments) named.insert(section.registry);
  // Several environments that agree need not be told apart.
  const auto environment = environment_if_clear();
  if (!environment && named.size() > 1) this->environment();  // throws
  const EnvironmentSection* chosen = environment ? &*environment : nullptr;
  if (chosen == nullptr && !project().environments.empty()) chosen = &project().environments.begin()->second;
  return registry_of(chosen);
}

ChosenRegistry Services::registry_of_environment(const std::string& name) {
  const EnvironmentSection environment = choose_environment(project(), name);
  return registry_of(&environment);
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
  auto& open = registries_[registry_override_].registry;
  if (!open) open = open_registry(chosen_registry().options, host_);
  return *open;
}

void Services::use_registry(const std::string& url) {
  registry_override_ = url;
}

RegistrySource& Services::source() {
  auto& open = registries_[registry_override_].source;
  if (!open) open = std::make_unique<RegistrySource>(registry(), host_, [this] { return scratch(); });
  return *open;
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
        .hint(fmt::format("begin {} with: {}", project().file.empty() ? user_file().string() : project().file,
                          likely_target(host_.env)));
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
  auto value = setting("yes", options_.yes ? std::optional<std::string>("true") : std::nullopt);
  std::vector<std::string> known;
  for (const auto& row : yes_words) {
    if (value.value == row.word) {
      value.value = row.yes ? "true" : "false";
      return value;
    }
    known.emplace_back(row.word);
  }
  throw Error(ErrorCode::usage, fmt::format("cannot use {}={}: not one of {}{}", value.where, value.value,
                                            fmt::join(known, ", "), did_you_mean(value.value, known)))
      .hint(fmt::format("unset {}, or {}=1", value.where, value.where));
}

}  // namespace mlship
