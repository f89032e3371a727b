#include "deployers/databricks/sites.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/error.h"
#include "core/names.h"
#include "deployers/document/site.h"
#include "deployers/reference_forms.h"

namespace mlship::databricks {
namespace {

// API reference: jobs 2.2 (settings), pipelines 2.0 (spec), cluster policies 2.0.
constexpr auto library_rows = std::to_array<SiteRow>({
    {"libraries[]/whl", Holds::path},
    {"libraries[]/egg", Holds::path},
    {"libraries[]/jar", Holds::path},
    {"libraries[]/pypi/package", Holds::requirement},
    {"libraries[]/maven/coordinates", Holds::coordinate},
    {"libraries[]/requirements", Holds::opaque},
});
constexpr auto task_rows = std::to_array<SiteRow>({
    {"spark_jar_task/jar_uri", Holds::path},
    {"spark_submit_task/parameters", Holds::submit},
});
constexpr auto init_script_rows = std::to_array<SiteRow>({
    {"init_scripts[]/workspace/destination", Holds::opaque},
    {"init_scripts[]/volumes/destination", Holds::opaque},
    {"init_scripts[]/dbfs/destination", Holds::opaque},
    {"init_scripts[]/s3/destination", Holds::opaque},
    {"init_scripts[]/abfss/destination", Holds::opaque},
    {"init_scripts[]/gcs/destination", Holds::opaque},
});
constexpr auto environment_rows = std::to_array<SiteRow>({
    {"dependencies[]", Holds::requirement},
    {"java_dependencies[]", Holds::coordinate},
    {"base_environment", Holds::opaque},
});

constexpr auto job_groups = std::to_array<SiteGroup>({
    {"tasks[task_key]", library_rows},
    {"tasks[task_key]", task_rows},
    {"tasks[task_key]/new_cluster", init_script_rows},
    {"tasks[task_key]/for_each_task/task", library_rows},
    {"tasks[task_key]/for_each_task/task", task_rows},
    {"tasks[task_key]/for_each_task/task/new_cluster", init_script_rows},
    {"environments[environment_key]/spec", environment_rows},
    {"job_clusters[job_cluster_key]/new_cluster", init_script_rows},
});
constexpr auto pipeline_groups = std::to_array<SiteGroup>({
    {"", library_rows},
    {"environment", environment_rows},
    {"clusters[label]", init_script_rows},
});
constexpr auto library_groups = std::to_array<SiteGroup>({{"", library_rows}});

// One step of a pattern or path: `libraries[]`, `tasks[task_key]`, `tasks[key=a]`, `whl`.
struct Step {
  std::string_view name;
  bool array = false;
  std::string_view key = {};  // within the brackets
};

// Cuts the first step off. A key may hold anything but `]` followed by `/` or the end.
Step take_step(std::string_view& rest) {
  const size_t mark = rest.find_first_of("[/");
  Step step{rest.substr(0, mark)};
  if (mark == std::string_view::npos) {
    rest = {};
    return step;
  }
  if (rest[mark] == '/') {
    rest.remove_prefix(mark + 1);
    return step;
  }
  step.array = true;
  size_t close = rest.find("]/", mark);
  const size_t next = close == std::string_view::npos ? rest.size() : close + 2;
  if (close == std::string_view::npos) close = rest.size() - (rest.ends_with(']') ? 1 : 0);
  step.key = rest.substr(mark + 1, close - mark - 1);
  rest.remove_prefix(next);
  return step;
}

std::string element_path(const Json& element, std::string_view member, size_t index) {
  if (!member.empty() && element.is_object()) {
    const auto key = element.find(member);
    if (key != element.end() && key->is_string()) return "[key=" + key->get<std::string>() + "]";
  }
  return "[" + std::to_string(index) + "]";
}

using Arrived = std::function<void(const Json& at, const std::string& path)>;

void walk(const Json& at, std::string_view pattern, const std::string& path, const Arrived& arrived) {
  if (pattern.empty()) return arrived(at, path);
  const Step step = take_step(pattern);
  if (!at.is_object()) return;
  const auto member = at.find(step.name);
  if (member == at.end()) return;
  const std::string below = (path.empty() ? "" : path + "/") + std::string(step.name);
  if (!step.array) return walk(*member, pattern, below, arrived);
  if (!member->is_array()) return;
  for (size_t i = 0; i < member->size(); ++i) {
    const Json& element = (*member)[i];
    walk(element, pattern, below + element_path(element, step.key, i), arrived);
  }
}

// By which member the elements of a list are known.
struct KeyRow {
  std::string_view list, member;
};
constexpr auto keys = std::to_array<KeyRow>({{"tasks", "task_key"},
                                             {"job_clusters", "job_cluster_key"},
                                             {"environments", "environment_key"},
                                             {"clusters", "label"}});

bool has_key(const Json& element, std::string_view list, std::string_view key) {
  const auto row = std::find_if(keys.begin(), keys.end(), [&](const KeyRow& r) { return r.list == list; });
  if (row == keys.end() || !element.is_object()) return false;
  const auto found = element.find(row->member);
  return found != element.end() && found->is_string() && found->get_ref<const std::string&>() == key;
}

template <typename AnyJson>  // const or not
AnyJson* element_at(AnyJson& array, const Step& step) {
  std::string_view key = step.key;
  if (key.starts_with("key=")) {
    const auto found = std::find_if(array.begin(), array.end(), [&](const Json& element) {
      return has_key(element, step.name, key.substr(4));
    });
    return found == array.end() ? nullptr : &*found;
  }
  size_t index = 0;
  for (const char c : key) {
    if (c < '0' || c > '9' || index > array.size()) return nullptr;
    index = index * 10 + static_cast<size_t>(c - '0');
  }
  return key.empty() || index >= array.size() ? nullptr : &array[index];
}

std::string_view without_number(std::string_view path) {
  const size_t mark = path.rfind('#');
  const bool number = mark != std::string_view::npos && mark + 1 < path.size() &&
                      path.find_first_not_of("0123456789", mark + 1) == std::string_view::npos;
  return number ? path.substr(0, mark) : path;
}

FoundReference opaque(const std::string& path, const std::string& text, std::string why) {
  FoundReference found{path, text, {}};
  found.reference.form = Form::vcs;
  found.reference.opaque = std::move(why);
  found.reference.span = {0, text.size()};
  return found;
}

std::string_view what_is_opaque(std::string_view path) {
  if (path.find("init_scripts") != std::string_view::npos)
    return "an init script; what it installs was not looked at";
  if (path.ends_with("base_environment")) return "a base environment; what it holds was not looked at";
  return "a requirements file; what it holds was not looked at";
}

bool hex_word(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef_") == std::string_view::npos;
}

// `<hex>-churn_1_0_9_py3_6-<hex>.egg`: how the workspace's library upload spelled the name. Which version it
// is cannot be told from it for sure (dots and dashes are underscores too), so it is seen and not moved.
std::optional<FoundReference> mangled(const std::string& path, const std::string& text) {
  const size_t slash = text.rfind('/') + 1;  // npos + 1 is 0
  const size_t dot = text.rfind('.');
  if (dot == std::string::npos || dot < slash) return std::nullopt;
  const std::string_view stem = std::string_view(text).substr(slash, dot - slash);
  const size_t first = stem.find('-'), last = stem.rfind('-');
  if (first == std::string_view::npos || last == first) return std::nullopt;
  if (!hex_word(stem.substr(0, first)) || !hex_word(stem.substr(last + 1))) return std::nullopt;
  std::string_view name = stem.substr(first + 1, last - first - 1);
  size_t version = 0;
  while ((version = name.find('_', version)) != std::string_view::npos && version + 1 < name.size()) {
    if (name[version + 1] >= '0' && name[version + 1] <= '9') break;
    ++version;
  }
  if (version == std::string_view::npos || version + 1 >= name.size()) return std::nullopt;
  FoundReference found{path, text, {}};
  found.reference.form = Form::egg;
  found.reference.name = name.substr(0, version);
  found.reference.package = normalize_name(found.reference.name);
  found.reference.span = {0, text.size()};
  found.reference.digest = Digest{};  // no version of the grammar: what is there is known by content only
  return found;
}

struct WholeRow {
  Holds holds;
  Whole whole;
};
constexpr auto wholes = std::to_array<WholeRow>({{Holds::path, Whole::path},
                                                 {Holds::paths, Whole::list},
                                                 {Holds::option, Whole::list},
                                                 {Holds::requirement, Whole::requirement},
                                                 {Holds::coordinate, Whole::coordinate}});

// KEY=VALUE, also behind `--conf=`: settings whose value is a list of files or packages are read as one.
Site setting_of(const std::string& text) {
  constexpr auto lists = std::to_array<std::string_view>(
      {"spark.jars", "spark.jars.packages", "spark.submit.pyFiles", "spark.files", "spark.archives"});
  const size_t key = text.starts_with("--") ? text.find('=') + 1 : 0;
  const size_t value = std::min(text.find('=', key), text.size() - 1) + 1;
  const std::string_view name = std::string_view(text).substr(key, value - key - 1);
  const bool list = std::find(lists.begin(), lists.end(), name) != lists.end();
  Site site{{value, text.size()}, "", std::nullopt, Dialect::plain, list ? Whole::list : Whole::text};
  site.fixed = "it stands in the Spark configuration, which is not changed: change it there";
  return site;
}

Site site_of(const SiteRow& row, const std::string& text) {
  if (row.holds == Holds::setting && !text.empty()) return setting_of(text);
  const auto whole =
      std::find_if(wholes.begin(), wholes.end(), [&](const WholeRow& w) { return w.holds == row.holds; });
  const size_t begin = row.holds == Holds::option ? text.find('=') + 1 : 0;
  return {{begin, text.size()},
          "",
          std::nullopt,
          Dialect::plain,
          whole == wholes.end() ? Whole::text : whole->whole};
}

std::vector<FoundReference> at_site(const SiteRow& row, const std::string& path, const std::string& text,
                                    Scheme scheme) {
  std::vector<FoundReference> out;
  if (row.holds == Holds::opaque) {
    out.push_back(opaque(path, text, std::string(what_is_opaque(path))));
    return out;
  }
  if (row.holds == Holds::requirement) {
    if (!file_included_by(text).empty()) {
      out.push_back(opaque(path, text, std::string(what_is_opaque("requirements"))));
      return out;
    }
  }
  const Grammar grammar{scheme, {}};
  const Site site = site_of(row, text);
  if (row.holds == Holds::path) {
    if (auto found = mangled(path, text)) return {std::move(*found)};
  }
  std::map<std::string, int> seen;  // by package: others that come and go do not change the number
  for (auto& at : references_at(text, site, grammar)) {
    const int number = ++seen[at.reference.package];
    out.push_back({number > 1 ? path + "#" + std::to_string(number) : path, std::move(at.text),
                   std::move(at.reference)});
  }
  return out;
}

// Every mention at the sites, with the span in its string.
struct Mention {
  std::string path;
  std::string text;
  Span span;
};
std::vector<Mention> mentions(const Json& document, Sites sites, Scheme scheme) {
  std::vector<Mention> out;
  each_site(document, sites, [&](const SiteRow& row, const std::string& path, const std::string& text) {
    if (row.holds == Holds::opaque) return;
    for (auto& found : at_site(row, path, text, scheme)) {
      out.push_back({std::move(found.path), std::move(found.text), found.reference.span});
    }
  });
  return out;
}

// The path with the positions blanked: elements of lists without keys move when others come and go.
std::string shape(const std::string& path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    out += path[i];
    const bool position = path[i] == '[' && i + 1 < path.size() && path[i + 1] >= '0' && path[i + 1] <= '9';
    if (position) i = std::min(path.find(']', i), path.size()) - 1;
  }
  return std::string(without_number(out));
}

// The mention at a path; one of the texts, where several packages have it (numbers count by package).
const Mention* at_path(const std::vector<Mention>& all, const Change& change) {
  const Mention* any = nullptr;
  for (const auto& mention : all) {
    if (mention.path != change.path) continue;
    if (mention.text == change.from || mention.text == change.to) return &mention;
    if (any == nullptr) any = &mention;
  }
  return any;
}

// The one mention of this text in the same list; none when there are several.
const Mention* moved(const std::vector<Mention>& all, const std::string& path, const std::string& text) {
  const Mention* only = nullptr;
  for (const auto& mention : all) {
    if (mention.text != text || shape(mention.path) != shape(path)) continue;
    if (only != nullptr) return nullptr;
    only = &mention;
  }
  return only;
}

}  // namespace

