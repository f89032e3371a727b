// The process's surroundings, read once: environment variables, the user, the folders of the XDG base
// directory specification.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mlship {

class Env {
 public:
  Env() = default;
  explicit Env(std::map<std::string, std::string, std::less<>> variables)
      : variables_(std::move(variables)) {}
  static Env from_process();

  // nullopt when unset or empty (XDG: "if unset or empty").
  [[nodiscard]] std::optional<std::string> get(std::string_view name) const;
  [[nodiscard]] std::filesystem::path home() const;           // $HOME, else the password database
  [[nodiscard]] std::filesystem::path config_folder() const;  // $XDG_CONFIG_HOME/mlship
  [[nodiscard]] std::filesystem::path data_folder() const;    // $XDG_DATA_HOME/mlship
  [[nodiscard]] std::filesystem::path cache_folder() const;   // $XDG_CACHE_HOME/mlship
  [[nodiscard]] std::string user() const;  // login name of the real user, "uid 1000" without one
  [[nodiscard]] std::string host() const;  // gethostname()
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const { return variables_; }

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

}  // namespace mlship
