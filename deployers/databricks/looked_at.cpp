#include "deployers/databricks/looked_at.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/text.h"
#include "deployers/databricks/kind.h"
#include "deployers/reference_forms.h"

namespace mlship::databricks {
namespace {

// By the member's name, wherever it stands: below it every string is looked at.
struct PlaceRow {
  std::string_view member;
  std::string_view what;
};
constexpr auto places = std::to_array<PlaceRow>({{"spark_conf", "the Spark configuration"},
                                                 {"configuration", "the configuration"},
                                                 {"spark_env_vars", "an environment variable"},
                                                 {"parameters", "a parameter"},
                                                 {"named_parameters", "a parameter"},
                                                 {"base_parameters", "a parameter"},
                                                 {"job_parameters", "a parameter"},
                                                 {"notebook_params", "a parameter"},
                                                 {"python_params", "a parameter"},
                                                 {"python_named_params", "a parameter"},
                                                 {"jar_params", "a parameter"},
                                                 {"commands", "a command"},
                                                 {"definition", "the policy's definition"}});
// Those whose words are sites of their own.
constexpr std::string_view submit = "spark_submit_task";

constexpr auto keys =
    std::to_array<std::string_view>({"task_key", "job_cluster_key", "environment_key", "label", "name"});

std::string element(const Json& value, size_t index) {
  for (const auto key : keys) {
    if (const std::string text = text_at(value, key); !text.empty()) return "[key=" + text + "]";
  }
  return "[" + std::to_string(index) + "]";
}

class Looker {
 public:
  explicit Looker(Scheme scheme) : grammar_{scheme, {}} {}

  // `what`: the place this is in, "" when it is in none.
  void look(const Json& at, const std::string& path, std::string_view what) {
    if (at.is_object()) {
      for (const auto& [name, value] : at.items()) {
        if (name != submit)
          look(value, (path.empty() ? "" : path + "/") + name, what.empty() ? place(name) : what);
      }
    } else if (at.is_array()) {
      for (size_t i = 0; i < at.size(); ++i) look(at[i], path + element(at[i], i), what);
    } else if (at.is_string() && !what.empty()) {
      take(at.get_ref<const std::string&>(), path, what);
    }
  }

  std::vector<FoundReference> found;

 private:
  static std::string_view place(std::string_view name) {
    const auto row =
        std::find_if(places.begin(), places.end(), [&](const PlaceRow& r) { return r.member == name; });
    return row == places.end() ? "" : row->what;
  }

  // A value may be a list or an object in JSON: each text in it is looked at alone.
  void take(const std::string& text, const std::string& path, std::string_view what) {
    const Json inner = inside(text);
    if (inner.is_string()) return look_into(text, path, what);
    each_text(inner, [&](const std::string& one) { look_into(one, path, what); });
  }

  // The text itself when it is no JSON.
  static Json inside(const std::string& text) {
    const std::string_view value = stripped(text, " \t\r\n");
    if (!value.starts_with('[') && !value.starts_with('{')) return text;
    try {
      return parse_json(value, ErrorCode::io, "a value");
    } catch (const Error&) {
      return text;
    }
  }

  template <typename Take>
  static void each_text(const Json& at, Take take) {
    if (at.is_string()) take(at.get_ref<const std::string&>());
    if (!at.is_structured()) return;
    for (const auto& [key, below] : at.items()) {
      if (at.is_object()) take(key);
      each_text(below, take);
    }
  }

  // A value that is one path is the path, whatever its folders are called.
  std::vector<Reference> read(std::string_view text) const {
    auto as_text = find_references(text, grammar_);
    if (as_text.size() > 1 || !forms::one_path(text)) return as_text;
    Grammar path = grammar_;
    path.whole = Whole::path;
    auto whole = find_references(text, path);
    return whole.empty() ? as_text : whole;
  }

  void look_into(const std::string& text, const std::string& path, std::string_view what) {
    for (auto& reference : read(text)) {
      FoundReference one{path, text.substr(reference.span.begin, reference.span.size()),
                         std::move(reference)};
      one.reference.span = {0, one.text.size()};
      one.reference.version_span = one.reference.digest_span = {};
      if (one.reference.form == Form::range) one.reference.form = Form::vcs;
      one.reference.opaque = "it stands in " + std::string(what) + ", which is not changed: change it there";
      found.push_back(std::move(one));
    }
  }

  Grammar grammar_;
};

}  // namespace

std::vector<FoundReference> looked_at(const Json& settings, Scheme scheme) {
  Looker looker(scheme);
  looker.look(settings, "", "");
  return std::move(looker.found);
}

}  // namespace mlship::databricks