std::string_view file_included_by(std::string_view line) {
  for (const std::string_view flag : {"-r", "--requirement", "-c", "--constraint"}) {
    if (!line.starts_with(flag)) continue;
    const std::string_view rest = line.substr(flag.size());
    const size_t begin = rest.find_first_not_of(" \t=");
    const bool glued = begin == 0;
    if (begin == std::string_view::npos || (glued && flag.starts_with("--"))) continue;
    return rest.substr(begin);
  }
  return {};
}

Sites job_sites() {
  return job_groups;
}
Sites pipeline_sites() {
  return pipeline_groups;
}
Sites library_sites() {
  return library_groups;
}

namespace {

struct SubmitRow {
  forms::SubmitWord word;
  Holds holds;
};
constexpr auto submit_rows =
    std::to_array<SubmitRow>({{forms::SubmitWord::list, Holds::paths},
                              {forms::SubmitWord::option_with_list, Holds::option},
                              {forms::SubmitWord::setting, Holds::setting},
                              {forms::SubmitWord::option_with_setting, Holds::setting},
                              {forms::SubmitWord::application, Holds::path}});

// The words of a spark-submit that name files or packages.
void each_submit_word(const Json& words, const std::string& path, const Visit& visit) {
  if (!words.is_array()) return;
  forms::SubmitReader reader;
  for (size_t i = 0; i < words.size(); ++i) {
    if (!words[i].is_string()) continue;
    const auto& text = words[i].get_ref<const std::string&>();
    const auto word = reader.read(text);
    for (const auto& row : submit_rows) {
      if (row.word == word) visit({"", row.holds}, path + "[" + std::to_string(i) + "]", text);
    }
  }
}

}  // namespace

