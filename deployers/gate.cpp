#include "deployers/gate.h"

#include <algorithm>
#include <array>

#include "core/accelerator.h"
#include "core/names.h"

namespace mlship {
namespace {

// What differs between two versions of one reference: no blank, no slash, nothing that a shell or cron reads.
bool plain(char c) {
  constexpr std::string_view others = "._+-!~@:";
  const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return letter || others.find(c) != std::string_view::npos;
}

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
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
      grammar.roots.push_back(text.substr(0, slash));
  }
  return grammar;
}

// The one reference that the whole text is.
std::optional<Reference> only_reference(const std::string& text, const std::string& package, Scheme scheme) {
  Grammar grammar = grammar_for(text, package, scheme);
  // What it is where it stands is not known here: a word of a text, or a path with blanks in it.
  for (const auto whole :
       {Whole::text, Whole::path, Whole::requirement, Whole::list, Whole::image, Whole::coordinate}) {
    grammar.whole = whole;
    const auto found = find_references(text, grammar);
    if (found.size() == 1 && found[0].span == Span{0, text.size()} && found[0].package == package)
      return found[0];
  }
  return std::nullopt;
}

// `text` less the path of the file that it names.
std::string around(const std::string& text, const std::string& path) {
  const size_t at = text.find(path);
  if (path.empty() || at == std::string::npos) return text;
  return text.substr(0, at) + '\0' + text.substr(at + path.size());
}

std::string path_in(const Reference& reference) {
  const std::string path = reference.folder + reference.file;
  const size_t at = path.rfind(" @ ");  // name @ URL
  return at == std::string::npos ? path : path.substr(at + 3);
}

}  // namespace

bool names_version(const std::string& text, const std::string& package, const std::string& version,
                   Scheme scheme) {
  const auto wanted = Version::parse(version, scheme);
  if (!wanted || has_control(text)) return false;
  const auto found = only_reference(text, package, scheme);
  return found && found->version && without_accelerator(*found->version) == without_accelerator(*wanted);
}

std::string gate(const Target& target, const Change& change, const Plan& plan) {
  if (!names_version(change.to, plan.package, change.to_version, plan.scheme)) {
    return "the ledger's text does not name " + plan.package + " " + change.to_version;
  }
  const bool known = !change.from_version.empty();
  if (known && !names_version(change.from, plan.package, change.from_version, plan.scheme)) {
    return "what the ledger says to replace does not name " + plan.package + " " + change.from_version;
  }
  const auto now = only_reference(change.from, plan.package, plan.scheme);
  const auto then = only_reference(change.to, plan.package, plan.scheme);
  const bool same_group = !now || (then && now->group == then->group);  // Maven: its dots are plain too
  if (same_group && same_frame(change.from, change.to)) return "";
  const bool old = plan.direction == Direction::down;
  if (now && then && now->form == then->form && !then->file.empty()) {
    const std::string path = path_in(*then);
    const bool same = around(change.from, path_in(*now)) == around(change.to, path);
    if (same && target.may_point_to(path, old)) return "";
  }
  return "the ledger's text leads elsewhere: " + change.to;
}

}  // namespace mlship
