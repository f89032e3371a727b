// ~/.netrc: where curl, pip and git look for passwords.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/host/env.h"
#include "core/host/http.h"

namespace mlship {

class Netrc {
 public:
  // The file's text; what it does not understand it skips, as curl does.
  static Netrc parse(std::string_view text);
  // $NETRC or ~/.netrc; empty when there is none.
  static Netrc load(const Env& env);
  // The entry of that machine, else the default one; nullopt when there is neither.
  [[nodiscard]] std::optional<Credentials> find(const std::string& host) const;

 private:
  std::map<std::string, Credentials> machines_;  // "" is the default entry
};

}  // namespace mlship
