#include "deployers/databricks/contents.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/text.h"
#include "deployers/databricks/kind.h"
#include "deployers/databricks/store.h"

namespace mlship::databricks {
namespace {

constexpr size_t largest = 1U << 20U;  // bytes of a file
constexpr size_t most_files = 1'000;   // of one run
constexpr int deepest = 4;             // of `-r` within `-r`

std::string key_of(std::string_view path) {
  const Stored file = stored(path);
  return file.store == nullptr ? "" : std::string(file.store->what()) + ":" + file.path;
}

// Every line that is not a comment, without the comment at its end.
template <typename Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = stripped(text.substr(0, end), " \t\r");
    text.remove_prefix(std::min(end + 1, text.size()));
    line = stripped(line.substr(0, std::min(line.find(" #"), line.size())), " \t\r");
    if (!line.empty() && line[0] != '#') take(line);
  }
}

std::string beside(const std::string& file, std::string_view other) {
  if (other.starts_with('/') || other.find(":/") != std::string_view::npos) return std::string(other);
  return file.substr(0, file.rfind('/') + 1) + std::string(other);
}

std::string path_of(const FoundReference& found) {
  if (found.reference.form != Form::vcs || !found.reference.package.empty()) return "";
  const std::string_view file = file_included_by(found.text);
  return file.empty() ? found.text : std::string(file);
}

std::string read_file(Api& api, const std::string& path) {
  const Stored file = stored(path);
  std::string text;
  file.store->read(api, file.path, [&](std::string_view piece) {
    if (text.size() + piece.size() > largest) {
      throw Error(ErrorCode::io, "cannot read " + path + ": it is larger than 1 MiB");
    }
    text += piece;
  });
  return text;
}

std::string why(const Error& e) {
  std::string out = e.message();
  for (const auto& fact : e.facts()) {
    if (fact.name == "answer") out += ": " + fact.value;
  }
  return out;
}

}  // namespace

std::string file_named_by(const FoundReference& found) {
  const std::string path = path_of(found);
  return key_of(path).empty() ? "" : path;
}

void Contents::read(Api& api, std::vector<std::string> wanted) {
  for (int depth = 0; depth < deepest && !wanted.empty(); ++depth) {
    std::map<std::string, std::string> paths;  // by key
    for (const auto& path : wanted) {
      const std::string key = key_of(path);
      if (!key.empty() && !files_.contains(key)) paths.emplace(key, path);
    }
    std::vector<std::pair<std::string, std::string>> list(paths.begin(), paths.end());
    std::vector<File> read(list.size());
    const size_t room = most_files - std::min(most_files, files_.size());
    in_parallel(std::min(list.size(), room), api.clock(), [&](size_t i) {
      try {
        read[i].text = read_file(api, list[i].second);
      } catch (const Error& e) {
        if (e.code() == ErrorCode::interrupted) throw;
        read[i].problem = why(e);
      }
    });
    wanted.clear();
    for (size_t i = 0; i < list.size(); ++i) {
      if (i >= room) read[i].problem = "it was not read: there are more than " + std::to_string(most_files);
      each_line(read[i].text, [&](std::string_view line) {
        if (const auto other = file_included_by(line); !other.empty()) {
          read[i].includes.push_back(beside(list[i].second, other));
        }
      });
      wanted.insert(wanted.end(), read[i].includes.begin(), read[i].includes.end());
      files_.emplace(list[i].first, std::move(read[i]));
    }
  }
}

void Contents::expand(const FoundReference& site, Scheme scheme, std::vector<FoundReference>& out) const {
  std::vector<std::string> open{path_of(site)};
  std::set<std::string> looked_into;
  std::set<std::pair<std::string, std::string>> said;  // package, as written
  while (!open.empty()) {
    const std::string path = std::move(open.back());
    open.pop_back();
    const std::string key = key_of(path);
    const auto found = files_.find(key);
    if (found == files_.end() || !looked_into.insert(key).second) continue;
    const File& file = found->second;
    if (!file.problem.empty()) {
      FoundReference unread = site;
      unread.unread = true;
      unread.reference.opaque = "what it installs is not known: " + file.problem;
      out.push_back(std::move(unread));
    }
    const auto take = [&](std::string_view line) {
      for (auto& reference : find_references(line, {scheme, {}})) {
        const std::string text(line.substr(reference.span.begin, reference.span.size()));
        if (reference.package.empty() || !said.emplace(reference.package, text).second) continue;
        FoundReference one{site.path, site.text, std::move(reference)};
        one.reference.span = {0, one.text.size()};
        one.reference.version_span = one.reference.digest_span = {};
        if (one.reference.form == Form::range) one.reference.form = Form::vcs;  // the detail has the range
        one.reference.opaque = path + " names " + text + ": change it there";
        out.push_back(std::move(one));
      }
    };
    each_line(file.text, take);
    open.insert(open.end(), file.includes.begin(), file.includes.end());
  }
}

void Contents::resolve(Api& api, std::vector<LiveObject>& objects, Scheme scheme) {
  std::vector<std::string> wanted;
  for (const auto& object : objects) {
    for (const auto& found : object.references) {
      if (std::string path = file_named_by(found); !path.empty()) wanted.push_back(std::move(path));
    }
  }
  read(api, std::move(wanted));
  for (auto& object : objects) {
    std::vector<FoundReference> references;
    for (auto& found : object.references) {
      if (file_named_by(found).empty()) {
        references.push_back(std::move(found));
      } else {
        expand(found, scheme, references);
      }
    }
    object.references = std::move(references);
  }
  std::erase_if(objects, [](const LiveObject& object) { return object.references.empty(); });
}

}  // namespace mlship::databricks
