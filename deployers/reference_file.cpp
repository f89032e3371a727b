// Files whose names carry a version: wheels, eggs, jars, zips and source archives, in any path or URL.
#include <algorithm>
#include <array>
#include <iterator>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

constexpr auto extensions = std::to_array<Extension>({{".whl", Form::wheel},
                                                      {".egg", Form::egg},
                                                      {".jar", Form::jar},
                                                      {".zip", Form::zip},
                                                      {".tar.gz", Form::sdist},
                                                      {".tgz", Form::sdist},
                                                      {".tar.bz2", Form::sdist},
                                                      {".tar.xz", Form::sdist}});

constexpr std::string_view before_file = " \t\r\n\v\f\0/\\'\"`=,:;|&<>([{@#"sv;
constexpr std::string_view path_ends = " \t\r\n\v\f\0\\'\"`=,;|&<>()[]{}#"sv;

bool in_name(std::string_view text, size_t i) {
  const char c = text[i];
  // The digits of an escape are taken as letters before its `%` is seen.
  return name_char(c) || c == '+' || c == '!' || foreign(c) || escape_at(text, i);
}

size_t file_begin(std::string_view text, size_t end) {
  size_t i = end;
  while (i > 0 && end - i < longest_name && in_name(text, i - 1)) --i;
  return i;
}

// The same where templates and globs may stand in the name.
size_t unread_begin(std::string_view text, size_t end) {
  size_t i = end;
  while (i > 0 && end - i < longest_name) {
    const size_t hole = template_begin(text, i);
    if (hole == i && !in_name(text, i - 1)) break;
    i = hole == i ? i - 1 : hole;
  }
  return i;
}

// `dbfs:/x`, `file:/x`: a scheme at the beginning of a path, not the colon of a list of paths.
bool scheme_before(std::string_view path, size_t begin, size_t colon) {
  const std::string_view scheme = path.substr(begin, colon - begin);
  return scheme.size() >= 2 && letter(scheme[0]) && at(path, colon + 1) == '/' &&
         std::all_of(scheme.begin(), scheme.end(),
                     [](char c) { return alnum(c) || c == '+' || c == '-' || c == '.'; });
}

// `ada@web1:/x`: a path of another machine.
bool host_before(std::string_view path, size_t begin, size_t colon) {
  const std::string_view host = path.substr(begin, colon - begin);
  const size_t at_sign = host.find('@');
  return at_sign != std::string_view::npos && at_sign > 0 && at_sign + 1 < host.size() &&
         host.find('@', at_sign + 1) == std::string_view::npos;
}

// Schemes in which what stands before the `@` is no user but a container.
constexpr auto containers = std::to_array<std::string_view>({"abfs", "abfss", "wasb", "wasbs"});

size_t url_begin(std::string_view text, size_t begin, size_t mark) {
  size_t i = mark;
  while (i > begin && (alnum(text[i - 1]) || one_of(text[i - 1], "+-."))) --i;
  const std::string_view scheme = text.substr(i, mark - i);
  if (std::find(containers.begin(), containers.end(), scheme) != containers.end()) return i;
  const size_t user = after_userinfo(text, mark + 3);
  return user == mark + 3 ? i : user;
}

// How far back the path that leads up to the file name at `file` may reach, not further than `floor`.
size_t path_floor(std::string_view text, size_t file, size_t floor) {
  size_t begin = file;
  while (begin > floor && file - begin < longest) {
    const char c = text[begin - 1];
    if (c == '}') {  // ${LIBS}/…: the variable belongs to the path
      const size_t open = template_begin(text, begin);
      if (open == begin || text[open] != '$' || open < floor) break;
      begin = open;
    } else if (one_of(c, path_ends)) {
      break;
    } else {
      --begin;
    }
  }
  return begin;
}

// `-I/x`, `#!/x`: what is glued to the front of a path and is none of it.
size_t after_glue(std::string_view text, size_t begin) {
  if (at(text, begin) == '!' && at(text, begin + 1) == '/') return begin + 1;
  if (at(text, begin) != '-') return begin;
  size_t i = begin + 1;
  while (letter(at(text, i))) ++i;
  return at(text, i) == '/' ? i : begin;
}

