// `NAME=VALUE` and `NAME: VALUE` lines as Compose reads them (compose-go, package dotenv): comments,
// `export`, quotes, ` #` after a bare value; a name alone is taken from the environment of Compose.
#include <algorithm>
#include <map>
#include <optional>

#include "deployers/document/document.h"

namespace mlship {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}
bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '[' || c == ']';
}

size_t skip_blanks(std::string_view text, size_t at, size_t end) {
  while (at < end && blank(text[at])) ++at;
  return at;
}

// The offset of the quote that closes the one at `at`; nullopt when none does.
std::optional<size_t> closing(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      return i;
    }
  }
  return std::nullopt;
}

// The value that begins at `at`, on a line that ends at `end`.
Site value(std::string_view text, size_t at, size_t end) {
  if (at < end && (text[at] == '"' || text[at] == '\'')) {
    if (const auto close = closing(text, at))
      return {{at + 1, *close}, "", {}, text[at] == '"' ? Dialect::compose : Dialect::plain};
  }
  size_t stop = at;
  while (stop < end && !(text[stop] == '#' && (stop == at || blank(text[stop - 1])))) ++stop;
  while (stop > at && blank(text[stop - 1])) --stop;
  return {{at, stop}, "", {}, Dialect::compose};
}

std::optional<DocumentObject> variable(std::string_view text, size_t begin, size_t end) {
  constexpr std::string_view word = "export";
  size_t at = skip_blanks(text, begin, end);
  const size_t after = at + word.size();
  if (text.substr(at, word.size()) == word && after < end && blank(text[after])) {
    at = skip_blanks(text, after, end);
  }
  size_t name_end = at;
  while (name_end < end && name_char(text[name_end])) ++name_end;
  const size_t equals = skip_blanks(text, name_end, end);
  if (name_end == at || equals >= end || (text[equals] != '=' && text[equals] != ':')) return std::nullopt;
  DocumentObject object;
  object.name = text.substr(at, name_end - at);
  object.kind = "compose-environment";
  object.sites = {value(text, skip_blanks(text, equals + 1, end), end)};
  object.extent = {begin, std::max(end, object.sites[0].span.end)};
  return object;
}

// Neither a variable nor anything that Compose passes over.
bool stray(std::string_view text, size_t begin, size_t end) {
  const size_t at = skip_blanks(text, begin, end);
  if (at == end || text[at] == '#') return false;
  return !std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                      text.begin() + static_cast<std::ptrdiff_t>(end),
                      [](char c) { return name_char(c) || blank(c); });
}

}  // namespace

bool environment_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".env") || name.starts_with(".env");
}

ParsedDocument parse_environment_file(std::string_view text) {
  ParsedDocument out;
  std::map<std::string, size_t> seen;
  size_t begin = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  while (begin < text.size()) {
    size_t newline = std::min(text.find('\n', begin), text.size());
    const size_t end = newline > begin && text[newline - 1] == '\r' ? newline - 1 : newline;
    if (auto object = variable(text, begin, end)) {
      const size_t nth = ++seen[object->name];
      object->key = object->name + (nth == 1 ? "" : "#" + std::to_string(nth));
      object->sites[0].path = object->key;
      newline = std::min(text.find('\n', object->extent.end), text.size());
      out.objects.push_back(std::move(*object));
    } else if (out.problem.empty() && stray(text, begin, end)) {
      out.problem = "line " + std::to_string(position(text, begin).line) + " is no variable";
      out.minor = true;
    }
    begin = newline + 1;
  }
  if (!out.problem.empty()) out.objects.clear();
  return out;
}

}  // namespace mlship
