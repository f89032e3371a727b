// PEP 503 pages. Not an HTML parser: anchors, base and meta elements with their attributes, comments skipped.
#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/letters.h"
#include "core/secret.h"
#include "packager/index.h"
#include "packager/url.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\r\n\f";

// The references that occur in URLs and reasons; others stay as they are.
std::string unescape(std::string_view text) {
  static const std::map<std::string_view, char> named{{"amp", '&'},   {"lt", '<'},    {"gt", '>'},
                                                      {"quot", '"'},  {"apos", '\''}, {"#39", '\''},
                                                      {"#x27", '\''}, {"#43", '+'},   {"#x2B", '+'}};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    const auto found =
        end == std::string_view::npos ? named.end() : named.find(text.substr(i + 1, end - i - 1));
    if (found == named.end()) {
      out += text[i];
    } else {
      out += found->second;
      i = end;
    }
  }
  return out;
}

struct Element {
  std::string name;  // lower case
  std::map<std::string, std::string> attributes;
  [[nodiscard]] std::string attribute(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? "" : found->second;
  }
};

class Page {
 public:
  explicit Page(std::string_view text) : rest_(text) {}

  // The next start tag; nullopt at the end.
  std::optional<Element> next() {
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find('<'), rest_.size()));
      if (rest_.empty()) return std::nullopt;
      if (rest_.starts_with("<!--")) {
        const size_t end = rest_.find("-->", 4);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 3);
        continue;
      }
      rest_.remove_prefix(1);
      const size_t end = std::min(rest_.find_first_of(" \t\r\n\f/>"), rest_.size());
      Element element{letters::lowered(rest_.substr(0, end)), {}};
      rest_.remove_prefix(end);
      if (element.name.empty() || element.name[0] == '!' || element.name[0] == '?') continue;
      attributes(element);
      return element;
    }
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(space), rest_.size())); }

  void attributes(Element& element) {
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f/"), rest_.size()));
      if (rest_.empty() || rest_.front() == '>') return;
      // HTML: a name may begin with `=`, so that every turn takes at least one character.
      const size_t end = std::min(rest_.find_first_of(" \t\r\n\f/>=", 1), rest_.size());
      const std::string key = letters::lowered(rest_.substr(0, end));
      rest_.remove_prefix(end);
      skip_space();
      std::string value;
      if (rest_.starts_with('=')) {
        rest_.remove_prefix(1);
        skip_space();
        value = unescape(take_value());
      }
      element.attributes.emplace(key, value);
    }
  }

  std::string_view take_value() {
    const bool quoted = rest_.starts_with('"') || rest_.starts_with('\'');
    const char quote = quoted ? rest_.front() : ' ';
    if (quoted) rest_.remove_prefix(1);
    const size_t end = std::min(quoted ? rest_.find(quote) : rest_.find_first_of(" \t\r\n\f>"), rest_.size());
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + (quoted ? 1 : 0), rest_.size()));
    return value;
  }

  std::string_view rest_;
};

// PEP 629: the version of the API; a newer major one is a hard error.
void check_version(const Element& meta, const std::string& url) {
  if (meta.attribute("name") != "pypi:repository-version") return;
  const std::string version = meta.attribute("content");
  if (version == "1" || version.starts_with("1.")) return;
  throw Error(ErrorCode::network, "cannot read " + printable_url(url) + ": the index speaks version " +
                                      version + " of the repository API, mlship speaks 1");
}

// `#sha256=…`; other algorithms do not count.
std::optional<Digest> fragment_digest(std::string_view href) {
  constexpr std::string_view key = "sha256=";
  const size_t at = href.find('#');
  if (at == std::string_view::npos) return std::nullopt;
  href.remove_prefix(at + 1);
  const size_t found = href.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  href.remove_prefix(found + key.size());
  return Digest::from_hex(href.substr(0, href.find('&')));
}

}  // namespace

std::vector<IndexFile> parse_index_html(std::string_view body, const std::string& url) {
  std::vector<IndexFile> files;
  std::string base = url;
  Page page(body);
  while (const auto element = page.next()) {
    if (element->name == "meta") check_version(*element, url);
    const auto href = element->attributes.find("href");
    if (href == element->attributes.end()) continue;
    if (element->name == "base") base = resolve_url(url, href->second);
    if (element->name != "a") continue;
    IndexFile file;
    file.url = resolve_url(base, href->second);
    file.name = url_file_name(file.url);
    file.sha256 = fragment_digest(href->second);
    if (element->attributes.contains("data-yanked")) file.yanked = element->attribute("data-yanked");
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace mlship