// Where the path or URL that leads up to the file name at `file` begins; what stands before `floor` belongs
// to another.
size_t path_begin(std::string_view text, size_t file, size_t floor) {
  size_t begin = path_floor(text, file, floor);
  // $(pwd)/x.whl is no path from the root either.
  if (begin > floor && at(text, begin) == '/' && one_of(text[begin - 1], ")}")) --begin;
  const std::string_view path = text.substr(begin, file - begin);
  if (const size_t scheme = path.rfind("://"); scheme != std::string_view::npos)
    return url_begin(text.substr(0, file), begin, begin + scheme);
  const size_t colon = path.rfind(':');
  if (colon == std::string_view::npos) return after_glue(text, begin);
  const size_t before = colon == 0 ? std::string_view::npos : path.rfind(':', colon - 1);
  const size_t part = before == std::string_view::npos ? 0 : before + 1;
  const bool whole = scheme_before(path, part, colon) || host_before(path, part, colon);
  return begin + (whole ? part : colon + 1);
}

size_t before_slashes(std::string_view text, size_t i, size_t floor) {
  const auto dot = [&] { return i >= floor + 2 && text[i - 1] == '.' && text[i - 2] == '/'; };
  while (i > floor && (text[i - 1] == '/' || dot())) --i;
  return i;
}

// Where the path begins that leads through this folder to the file name at `file`; npos when none does.
// Blanks and what else its name has may be escaped.
size_t folder_begin(std::string_view text, size_t file, size_t floor, std::string_view folder) {
  constexpr std::string_view before = " \t\r\n\v\f'\"`=,;|&<>([{";
  while (folder.ends_with('/')) folder.remove_suffix(1);
  size_t i = before_slashes(text, file, floor);
  if (i == file || folder.empty()) return std::string_view::npos;
  for (size_t part = folder.size(); part-- > 0;) {
    if (i <= floor || text[i - 1] != folder[part]) return std::string_view::npos;
    --i;
    if (folder[part] == '/')
      i = before_slashes(text, i, floor);
    else if (i > floor && text[i - 1] == '\\' && !alnum(folder[part]))
      --i;
  }
  return i == floor || one_of(text[i - 1], before) ? i : std::string_view::npos;
}

// Where the element of a JSON list begins that is the whole path of the file at `file`: `["/a b/x.whl"]`.
// npos: it is no such element, or a command (`["/bin/sh -c /x.whl"]`).
size_t element_begin(std::string_view text, Span file, size_t floor) {
  if (at(text, file.end) != '"' || file.begin == 0 || text[file.begin - 1] != '/')
    return std::string_view::npos;
  size_t begin = file.begin;
  while (begin > floor && file.begin - begin < longest && !one_of(text[begin - 1], "\"\\\n")) --begin;
  if (begin < floor + 2 || text[begin - 1] != '"') return std::string_view::npos;
  size_t before = begin - 1;
  while (before > floor && one_of(text[before - 1], " \t\r\n")) --before;
  const bool element = before > 0 && one_of(text[before - 1], "[,");
  return element && one_path(text.substr(begin, file.end - begin)) ? begin : std::string_view::npos;
}

// The path of the file whose name begins at the end of `path`: within a folder of libraries that is known it
// is whole, whatever the folder is called.
void read_folder(Reference& r, std::string_view text, size_t file, size_t floor, const Grammar& grammar) {
  r.span.begin = path_begin(text, file, floor);
  r.span.begin = std::min(r.span.begin, element_begin(text, {file, r.span.end}, floor));
  for (const std::string& folder : grammar.folders) {
    const size_t begin = folder_begin(text, file, floor, folder);
    if (begin >= r.span.begin) continue;  // npos too
    r.span.begin = begin;
    r.place = folder + "/";
  }
  r.folder = text.substr(r.span.begin, file - r.span.begin);
}

// Cut at every `-` that does not stand within a template.
std::vector<Span> dash_parts(std::string_view stem) {
  std::vector<Span> parts;
  size_t begin = 0;
  for (size_t i = 0; i < stem.size();) {
    if (stem[i] == '-') {
      parts.push_back({begin, i});
      begin = i + 1;
    }
    i = std::max(i + 1, template_end(stem, i));
  }
  parts.push_back({begin, stem.size()});
  return parts;
}

std::string_view part_of(std::string_view stem, const Span& span) {
  return stem.substr(span.begin, span.size());
}

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
    if (build && stands_for_version(part_of(stem, parts[version]))) return std::nullopt;
  }
  return std::nullopt;
}

