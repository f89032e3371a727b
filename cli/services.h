// What a command works with, made when it is first asked for: `mlship platforms` reads no project file,
// `mlship list` opens no ledger.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "core/host/host.h"
#include "core/project.h"
#include "core/settings.h"
#include "deployers/plan.h"
#include "registry/registry.h"

namespace mlship {

class Ledger;
class RegistrySource;

// Which registry, who said so, and how it is reached.
struct ChosenRegistry {
  SettingValue setting;
  RegistryOptions options;
};

class Services {
 public:
  Services(const GlobalOptions& options, const Terminal& terminal, Host& host, Stderr& diagnostics,
           Stdout& out);
  ~Services();
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  [[nodiscard]] const GlobalOptions& options() const { return options_; }
  [[nodiscard]] const Terminal& terminal() const { return terminal_; }
  Host& host() { return host_; }
  Stderr& diagnostics() { return diagnostics_; }
  Stdout& out() { return out_; }

  // The project file merged over the user file; without both an empty one.
  const Project& project();
  // Throws Error(no_project) when there is no [package]; `hint`: what the command can do without a project.
  const Project& package_project(const std::string& hint = "mlship init");
  // A hint with what of the command line it needs to mean the same: --env.
  [[nodiscard]] std::string runnable(const std::string& hint) const;
  [[nodiscard]] Path user_file() const;

  // flag > variable > built-in default, of a row of program_settings().
  [[nodiscard]] SettingValue setting(std::string_view name, const std::optional<std::string>& said) const;
  [[nodiscard]] SettingValue environment_name();
  [[nodiscard]] SettingValue registry_setting() { return chosen_registry().setting; }
  [[nodiscard]] SettingValue ledger_setting();
  // Throws Error(environment_ambiguous) when there are several and none is named.
  const EnvironmentSection& environment();
  // nullopt instead of that error: for commands that only read.
  std::optional<EnvironmentSection> environment_if_clear();

  Registry& registry();
  [[nodiscard]] ChosenRegistry chosen_registry();
  // The name of a [registries] entry, or a URL; `where` says so in messages.
  [[nodiscard]] ChosenRegistry registry_named(const std::string& word, Origin origin,
                                              const std::string& where);
  // Error(usage) with a did-you-mean when there is no such environment.
  [[nodiscard]] ChosenRegistry registry_of_environment(const std::string& name);
  // For a REF that names its registry; "" goes back to the environment's. What registry() and source() gave
  // before stays.
  void use_registry(const std::string& url);
  RegistrySource& source();
  Ledger& ledger();
  // The environment's; Error(no_target) when there is none.
  Targets& targets();
  // Throws Error(usage) with a did-you-mean when the environment has no such target.
  void check_target_names(const std::vector<std::string>& names);

  // A folder for this run's own files, removed at the end.
  const Path& scratch();
  // True when the person said --yes or MLSHIP_YES=1. Error(usage) when the variable holds another word.
  [[nodiscard]] SettingValue yes_setting() const;
  [[nodiscard]] bool yes() const { return yes_setting().value == "true"; }

 private:
  RegistryOptions options_of(const RegistrySection& section);
  ChosenRegistry registry_of(const EnvironmentSection* environment);

  const GlobalOptions& options_;
  const Terminal& terminal_;
  Host& host_;
  Stderr& diagnostics_;
  Stdout& out_;

  std::optional<Project> project_;
  std::optional<EnvironmentSection> environment_;
  std::string registry_override_;
  std::unique_ptr<fs::TempFolder> scratch_;
  struct OpenRegistry {
    std::unique_ptr<Registry> registry;
    std::unique_ptr<RegistrySource> source;
  };
  std::map<std::string, OpenRegistry> registries_;  // by registry_override_
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Targets> targets_;
};

}  // namespace mlship
