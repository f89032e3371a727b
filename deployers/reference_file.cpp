// Files whose names carry a version: wheels, eggs, jars and zips, in any path or URL.
#include <algorithm>
#include <array>
#include <iterator>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

struct Extension {
  std::string_view suffix;
  Form form;
};
constexpr auto extensions = std::to_array<Extension>(
    {{".whl", Form::wheel}, {".egg", Form::egg}, {".jar", Form::jar}, {".zip", Form::zip}});

constexpr std::string_view before_file = " \t\r\n\v\f\0/\\'\"`=,:;|&<>([{@#"sv;
constexpr std::string_view path_ends = " \t\r\n\v\f\0\\'\"`=,;|&<>()[]{}#"sv;

bool escape_at(std::string_view text, size_t i) {
  const auto hex = [](char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  return at(text, i) == '%' && hex(at(text, i + 1)) && hex(at(text, i + 2));
}

size_t file_begin(std::string_view text, size_t end) {
  size_t i = end;
  // The digits of an escape are taken as letters before its `%` is seen.
  const auto taken = [&](size_t at) {
    const char c = text[at];
    return name_char(c) || c == '+' || c == '!' || foreign(c) || escape_at(text, at);
  };
  while (i > 0 && end - i < longest && taken(i - 1)) --i;
  return i;
}

// `dbfs:/x`, `file:/x`: a scheme at the beginning of a path, not the colon of a list of paths.
bool scheme_before(std::string_view path, size_t begin, size_t colon) {
  const std::string_view scheme = path.substr(begin, colon - begin);
  return scheme.size() >= 2 && letter(scheme[0]) && at(path, colon + 1) == '/' &&
         std::all_of(scheme.begin(), scheme.end(),
                     [](char c) { return alnum(c) || c == '+' || c == '-' || c == '.'; });
}

constexpr size_t longest_variable = 258;  // "${…}", looked for in front of a path

// Where the path or URL that leads up to the file name at `file` begins.
size_t path_begin(std::string_view text, size_t file) {
  size_t begin = file;
  while (begin > 0 && file - begin < longest) {
    const char c = text[begin - 1];
    if (c == '}') {  // ${LIBS}/…: the variable belongs to the path
      const size_t least = begin - std::min(begin, longest_variable);
      const size_t open = text.substr(least, begin - least).rfind("${");
      if (open == std::string_view::npos) break;
      begin = least + open;
    } else if (one_of(c, path_ends)) {
      break;
    } else {
      --begin;
    }
  }
  // $(pwd)/x.whl is no path from the root either.
  if (begin > 0 && at(text, begin) == '/' && one_of(text[begin - 1], ")}")) --begin;
  // Never further back than `begin`: a search through the whole text for each file would be quadratic.
  const std::string_view path = text.substr(begin, file - begin);
  if (const size_t scheme = path.rfind("://"); scheme != std::string_view::npos) {
    const size_t user = after_userinfo(path, scheme + 3);
    if (user != scheme + 3) return begin + user;
    size_t i = scheme;
    while (i > 0 && (alnum(path[i - 1]) || one_of(path[i - 1], "+-."))) --i;
    return begin + i;
  }
  const size_t colon = path.rfind(':');
  if (colon == std::string_view::npos) return begin;
  const size_t before = path.substr(0, colon).rfind(':');
  const size_t part = before == std::string_view::npos ? 0 : before + 1;
  return begin + (scheme_before(path, part, colon) ? part : colon + 1);
}

std::vector<Span> dash_parts(std::string_view stem) {
  std::vector<Span> parts;
  size_t begin = 0;
  while (true) {
    const size_t dash = stem.find('-', begin);
    const size_t end = dash == std::string_view::npos ? stem.size() : dash;
    parts.push_back({begin, end});
    if (dash == std::string_view::npos) return parts;
    begin = dash + 1;
  }
}

struct Named {
  Span name, version;  // in the file name
  std::optional<Version> read;
};

std::optional<Version> version_in(std::string_view stem, const Span& span, Scheme scheme) {
  return Version::parse(percent_decoded(stem.substr(span.begin, span.size())), scheme);
}

// NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM (binary distribution format §File name convention). Names with a
// `-`, which the convention forbids, are met all the same: churn-plus must not be read as churn.
std::optional<Named> wheel_name(std::string_view stem, Scheme scheme) {
  const auto parts = dash_parts(stem);
  if (parts.size() < 5) return std::nullopt;
  const size_t tags = parts.size() - 3;
  for (const size_t version : {tags - 2, tags - 1}) {
    const bool build = version + 1 < tags;
    if (version == 0 || version >= tags || (build && !digit(at(stem, parts[version + 1].begin)))) continue;
    const auto read = version_in(stem, parts[version], scheme);
    if (read) return Named{{0, parts[version].begin - 1}, parts[version], read};
  }
  return std::nullopt;
}

// The Python version in an egg's name (setuptools: NAME-VERSION-pyX.Y[-PLATFORM]), which SemVer would take
// for a pre-release.
bool python_tag(std::string_view part) {
  return part.starts_with("py") && digit(at(part, 2));
}

// PEP 440 knows no snapshots: one is read as 1.4.0.dev0, older than the version it becomes.
std::optional<Version> snapshot_version(std::string_view stem, const Span& base, Scheme scheme) {
  if (scheme != Scheme::pep440 || at(stem, base.end) != '-' || !snapshot_mark(stem.substr(base.end + 1))) {
    return std::nullopt;
  }
  return Version::parse(percent_decoded(stem.substr(base.begin, base.size())) + ".dev0", scheme);
}

// NAME-VERSION[-anything]: the first part that begins with a digit begins the version, as much as makes one.
std::optional<Named> other_name(std::string_view stem, Scheme scheme, bool egg) {
  const auto parts = dash_parts(stem);
  const auto text = [&](const Span& span) { return stem.substr(span.begin, span.size()); };
  size_t first = 1;
  while (first < parts.size() && !digit(at(stem, parts[first].begin))) ++first;
  size_t end = first;
  while (end < parts.size() && !(egg && python_tag(text(parts[end])))) ++end;
  for (size_t last = end; last-- > first;) {
    const Span version{parts[first].begin, parts[last].end};
    const auto read = version_in(stem, version, scheme);
    if (!read) continue;
    const Span name{0, parts[first].begin - 1};
    const auto snapshot = snapshot_version(stem, version, scheme);
    return snapshot ? Named{name, {version.begin, parts[end - 1].end}, snapshot} : Named{name, version, read};
  }
  return std::nullopt;
}

std::optional<Reference> file_reference(std::string_view text, size_t dot, const Extension& extension,
                                        Scheme scheme) {
  const size_t end = dot + extension.suffix.size();
  const char next = at(text, end);
  if (alnum(next) || next == '_' || next == '-' || foreign(next)) return std::nullopt;
  if (next == '.' && (alnum(at(text, end + 1)) || at(text, end + 1) == '_')) return std::nullopt;
  const size_t begin = file_begin(text, dot);
  if (begin > 0 && !one_of(text[begin - 1], before_file)) return std::nullopt;
  const std::string_view stem = text.substr(begin, dot - begin);
  auto named = extension.form == Form::wheel ? wheel_name(stem, scheme)
                                             : other_name(stem, scheme, extension.form == Form::egg);
  if (!named) return std::nullopt;
  std::string_view name = stem.substr(named->name.begin, named->name.size());
  if (extension.form == Form::jar) name = without_scala(name);
  if (!valid_name(name)) return std::nullopt;

  Reference r;
  r.form = extension.form;
  r.name = name;
  r.package = normalize_name(name);
  r.version_span = {begin + named->version.begin, begin + named->version.end};
  r.version_text = stem.substr(named->version.begin, named->version.size());
  r.version = named->read;
  r.span = {path_begin(text, begin), end};
  r.folder = text.substr(r.span.begin, begin - r.span.begin);
  r.file = text.substr(begin, end - begin);
  const std::string_view fragment = text.substr(end, text.find_first_of(" \t\r\n'\"", end) - end);
  r.hash_pinned =
      (next == '#' && fragment.find("sha256=") != std::string_view::npos) || hash_follows(text, end);
  return r;
}

}  // namespace