// The Python version in an egg's name (setuptools: NAME-VERSION-pyX.Y[-PLATFORM]), which SemVer would take
// for a pre-release.
bool python_tag(std::string_view part) {
  return part.starts_with("py") && digit(at(part, 2));
}

// A jar's classifier, which SemVer would take for a pre-release (1.4.0-sources) and Maven's snapshots for a
// branch.
bool classifier_word(std::string_view part) {
  constexpr auto words = std::to_array<std::string_view>(
      {"all",    "assembly", "bin",     "bundle",   "dist",   "docs",  "exec",
       "fat",    "jar",      "javadoc", "javadocs", "native", "plain", "shaded",
       "shadow", "source",   "sources", "test",     "tests",  "uber",  "with"});
  // What it was built for: spark33, linux_x86_64, jdk17.
  constexpr auto platforms = std::to_array<std::string_view>(
      {"aarch64", "amd64", "arm64",  "cpu",   "cuda",    "databricks", "dbr", "emr",
       "flink",   "gpu",   "hadoop", "hive",  "java",    "jdk",        "jre", "linux",
       "macos",   "osx",   "scala",  "spark", "windows", "x86_64"});
  if (std::find(words.begin(), words.end(), part) != words.end()) return true;
  return std::any_of(platforms.begin(), platforms.end(), [&](std::string_view word) {
    return part.starts_with(word) && !letter(at(part, word.size()));
  });
}

// PEP 440 knows no snapshots: one is read as 1.4.0.dev0, older than the version it becomes.
std::optional<Version> snapshot_version(std::string_view stem, const Span& base, Scheme scheme) {
  if (scheme != Scheme::pep440 || at(stem, base.end) != '-' || !snapshot_mark(stem.substr(base.end + 1))) {
    return std::nullopt;
  }
  return Version::parse(percent_decoded(stem.substr(base.begin, base.size())) + ".dev0", scheme);
}

// The first part that begins with a digit, else the first that begins like `v1`; the number of parts when
// none does.
size_t first_number(std::string_view stem, const std::vector<Span>& parts) {
  const auto begins = [&](const Span& part, size_t skip) { return digit(at(stem, part.begin + skip)); };
  for (size_t i = 1; i < parts.size(); ++i) {
    if (begins(parts[i], 0)) return i;
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    if (at(stem, parts[i].begin) == 'v' && begins(parts[i], 1)) return i;
  }
  return parts.size();
}

// NAME-VERSION[-anything]: as much of what begins with a digit as makes a version.
std::optional<Named> other_name(std::string_view stem, Scheme scheme, bool egg) {
  const auto parts = dash_parts(stem);
  const size_t first = first_number(stem, parts);
  size_t end = first;
  const auto tail = [&](size_t i) {
    const std::string_view part = part_of(stem, parts[i]);
    return i > first && (egg ? python_tag(part) : classifier_word(part));
  };
  constexpr size_t most_parts = 16;  // of a version
  while (end < std::min(parts.size(), first + most_parts) && !tail(end)) ++end;
  for (size_t last = end; last-- > first;) {
    const Span version{parts[first].begin, parts[last].end};
    const auto read = version_in(stem, version, scheme);
    if (!read) continue;
    const Span name{0, parts[first].begin - 1};
    const auto snapshot = snapshot_version(stem.substr(0, parts[end - 1].end), version, scheme);
    return snapshot ? Named{name, {version.begin, parts[end - 1].end}, snapshot} : Named{name, version, read};
  }
  return std::nullopt;
}

// The name before the first part that stands for a version, or before what stands at a wheel's.
std::optional<Named> unread_name(std::string_view stem, bool wheel) {
  const auto parts = dash_parts(stem);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (stands_for_version(part_of(stem, parts[i]))) return Named{{0, parts[i].begin - 1}, parts[i], {}};
  }
  constexpr size_t least = 5;
  if (!wheel || parts.size() < least) return std::nullopt;
  const Span& version = parts[parts.size() - 4];
  return Named{{0, version.begin - 1}, version, {}};
}

// Whether the file's name ends at `end`, behind its suffix.
bool name_ends(std::string_view text, size_t end) {
  const char next = at(text, end);
  if (alnum(next) || next == '_' || next == '-' || foreign(next)) return false;
  return next != '.' || !(alnum(at(text, end + 1)) || at(text, end + 1) == '_');
}

