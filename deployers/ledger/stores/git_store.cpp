#include "deployers/ledger/git_store.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/secret.h"

namespace mlship {
namespace {

constexpr auto schemes = std::to_array<std::string_view>({"git+https", "git+ssh", "git+file", "git+http"});
constexpr std::string_view prefix = "git+";
constexpr std::int64_t default_ttl = 60;     // seconds
constexpr std::int64_t longest_ttl = 3'600;  // seconds
constexpr size_t longest_name = 40;

std::chrono::milliseconds ttl_of(const Env& env) {
  const auto text = env.get("MLSHIP_LEASE_TTL");
  std::int64_t seconds = default_ttl;
  if (text) {
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (failed != std::errc() || end != text->data() + text->size() || seconds < 1 || seconds > longest_ttl) {
      throw Error(ErrorCode::usage, "cannot use MLSHIP_LEASE_TTL=" + *text +
                                        ": it is no whole number of seconds from 1 to 3600");
    }
  }
  return std::chrono::seconds(seconds);
}

// For people who look into the folder; the hash tells ledgers apart.
std::string folder_name(const std::string& printed) {
  std::string name;
  for (const char c : printed.substr(printed.find("://") + 3)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.';
    if (plain || !name.ends_with('-')) name += plain ? c : '-';
  }
  if (name.size() > longest_name) name = name.substr(name.size() - longest_name);
  return name + "-" + sha256(printed).hex().substr(0, 12);
}

// Of a commit: git allows no < > and no line ends in it.
std::string identity(const std::string& text) {
  std::string out = text;
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c <= 0x20 || c == '<' || c == '>' || c >= 0x7f; },
      '-');
  return out.empty() ? "mlship" : out;
}

std::unique_ptr<Ledger> open(const std::string& place, const LedgerSurroundings& surroundings) {
  const Env& env = surroundings.host.env;
  GitPlace git;
  git.url = place.substr(prefix.size());
  git.printed = printable_url(place);
  const size_t path = git.url.find('/', git.url.find("://") + 3);
  if (path == std::string::npos || path + 1 == git.url.size()) {
    throw Error(ErrorCode::project_file, "cannot open the ledger " + git.printed + ": it names no repository")
        .hint("write git+https://HOST/PATH.git, git+ssh://USER@HOST/PATH.git or git+file:///PATH.git");
  }
  git.repository = env.data_folder() / "ledgers" / folder_name(git.printed);
  git.author.name = identity(env.user());
  git.author.email = identity(env.user()) + "@" + identity(env.host());
  git.ttl = ttl_of(env);
  return git_ledger(git, !place.starts_with("git+file:"), surroundings);
}

}  // namespace

extern const LedgerFactory git_store_factory;
const LedgerFactory git_store_factory{
    schemes,
    "a git repository that several machines share; one run at a time per package and target",
    "git+ssh://git@git.example.com/ml/ledger.git",
    open,
};

}  // namespace mlship