void each_site(const Json& document, Sites sites, const Visit& visit) {
  for (const auto& group : sites) {
    walk(document, group.within, "", [&](const Json& part, const std::string& path) {
      for (const auto& row : group.rows) {
        walk(part, row.pattern, path, [&](const Json& value, const std::string& at) {
          if (row.holds == Holds::submit) return each_submit_word(value, at, visit);
          if (value.is_string()) visit(row, at, value.get_ref<const std::string&>());
        });
      }
    });
  }
}

namespace {

template <typename AnyJson>
AnyJson* value_at(AnyJson& document, std::string_view rest) {
  AnyJson* at = &document;
  while (!rest.empty()) {
    const Step step = take_step(rest);
    if (!at->is_object()) return nullptr;
    const auto member = at->find(step.name);
    if (member == at->end()) return nullptr;
    at = &*member;
    if (!step.array) continue;
    if (!at->is_array()) return nullptr;
    at = element_at(*at, step);
    if (at == nullptr) return nullptr;
  }
  return at;
}

}  // namespace

const Json* string_at(const Json& document, const std::string& path) {
  const Json* value = value_at(document, without_number(path));
  return value != nullptr && value->is_string() ? value : nullptr;
}

std::string repo_beside(const Json& document, const std::string& path) {
  constexpr std::string_view package = "/pypi/package";
  if (!path.ends_with(package)) return "";
  const Json* repo = value_at(document, path.substr(0, path.size() - package.size()) + "/pypi/repo");
  return repo != nullptr && repo->is_string() ? repo->get<std::string>() : "";
}

