#include "deployers/databricks/looked_at.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "deployers/databricks/kind.h"

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

  void take(const std::string& text, const std::string& path, std::string_view what) {
    for (auto& reference : find_references(text, grammar_)) {
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