bool snapshot_mark(std::string_view text) {
  constexpr std::string_view word = "SNAPSHOT";
  if (text.starts_with(word)) return text.size() == word.size() || !alnum(text[word.size()]);
  constexpr std::string_view form = "00000000.000000-0";  // Maven's metadata: date, time, number of the build
  if (text.size() < form.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char like = form[std::min(i, form.size() - 1)];
    if (like == '0' ? !digit(text[i]) : text[i] != like) return false;
  }
  return true;
}

void find_files(std::string_view text, const Grammar& grammar, Found& found) {
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', dot + 1)) {
    for (const auto& extension : extensions) {
      if (!text.substr(dot).starts_with(extension.suffix)) continue;
      if (auto r = file_reference(text, dot, extension, grammar.scheme)) found.push_back(std::move(*r));
    }
  }
}

// <root>/<package>/<version>, up to the version: what stands below belongs to the bundle.
void find_folders(std::string_view text, const Grammar& grammar, Found& found) {
  constexpr std::string_view before = " \t\r\n\v\f\0'\"`=,:;|&<>([{@"sv;
  constexpr std::string_view after = " \t\r\n\v\f\0'\"`=,:;|&<>)]}/\\#"sv;
  for (const auto& root : grammar.roots) {
    if (root.empty()) continue;
    for (size_t i = text.find(root); i != std::string_view::npos; i = text.find(root, i + 1)) {
      const bool url = i >= 3 && text.substr(i - 3, 3) == "://";
      if (i > 0 && !one_of(text[i - 1], before) && !url) continue;
      const size_t name = i + root.size() + 1;
      if (at(text, name - 1) != '/') continue;
      size_t slash = name;
      while (slash < text.size() && name_char(text[slash])) ++slash;
      if (at(text, slash) != '/' || !valid_name(text.substr(name, slash - name))) continue;
      const size_t version = slash + 1;
      size_t end = version;
      while (end < text.size() && (name_char(text[end]) || one_of(text[end], "+!"))) ++end;
      if (end < text.size() && !one_of(text[end], after)) continue;
      while (end > version && text[end - 1] == '.') --end;  // the end of a sentence
      Reference r;
      r.version_text = text.substr(version, end - version);
      r.version = Version::parse(r.version_text, grammar.scheme);
      if (!r.version) continue;
      r.form = Form::folder;
      r.name = text.substr(name, slash - name);
      r.package = normalize_name(r.name);
      r.span = {i, end};
      r.version_span = {version, end};
      r.root = root;
      found.push_back(std::move(r));
    }
  }
}

}  // namespace mlship::forms
