// The texts of a ledger in one commit. A text is a file and its continuations NAME.2, NAME.3 …, so that
// appending to a long one writes little.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/host/git.h"

namespace mlship {

class GitTexts {
 public:
  // commit "": nothing is there. `ledger` is for messages. The repository outlives it.
  GitTexts(const GitRepository& repository, std::string commit, std::string ledger);

  [[nodiscard]] const std::string& commit() const { return commit_; }
  // nullopt when absent. Error(ledger) for a link, a submodule, a blob over 4 MiB, a text over 1 GiB.
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const;
  // Of whatever kind: what is no folder and should be one is told of, not overlooked.
  [[nodiscard]] std::vector<std::string> names(const std::string& path) const;

  // Takes a text's continuation into changed(); read() does not see it.
  void append(const std::string& path, std::string_view text);
  [[nodiscard]] std::vector<GitFile> changed() const;

 private:
  [[nodiscard]] std::optional<std::string> part(const std::string& path) const;

  const GitRepository& repository_;
  std::string commit_, ledger_;
  std::map<std::string, std::string> changed_;
};

}  // namespace mlship
