// Where references may stand in the documents of a workspace: the table of paths, the walk along it, and the
// way back from a path to its text. Documents are opaque; only what a row names is looked at.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/json_library.h"
#include "deployers/target.h"

namespace mlship::databricks {

// What a string at a site is.
enum class Holds {
  path,         // one path or URL
  paths,        // several, or Maven coordinates, separated by commas
  option,       // `--jars=…` with the same behind the `=`
  requirement,  // a line of pip: `churn==1.3.0`, `churn @ https://…`, a bare path, `-r file`
  setting,      // `spark.jars=…`: seen, never changed
  coordinate,   // Maven coordinates, or the path of a jar
  submit,       // a list: the words of spark-submit; what each is follows from those before it
  opaque,       // the name of something that may hold references: an init script, a requirements file
};

// `tasks[task_key]/libraries[]/whl` as a pattern: `[name]` goes through an array whose elements are known by
// the member `name`, `[]` through one known by position.
struct SiteRow {
  std::string_view pattern;
  Holds holds;
};
struct SiteGroup {
  std::string_view within;  // the pattern its rows begin with; "": the document itself
  std::span<const SiteRow> rows;
};
using Sites = std::span<const SiteGroup>;
Sites job_sites();       // of `settings`
Sites pipeline_sites();  // of `spec`
Sites library_sites();   // of a policy, or of {"libraries": […]} of a cluster

// Calls `visit` for every string at a site, with its path as people see it: `tasks[key=a]/libraries[0]/whl`.
using Visit = std::function<void(const SiteRow& row, const std::string& path, const std::string& text)>;
void each_site(const Json& document, Sites sites, const Visit& visit);

// The string at a path that each_site() gave, in this or another state of the document; null when there is
// none. A path with an `#n` at the end is the string without it.
const Json* string_at(const Json& document, const std::string& path);

// The file that a line of pip includes: `-r a.txt`, `-ra.txt`, `--constraint=a.txt`; "" when there is none.
std::string_view file_included_by(std::string_view line);

// All references of the document. `sites`: the rows for its kind.
std::vector<FoundReference> find_in(const Json& document, Sites sites, Scheme scheme);

// How the changes stand in the document now, by path and, where an element has moved, by what it holds.
struct Standing {
  ObjectState state = ObjectState::conflict;  // pre, post or conflict
  std::string detail;                         // of a conflict: what stands there
  struct Place {
    std::string path;  // where the change's text stands now
    Span span;         // in the string there
    std::string text;  // what it is
  };
  std::vector<std::optional<Place>> places;  // by change; nullopt where it is neither
};
Standing standing(const Json& document, Sites sites, const std::vector<Change>& changes, Scheme scheme);

// The document with every change made; the changes stand as `pre` there. Every other value stays.
Json changed(Json document, const std::vector<Change>& changes, const Standing& standing);

// The package index that the pypi library at `path` names for itself; "" when there is none.
std::string repo_beside(const Json& document, const std::string& path);

// "tasks[key=a]/libraries[0]/whl" -> "tasks", "a" (the element's key, "" for a list known by position).
struct Root {
  std::string array;
  std::string key;
};
Root root_of(const std::string& path);

}  // namespace mlship::databricks
