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

// The one reference to the package that the whole text is, read in this way.
std::optional<Reference> read_as(Whole whole, const std::string& text, const std::string& package,
                                 Scheme scheme) {
  Grammar grammar = grammar_for(text, package, scheme);
  grammar.whole = whole;
  auto found = find_references(text, grammar);
  const bool only = found.size() == 1 && found[0].span == Span{0, text.size()} && found[0].package == package;
  return only ? std::optional(std::move(found[0])) : std::nullopt;
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

// Both texts, read in one way.
struct Reading {
  Reference now, then;
};
std::vector<Reading> readings(const Change& change, const Plan& plan) {
  std::vector<Reading> out;
  for (const Whole whole : ways) {
    auto now = read_as(whole, change.from, plan.package, plan.scheme);
    auto then = read_as(whole, change.to, plan.package, plan.scheme);
    if (now && then && names(*then, change.to_version, plan.scheme))
      out.push_back({std::move(*now), std::move(*then)});
  }
  return out;
}

// Of Maven coordinates: the dots of a group are plain too.
bool same_group(const Change& change, const Plan& plan) {
  return std::all_of(ways.begin(), ways.end(), [&](Whole whole) {
    const auto now = read_as(whole, change.from, plan.package, plan.scheme);
    if (!now || now->group.empty()) return true;
    const auto then = read_as(whole, change.to, plan.package, plan.scheme);
    return then && then->group == now->group;
  });
}

// The file lies elsewhere, where the target lets it lie.
bool may_move(const Target& target, const Change& change, const Reading& read, bool old) {
  if (read.now.form != read.then.form || read.then.file.empty()) return false;
  const std::string path = trimmed(read.then.folder + read.then.file);
  return only_path(change.from, trimmed(read.now.folder + read.now.file)) && only_path(change.to, path) &&
         target.may_point_to(path, old);
}

bool may_move(const Target& target, const Change& change, const std::vector<Reading>& all, bool old) {
  return std::any_of(all.begin(), all.end(),
                     [&](const Reading& read) { return may_move(target, change, read, old); });
}

}  // namespace

bool names_version(const std::string& text, const std::string& package, const std::string& version,
                   Scheme scheme) {
  if (ends_a_line(text)) return false;
  return std::any_of(ways.begin(), ways.end(), [&](Whole whole) {
    const auto found = read_as(whole, text, package, scheme);
    return found && names(*found, version, scheme);
  });
}

std::string gate(const Target& target, const Change& change, const Plan& plan) {
  if (!names_version(change.to, plan.package, change.to_version, plan.scheme)) {
    return "the ledger's text does not name " + plan.package + " " + change.to_version;
  }
  const bool known = !change.from_version.empty();
  if (known && !names_version(change.from, plan.package, change.from_version, plan.scheme)) {
    return "what the ledger says to replace does not name " + plan.package + " " + change.from_version;
  }
  const auto all = readings(change, plan);
  if (same_group(change, plan) && same_frame(change.from, change.to)) return "";
  if (may_move(target, change, all, plan.direction == Direction::down)) return "";
  return "the ledger's text leads elsewhere: " + change.to;
}

}  // namespace mlship
