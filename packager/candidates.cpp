#include "packager/candidates.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/names.h"
#include "core/version.h"

namespace mlship {
namespace {

bool contains(const std::vector<Digest>& digests, const Digest& digest) {
  return std::find(digests.begin(), digests.end(), digest) != digests.end();
}

bool same_version(const std::string& a, const std::string& b) {
  const auto left = Version::parse(a);
  const auto right = Version::parse(b);
  return left && right && (*left == *right || (!right->local() && left->without_local() == *right));
}

}  // namespace

bool is_wheel_of(const LockedRequirement& requirement, const WheelName& wheel) {
  return normalize_name(wheel.name) == requirement.normal && same_version(wheel.version, requirement.version);
}

bool is_source_of(const LockedRequirement& requirement, const std::string& file) {
  constexpr auto endings =
      std::to_array<std::string_view>({".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz"});
  for (const auto ending : endings) {
    if (!file.ends_with(ending)) continue;
    const std::string stem = file.substr(0, file.size() - ending.size());
    const size_t dash = stem.rfind('-');
    return dash != std::string::npos && normalize_name(stem.substr(0, dash)) == requirement.normal &&
           same_version(stem.substr(dash + 1), requirement.version);
  }
  return false;
}

void Candidates::add(const LockedRequirement& requirement, Candidate file) {
  const bool locked = file.sha256 && contains(requirement.hashes, *file.sha256);
  if (locked && !contains(named, *file.sha256)) named.push_back(*file.sha256);
  const auto wheel = parse_wheel_name(file.file);
  if (!wheel) {
    if (is_source_of(requirement, file.file)) sources.push_back(file.file);
    return;
  }
  if (!is_wheel_of(requirement, *wheel)) return;
  if (file.sha256 && !locked) {
    if (unlocked.empty()) unlocked_hash = file.sha256;
    unlocked.push_back(file.file);
    return;
  }
  file.wheel = *wheel;
  const auto same = std::find_if(allowed.begin(), allowed.end(), [&](const Candidate& other) {
    // A page without hashes tells where the file is that was remembered with its hash.
    const bool place = !file.sha256 && other.url.empty() && other.local.empty();
    return other.file == file.file && (other.sha256 == file.sha256 || place);
  });
  if (same == allowed.end()) {
    allowed.push_back(std::move(file));
    return;
  }
  if (same->url.empty()) same->url = file.url;
  if (same->local.empty()) same->local = file.local;
  if (same->size == 0) same->size = file.size;
  if (!same->yanked) same->yanked = file.yanked;
}

bool Candidates::complete(const LockedRequirement& requirement) const {
  return std::all_of(requirement.hashes.begin(), requirement.hashes.end(),
                     [&](const Digest& digest) { return contains(named, digest); });
}

Path KnownNames::file(const LockedRequirement& requirement) const {
  // A normal name and a parsed version hold nothing that a path could trip over.
  const auto version = Version::parse(requirement.version);
  return folder_ / requirement.normal / (version ? version->str() : "none");
}

// Lines "HEX SIZE NAME".
std::vector<IndexFile> KnownNames::read(const LockedRequirement& requirement) const {
  std::vector<IndexFile> files;
  const auto text = fs::read_if_exists(file(requirement));
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t first = line.find(' ');
    const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) continue;
    IndexFile known;
    known.sha256 = Digest::from_hex(line.substr(0, first));
    std::from_chars(line.data() + first + 1, line.data() + second, known.size);
    known.name = std::string(line.substr(second + 1));
    if (known.sha256) files.push_back(std::move(known));
  }
  return files;
}

void KnownNames::forget(const LockedRequirement& requirement) const {
  fs::remove_file(file(requirement));
}

void KnownNames::write(const LockedRequirement& requirement, const std::vector<IndexFile>& files) const {
  std::string text;
  for (const auto& known : files) {
    const bool ours = known.sha256 && contains(requirement.hashes, *known.sha256);
    if (!ours || known.name.find('\n') != std::string::npos) continue;
    text += known.sha256->hex() + " " + std::to_string(known.size) + " " + known.name + "\n";
  }
  if (text.empty() || fs::read_if_exists(file(requirement)) == text) return;
  fs::make_folders(file(requirement).parent_path());
  fs::write_atomic(file(requirement), text);
}

}  // namespace mlship
