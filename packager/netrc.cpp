#include "packager/netrc.h"

#include <algorithm>

#include "core/host/fs.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\r\n";

// Words as in Python's netrc: white space separates, double quotes and backslashes protect; a word that
// starts with # outside a value begins a comment.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::optional<std::string> next() {
    const size_t start = rest_.find_first_not_of(space);
    if (start == std::string_view::npos) return std::nullopt;
    rest_.remove_prefix(start);
    if (rest_.front() == '"') return quoted();
    std::string word;
    while (!rest_.empty() && space.find(rest_.front()) == std::string_view::npos) word += character();
    return word;
  }
  void skip_line() { rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size())); }
  // macdef: up to the next empty line.
  void skip_macro() {
    const size_t end = rest_.find("\n\n");
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 2);
  }

 private:
  char character() {
    if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  std::string quoted() {
    std::string word;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') word += character();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return word;
  }
  std::string_view rest_;
};

}  // namespace

Netrc Netrc::parse(std::string_view text) {
  Netrc netrc;
  Words words(text);
  Credentials* current = nullptr;
  while (const auto word = words.next()) {
    if (word->starts_with('#')) {
      words.skip_line();
    } else if (*word == "macdef") {
      words.skip_macro();
    } else if (*word == "default") {
      current = &netrc.machines_[""];
    } else if (*word == "machine") {
      // curl: the first entry of a machine counts.
      const auto name = words.next();
      if (!name || name->empty()) break;
      const auto [entry, fresh] = netrc.machines_.try_emplace(*name);
      current = fresh ? &entry->second : nullptr;
    } else if (*word == "login" || *word == "account" || *word == "password") {
      const std::string value = words.next().value_or("");
      if (current == nullptr) continue;
      if (*word == "login") current->user = value;
      if (*word == "password") current->password = Secret(value);
    }
  }
  return netrc;
}

Netrc Netrc::load(const Env& env) {
  const auto named = env.get("NETRC");
  const auto text = fs::read_if_exists(named ? Path(*named) : env.home() / ".netrc");
  return text ? parse(*text) : Netrc();
}

std::optional<Credentials> Netrc::find(const std::string& host) const {
  auto found = machines_.find(host);
  if (found == machines_.end()) found = machines_.find("");
  if (found == machines_.end()) return std::nullopt;
  return found->second;
}

}  // namespace mlship
