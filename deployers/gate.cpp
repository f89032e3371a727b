#include "deployers/gate.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/accelerator.h"
#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship {

using namespace std::string_view_literals;

namespace {

// What differs between two versions of one reference: no blank, no slash, nothing that a shell or cron reads.
bool plain(char c) {
  constexpr std::string_view others = "._+-!~@:";
  const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return letter || others.find(c) != std::string_view::npos;
}

// A path may hold any other byte; what these end is no path.
bool ends_a_line(const std::string& text) {
  return text.find_first_of("\n\r\0"sv) != std::string::npos;
}

// Both say the same but for one plain piece: the same folder, repository, index, quotes, extras and markers.
bool same_frame(const std::string& a, const std::string& b) {
  const auto shorter = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  const auto ahead = std::mismatch(a.begin(), a.begin() + shorter, b.begin()).first - a.begin();
  const auto behind =
      std::mismatch(a.rbegin(), a.rbegin() + (shorter - ahead), b.rbegin()).first - a.rbegin();
  const auto piece = [&](const std::string& text) {
    return std::all_of(text.begin() + ahead, text.end() - behind, plain);
  };
  return piece(a) && piece(b);
}

Grammar grammar_for(const std::string& text, const std::string& package, Scheme scheme) {
  Grammar grammar;
  grammar.scheme = scheme;
  // <root>/<package>/<version>: whatever root the text has; gate() sees to it that it is the right one.
  for (size_t slash = text.find('/', 1); slash != std::string::npos; slash = text.find('/', slash + 1)) {
    const size_t end = text.find('/', slash + 1);
    if (end == std::string::npos) break;
    if (normalize_name(text.substr(slash + 1, end - slash - 1)) == package)
      grammar.roots.push_back(
          std::filesystem::path(text.substr(0, slash)).lexically_normal().string());  // `/./` may stand there
  }
  return grammar;
}

// What a text is depends on where it stands, which is not known here: a path with blanks in it, a line of
// pip, a word of a command. The same bytes may be several of them.
constexpr auto ways = std::to_array<Whole>(
    {Whole::path, Whole::requirement, Whole::list, Whole::text, Whole::image, Whole::coordinate});

// The one reference to the package that the whole text is, read in each way.
using Ways = std::array<std::optional<Reference>, ways.size()>;
Ways read(const std::string& text, const std::string& package, Scheme scheme) {
  Grammar grammar = grammar_for(text, package, scheme);
  Ways out;
  for (size_t i = 0; i < ways.size(); ++i) {
    grammar.whole = ways[i];
    auto found = find_references(text, grammar);
    const bool only =
        found.size() == 1 && found[0].span == Span{0, text.size()} && found[0].package == package;
    if (only) out[i] = std::move(found[0]);
  }
  return out;
}

bool names(const Reference& reference, const std::string& version, Scheme scheme) {
  const auto wanted = Version::parse(version, scheme);
  return wanted && reference.version &&
         without_accelerator(*reference.version) == without_accelerator(*wanted);
}

// A value that is one path may have blanks around it.
std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// What a text is beside the file's path: the query or fragment of a URL, nothing else.
bool only_path(const std::string& text, const std::string& path) {
  const std::string whole = trimmed(text);
  if (!whole.starts_with(path)) return false;
  const std::string behind = whole.substr(path.size());
  if (behind.empty()) return true;
  return forms::one_of(behind[0], "?#") && behind.find_first_of(" \t") == std::string::npos;
}

bool any_names(const Ways& all, const std::string& text, const std::string& version, Scheme scheme) {
  return !ends_a_line(text) && std::any_of(all.begin(), all.end(), [&](const auto& reference) {
    return reference && names(*reference, version, scheme);
  });
}

// Of Maven coordinates: the dots of a group are plain too.
bool same_group(const Ways& now, const Ways& then) {
  return std::equal(now.begin(), now.end(), then.begin(), [](const auto& a, const auto& b) {
    return !a || a->group.empty() || (b && b->group == a->group);
  });
}

// The file lies elsewhere, where the target lets it lie.
bool may_move(const Target& target, const Change& change, const Reference& now, const Reference& then,
              bool old) {
  if (now.form != then.form || then.file.empty()) return false;
  const std::string path = trimmed(then.folder + then.file);
  return only_path(change.from, trimmed(now.folder + now.file)) && only_path(change.to, path) &&
         target.may_point_to(path, old);
}

bool may_move(const Target& target, const Change& change, const Ways& now, const Ways& then,
              const Plan& plan) {
  for (size_t i = 0; i < ways.size(); ++i) {
    if (!now[i] || !then[i] || !names(*then[i], change.to_version, plan.scheme)) continue;
    if (may_move(target, change, *now[i], *then[i], plan.direction == Direction::down)) return true;
  }
  return false;
}

}  // namespace

bool names_version(const std::string& text, const std::string& package, const std::string& version,
                   Scheme scheme) {
  return any_names(read(text, package, scheme), text, version, scheme);
}

std::string gate(const Target& target, const Change& change, const Plan& plan) {
  const Ways then = read(change.to, plan.package, plan.scheme);
  if (!any_names(then, change.to, change.to_version, plan.scheme)) {
    return "the ledger's text does not name " + plan.package + " " + change.to_version;
  }
  const Ways now = read(change.from, plan.package, plan.scheme);
  const bool known = !change.from_version.empty();
  if (known && !any_names(now, change.from, change.from_version, plan.scheme)) {
    return "what the ledger says to replace does not name " + plan.package + " " + change.from_version;
  }
  if (same_group(now, then) && same_frame(change.from, change.to)) return "";
  if (may_move(target, change, now, then, plan)) return "";
  return "the ledger's text leads elsewhere: " + change.to;
}

}  // namespace mlship