std::vector<FoundReference> find_in(const Json& document, Sites sites, Scheme scheme) {
  std::vector<FoundReference> out;
  each_site(document, sites, [&](const SiteRow& row, const std::string& path, const std::string& text) {
    for (auto& found : at_site(row, path, text, scheme)) {
      Reference& r = found.reference;
      // Spans are relative to the reference's own text from here on.
      const size_t begin = r.span.begin;
      for (Span* span : {&r.version_span, &r.digest_span}) {
        if (span->size() > 0) *span = {span->begin - begin, span->end - begin};
      }
      r.span = {0, found.text.size()};
      out.push_back(std::move(found));
    }
  });
  return out;
}

Standing standing(const Json& document, Sites sites, const std::vector<Change>& changes, Scheme scheme) {
  const auto all = mentions(document, sites, scheme);
  Standing out;
  bool pre = true, post = true;
  for (const auto& change : changes) {
    const Mention* there = at_path(all, change);
    const bool known = there != nullptr && (there->text == change.from || there->text == change.to);
    const Mention* found = known ? there : nullptr;
    if (found == nullptr) found = moved(all, change.path, change.from);
    if (found == nullptr) found = moved(all, change.path, change.to);
    if (found == nullptr) {
      out.detail = there == nullptr ? "'" + change.path + "' is not there any more"
                                    : "'" + there->text + "' stands at " + change.path;
      pre = post = false;
      out.places.emplace_back();
      continue;
    }
    pre = pre && found->text == change.from;
    post = post && found->text == change.to;
    const auto taken = [&](const auto& place) {
      return place && place->path == found->path && place->span == found->span;
    };
    if (std::any_of(out.places.begin(), out.places.end(), taken)) {
      out.detail = "'" + found->text + "' stands only once at " + found->path;
      pre = post = false;
    }
    out.places.push_back(Standing::Place{found->path, found->span, found->text});
  }
  out.state = pre ? ObjectState::pre : post ? ObjectState::post : ObjectState::conflict;
  if (out.state == ObjectState::conflict && out.detail.empty())
    out.detail = "some of its references were changed meanwhile";
  return out;
}

Json changed(Json document, const std::vector<Change>& changes, const Standing& standing) {
  // From the end of each string on, so that spans stay true.
  std::vector<size_t> order(changes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return standing.places[a]->span.begin > standing.places[b]->span.begin;
  });
  for (const size_t i : order) {
    const auto& place = standing.places[i];
    Json* text = value_at(document, without_number(place->path));
    if (text == nullptr || !text->is_string())
      throw Error(ErrorCode::internal, "a change stands nowhere: " + place->path);
    auto& whole = text->get_ref<std::string&>();
    if (whole.compare(place->span.begin, place->span.size(), place->text) != 0) {
      throw Error(ErrorCode::internal, "a change would hit something else: " + place->path);
    }
    whole.replace(place->span.begin, place->span.size(), changes[i].to);
  }
  return document;
}

Root root_of(const std::string& path) {
  std::string_view rest = path;
  const Step step = take_step(rest);
  return {std::string(step.name),
          step.array && step.key.starts_with("key=") ? std::string(step.key.substr(4)) : ""};
}

}  // namespace mlship::databricks