std::optional<Reference> named_at(std::string_view text, size_t dot, const Extension& extension,
                                  Scheme scheme) {
  const size_t end = dot + extension.suffix.size();
  const auto from = [&](size_t begin) -> std::optional<Reference> {
    if (begin > 0 && !one_of(text[begin - 1], before_file)) return std::nullopt;
    const auto named = read_stem(text.substr(begin, dot - begin), extension.form, scheme);
    return named ? named_file(text, {begin, end}, extension, *named) : std::nullopt;
  };
  if (auto r = from(file_begin(text, dot))) return r;
  return from(unread_begin(text, dot));
}

std::optional<Reference> file_reference(std::string_view text, size_t dot, const Extension& extension,
                                        const Grammar& grammar, size_t floor) {
  const size_t end = dot + extension.suffix.size();
  if (!name_ends(text, end)) return std::nullopt;
  auto r = named_at(text, dot, extension, grammar.scheme);
  if (!r || r->span.begin < floor) return std::nullopt;
  const size_t file = r->span.begin;
  r->span.end = end;
  read_folder(*r, text, file, floor, grammar);
  if (!r->version) r->opaque = why_unread(r->version_text);
  size_t word = end;
  while (word < text.size() && word - end < longest && !one_of(text[word], " \t\r\n'\"")) ++word;
  r->hash_pinned = (at(text, end) == '#' && hash_fragment(text.substr(end, word - end))) ||
                   hash_follows(text, one_of(at(text, end), "#[?") ? word : end);
  return r;
}

}  // namespace

bool one_path(std::string_view text) {
  const size_t colon = text.find(':');
  const size_t slash = text.find('/');
  const bool scheme = slash != std::string_view::npos && colon + 1 == slash && scheme_before(text, 0, colon);
  if (slash != 0 && !scheme) return false;
  return text.find(" /") == std::string_view::npos && text.find("\t/") == std::string_view::npos &&
         text.find('\n') == std::string_view::npos;
}

// pip checks any of these behind a URL.
bool hash_fragment(std::string_view fragment) {
  constexpr auto hashes =
      std::to_array<std::string_view>({"md5=", "sha1=", "sha224=", "sha256=", "sha384=", "sha512="});
  return std::any_of(hashes.begin(), hashes.end(), [&](std::string_view hash) {
    const size_t i = fragment.find(hash);
    return i != std::string_view::npos && i > 0 && one_of(fragment[i - 1], "#&");
  });
}

std::optional<Reference> named_file(std::string_view text, Span file, const Extension& extension,
                                    const Named& named) {
  const std::string_view stem = text.substr(file.begin, file.size() - extension.suffix.size());
  std::string_view name = stem.substr(named.name.begin, named.name.size());
  if (extension.form == Form::jar) name = without_scala(name);
  if (!valid_name(name)) return std::nullopt;
  Reference r;
  r.form = extension.form;
  r.name = name;
  r.package = normalize_name(name);
  r.version_span = {file.begin + named.version.begin, file.begin + named.version.end};
  r.version_text = part_of(stem, named.version);
  r.version = named.read;
  r.span = file;
  r.file = part_of(text, file);
  if (r.version && first_template(stem))
    r.opaque = "its file's name is a pattern, whatever build fits it: " + r.file;
  return r;
}

const Extension* extension_at(std::string_view text, size_t dot) {
  const auto row = std::find_if(extensions.begin(), extensions.end(), [&](const Extension& extension) {
    return text.substr(dot).starts_with(extension.suffix);
  });
  return row == extensions.end() ? nullptr : &*row;
}

std::optional<Named> read_stem(std::string_view stem, Form form, Scheme scheme) {
  const bool wheel = form == Form::wheel;
  auto named = wheel ? wheel_name(stem, scheme) : other_name(stem, scheme, form == Form::egg);
  if (named) return named;
  named = unread_name(stem, wheel);
  if (named && first_template(stem)) named->read = version_in(stem, named->version, scheme);
  return named;
}

const Extension* extension_before(std::string_view text, size_t end) {
  const auto row = std::find_if(extensions.begin(), extensions.end(), [&](const Extension& extension) {
    return text.substr(0, end).ends_with(extension.suffix);
  });
  return row == extensions.end() ? nullptr : &*row;
}

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
    const Extension* extension = extension_at(text, dot);
    if (extension == nullptr) continue;
    const size_t floor = found.empty() ? 0 : found.back().span.end;
    if (auto r = file_reference(text, dot, *extension, grammar, floor)) found.push_back(std::move(*r));
  }
}

}  // namespace mlship::forms
