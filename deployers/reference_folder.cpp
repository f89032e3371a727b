// Installed trees: <install root>/<package>/<version>, up to the version; what stands below belongs to the
// bundle.
#include <algorithm>
#include <array>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

constexpr std::string_view before = " \t\r\n\v\f\0'\"`=,:;|&<>([{@#"sv;
constexpr std::string_view after = " \t\r\n\v\f\0'\"`=,:;|&<>)]}/\\#"sv;

// Doubled slashes are one, and so is `/./`.
size_t skip_slashes(std::string_view text, size_t i) {
  while (at(text, i) == '/' || (i > 0 && text[i - 1] == '/' && text.substr(i, 2) == "./")) ++i;
  return i;
}

// The position after the root's own text, whose slashes may be doubled and blanks escaped; npos when
// something else stands there.
size_t after_root(std::string_view text, size_t i, std::string_view root) {
  for (size_t part = 0; part < root.size();) {
    part = skip_slashes(root, part);
    const size_t end = std::min(root.find('/', part), root.size());
    if (part == end) break;
    if (at(text, i) != '/') return std::string_view::npos;
    i = skip_slashes(text, i);
    for (; part < end && i != std::string_view::npos; ++part) i = after_char(text, i, root[part]);
    if (i == std::string_view::npos) return i;
  }
  return i;
}

// `-I/opt/…`, `#!/opt/…`: a word that a path may be glued to.
bool glued(std::string_view text, size_t begin) {
  constexpr size_t longest_option = 32;
  if (begin >= 2 && text.substr(begin - 2, 2) == "#!") return true;
  size_t i = begin;
  while (i > 0 && begin - i < longest_option && letter(text[i - 1])) --i;
  return i > 0 && text[i - 1] == '-' && (i == 1 || one_of(text[i - 2], before));
}

// Where the path begins whose first slash of some stands at `i`: doubled ones are one, `file:///` has two of
// its own. npos: it is the end of a longer path.
size_t path_start(std::string_view text, size_t i) {
  size_t begin = i;
  while (begin > 0 && (text[begin - 1] == '/' || (begin > 1 && text.substr(begin - 2, 3) == "/./"))) --begin;
  if (begin > 0 && text[begin - 1] == ':' && i - begin == 2) return i;
  if (begin > 0 && text[begin - 1] == ':' && i - begin == 1) return std::string_view::npos;  // a host
  return begin == 0 || one_of(text[begin - 1], before) || glued(text, begin) ? begin : std::string_view::npos;
}

constexpr auto copiers = std::to_array<std::string_view>({"rsync", "scp", "sftp", "lsyncd", "rclone"});

// Whether the command that `begin` stands in copies between hosts.
bool copies(std::string_view text, size_t begin) {
  const size_t floor = begin > longest ? begin - longest : 0;
  std::string_view line = text.substr(floor, begin - floor);
  if (const size_t end = line.find_last_of("\n;&|"); end != std::string_view::npos)
    line.remove_prefix(end + 1);
  return std::any_of(copiers.begin(), copiers.end(), [&](std::string_view word) {
    const size_t i = line.find(word);
    return i != std::string_view::npos && (i == 0 || !name_char(line[i - 1])) &&
           !name_char(at(line, i + word.size()));
  });
}

// `web1:/opt/…`, `ada@web1:/opt/…`: the host whose path begins at `begin`; "" when it is one of this host.
std::string_view host_of(std::string_view text, size_t begin) {
  constexpr size_t longest_host = 320;
  if (begin == 0 || text[begin - 1] != ':') return {};
  size_t i = begin - 1;
  while (i > 0 && begin - i < longest_host && (name_char(text[i - 1]) || text[i - 1] == '@')) --i;
  const std::string_view host = text.substr(i, begin - 1 - i);
  if (host.empty() || (i > 0 && !one_of(text[i - 1], " \t\r\n'\"`=,"))) return {};
  return host.find('@') != std::string_view::npos || copies(text, i) ? host : std::string_view();
}

size_t version_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && end - begin < longest) {
    const size_t hole = template_end(text, end);
    if (hole == end && one_of(text[end], after)) break;
    end = std::max(end + 1, hole);
  }
  while (end > begin && text[end - 1] == '.') --end;  // the end of a sentence
  return end;
}

// The tree whose path begins at `begin` and whose package begins at `name`.
std::optional<Reference> tree(std::string_view text, size_t begin, size_t name, const Grammar& grammar) {
  size_t slash = name;
  while (slash < text.size() && slash - name < longest && name_char(text[slash])) ++slash;
  if (at(text, slash) != '/' || !valid_name(text.substr(name, slash - name))) return std::nullopt;
  Reference r;
  r.version_span.begin = skip_slashes(text, slash);
  r.version_span.end = version_end(text, r.version_span.begin);
  r.version_text = text.substr(r.version_span.begin, r.version_span.size());
  r.version = Version::parse(r.version_text, grammar.scheme);
  if (!r.version && !stands_for_version(r.version_text)) return std::nullopt;
  r.form = Form::folder;
  r.name = text.substr(name, slash - name);
  r.package = normalize_name(r.name);
  r.span = {begin, r.version_span.end};
  if (!r.version) r.opaque = why_unread(r.version_text);
  if (const auto host = host_of(text, begin); !host.empty())
    r.opaque = "it is a path of another host: " + std::string(host);
  return r;
}

}  // namespace

void find_folders(std::string_view text, const Grammar& grammar, Found& found) {
  for (std::string_view root : grammar.roots) {
    while (root.ends_with('/') || root.ends_with("/.")) root.remove_suffix(1);
    const size_t part = skip_slashes(root, 0);
    if (part == 0 || part == root.size()) continue;
    size_t plain = part;  // what no shell escapes
    while (plain < root.size() && (alnum(root[plain]) || foreign(root[plain]))) ++plain;
    const std::string first(root.substr(part - 1, plain - part + 1));
    for (size_t i = text.find(first); i != std::string_view::npos; i = text.find(first, i + 1)) {
      if (at(text, i + 1) == '/' || text.substr(i + 1, 2) == "./")
        continue;  // one of several slashes: the last
      const size_t name = after_root(text, i, root);
      if (name == std::string_view::npos || at(text, name) != '/') continue;
      const size_t begin = path_start(text, i);
      if (begin == std::string_view::npos) continue;
      auto r = tree(text, begin, skip_slashes(text, name), grammar);
      if (!r) continue;
      r->root = root;
      found.push_back(std::move(*r));
    }
  }
}

}  // namespace mlship::forms
