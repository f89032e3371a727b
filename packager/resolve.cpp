// The lock says which files may be used, the platform which of them is wanted, indexes and folders where they
// are. The choice depends on the lock and the platform alone: it is made only when every file the lock allows
// has a name, whatever happens to be in a cache (or, offline, among what there is).
#include "packager/resolve.h"

#include <algorithm>
#include <map>

#include "core/error.h"
#include "core/names.h"
#include "core/secret.h"
#include "core/version.h"
#include "packager/download.h"
#include "packager/index.h"
#include "packager/needs.h"
#include "packager/url.h"
#include "packager/wheel.h"

namespace mlship {
namespace {

constexpr int parallel_lookups = 8;

bool is_url(const std::string& place) {
  return place.starts_with("https://") || place.starts_with("http://");
}

std::vector<std::string> all_places(const IndexSettings& settings) {
  std::vector<std::string> all = settings.urls;
  all.insert(all.end(), settings.find_links.begin(), settings.find_links.end());
  return all;
}

class Resolver {
 public:
  Resolver(std::vector<Need> needs, const IndexSettings& settings, const BlobCache& cache, Host& host,
           Diagnostics& diagnostics)
      : needs_(std::move(needs)),
        settings_(settings),
        cache_(cache),
        names_(cache.folder() / "names"),
        http_(host.http),
        diagnostics_(diagnostics),
        access_(host.env, all_places(settings)) {}

  std::vector<Dependency> run() {
    for (auto& need : needs_) add_locked(need);
    for (const auto& place : settings_.find_links) {
      if (!is_url(place)) add_folder(place);
    }
    if (!settings_.offline) look_up();
    collect();
    fetch();
    for (const auto& [file, chosen] : chosen_) check_identity(file, chosen);
    for (const auto& need : needs_) {
      if (need.requirement.url.empty()) names_.write(need.requirement, need.candidates.seen);
    }
    return result();
  }

 private:
  // What the lock itself and earlier builds tell.
  void add_locked(Need& need) {
    const auto& requirement = need.requirement;
    if (!requirement.url.empty()) {
      Candidate file;
      file.file = requirement.file;
      file.url = requirement.url;
      if (requirement.hashes.size() == 1) file.sha256 = requirement.hashes.front();
      need.candidates.add(requirement, std::move(file));
      return;
    }
    for (const auto& known : names_.read(requirement)) add(need, known);
  }

  static void add(Need& need, const IndexFile& known) {
    Candidate file;
    file.file = known.name;
    file.url = known.url;
    file.sha256 = known.sha256;
    file.size = known.size;
    file.yanked = known.yanked;
    need.candidates.add(need.requirement, std::move(file));
  }

  void add_folder(const Path& folder) {
    const auto stat = fs::stat(folder);
    if (!stat || stat->kind != fs::Kind::folder) {
      throw Error(ErrorCode::not_found,
                  "cannot read find-links " + folder.string() + ": there is no such folder");
    }
    for (const auto& name : fs::list(folder)) {
      const auto wheel = parse_wheel_name(name);
      for (auto& need : needs_) {
        if (!wheel || !is_wheel_of(need.requirement, *wheel) || !need.requirement.url.empty()) continue;
        Candidate file;
        file.file = name;
        file.local = folder / name;
        file.sha256 = fs::hash_file(file.local);
        file.size = fs::stat(file.local).value_or(fs::Stat{}).size;
        need.candidates.add(need.requirement, std::move(file));
      }
    }
  }

  // Hashes the file: once for each.
  bool cached(const Digest& digest) {
    const auto [entry, fresh] = cached_.try_emplace(digest, false);
    if (fresh) entry->second = cache_.has(digest);
    return entry->second;
  }

  bool present(const Candidate& candidate) {
    return !candidate.local.empty() || (candidate.sha256 && cached(*candidate.sha256));
  }

  // True when nothing an index could tell changes what is used.
  bool settled(const Need& need) {
    if (!need.requirement.url.empty()) return true;
    if (!need.candidates.complete(need.requirement)) return false;
    return std::all_of(need.platforms.begin(), need.platforms.end(), [&](const Platform* platform) {
      const Candidate* chosen = choose(need, *platform);
      return chosen == nullptr || present(*chosen) || !chosen->url.empty();
    });
  }

  std::vector<Need*> unsettled() {
    std::vector<Need*> open;
    for (auto& need : needs_) {
      if (!settled(need)) open.push_back(&need);
    }
    return open;
  }

  void look_up() {
    if (unsettled().empty()) return;
    look_up_pages();
    for (const auto& url : settings_.urls) look_up_index(url);
    if (settings_.urls.empty() && settings_.find_links.empty()) {
      throw Error(ErrorCode::project_file,
                  "cannot look up " + unsettled().front()->requirement.name + ": no package index is set")
          .hint("set index in [dependencies] of mlship.toml");
    }
  }

  void look_up_pages() {
    for (const auto& place : settings_.find_links) {
      if (!is_url(place)) continue;
      const HttpRequest request = access_.request(place);
      const HttpResponse response = http_.send(request);
      if (response.status != 200) throw http_error(response, "read find-links " + printable_url(request.url));
      for (const auto& file : parse_index_html(response.body, response.url)) {
        for (auto& need : needs_) {
          if (need.requirement.url.empty()) add(need, file);
        }
      }
    }
  }

  void look_up_index(const std::string& url) {
    const auto open = unsettled();
    if (open.empty()) return;
    const auto progress = diagnostics_.progress("look up packages", open.size(), Unit::items);
    std::uint64_t done = 0;
    std::vector<Transfer> transfers;
    for (auto* need : open) {
      HttpRequest request = access_.page(url, need->requirement.normal);
      const std::string doing = "look up " + need->requirement.name + " at " + printable_url(request.url);
      transfers.push_back({std::move(request), [&, need, doing](const HttpResponse& response) {
                             read_page(*need, response, doing);
                             progress->advance(++done);
                           }});
    }
    http_.run(std::move(transfers), parallel_lookups);
    progress->finish();
  }

  // Only a definite 404 means that this index does not have the package.
  static void read_page(Need& need, const HttpResponse& response, const std::string& doing) {
    if (response.status == 404 || response.status == 410) return;
    if (response.status != 200) throw http_error(response, doing);
    for (auto& file : parse_index_page(response)) {
      add(need, file);
      need.candidates.seen.push_back(std::move(file));
    }
  }

  struct Chosen {
    const Need* need = nullptr;
    Candidate candidate;
    std::vector<const Platform*> platforms;
    Downloaded bytes;
  };

  // By file name: one entry for all platforms that take the same file.
  void collect() {
    for (const auto& need : needs_) {
      for (const auto* platform : need.platforms) {
        const Candidate* candidate = choose(need, *platform);
        if (candidate == nullptr) fail_choice(need, *platform, settings_.offline);
        auto& chosen = chosen_[candidate->file];
        if (chosen.need != nullptr && chosen.need != &need) refuse_same_name(*chosen.need, need, *candidate);
        if (chosen.need == nullptr && candidate->yanked) warn_yanked(need, *candidate);
        chosen.need = &need;
        chosen.candidate = *candidate;
        chosen.platforms.push_back(platform);
      }
    }
  }

  void warn_yanked(const Need& need, const Candidate& candidate) {
    const std::string why = candidate.yanked->empty() ? "" : ": " + *candidate.yanked;
    diagnostics_.warning(need.requirement.origin + ": " + candidate.file + " is yanked from its index" + why);
  }

  void fetch() {
    std::vector<DownloadRequest> requests;
    std::vector<Chosen*> wanted;
    for (auto& [file, chosen] : chosen_) {
      if (take_present(chosen)) continue;
      const auto& requirement = chosen.need->requirement;
      if (settings_.offline) fail_offline(file, requirement);
      if (chosen.candidate.url.empty()) fail_gone(chosen);
      const auto& sha256 = chosen.candidate.sha256;
      requests.push_back({file, access_.request(chosen.candidate.url),
                          sha256 ? std::vector<Digest>{*sha256} : requirement.hashes, chosen.candidate.size,
                          requirement.origin});
      wanted.push_back(&chosen);
    }
    const auto downloaded = download(std::move(requests), cache_, http_, diagnostics_);
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i]->bytes = downloaded[i];
  }

  Downloaded cached_bytes(const Digest& digest) const {
    return {digest, fs::stat(cache_.path(digest)).value_or(fs::Stat{}).size};
  }

  bool take_present(Chosen& chosen) {
    const auto& candidate = chosen.candidate;
    if (!candidate.sha256) return false;
    if (cached(*candidate.sha256)) {
      chosen.bytes = cached_bytes(*candidate.sha256);
      return true;
    }
    if (candidate.local.empty()) return false;
    chosen.bytes = import_file(candidate.local, {*candidate.sha256}, cache_);
    return true;
  }

  [[noreturn]] static void refuse_same_name(const Need& first, const Need& second, const Candidate& file) {
    throw Error(ErrorCode::lock,
                "cannot use " + file.file + ": two entries of the lock mean a file of this name")
        .fact("first", first.requirement.origin)
        .fact("second", second.requirement.origin);
  }

  // Under which name an index or a folder has a file is its word; the wheel says what it is. What was learnt
  // of names is forgotten with it, or the mistake would stay.
  void check_identity(const std::string& file, const Chosen& chosen) const {
    WheelIdentity own;
    try {
      own = wheel_identity(cache_.path(chosen.bytes.digest), file);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::archive) return;  // whoever installs it says what is wrong
      names_.forget(chosen.need->requirement);
      throw;
    }
    const auto& requirement = chosen.need->requirement;
    const auto version = Version::parse(own.version);
    const auto named = Version::parse(chosen.candidate.wheel.version);
    const bool same = normalize_name(own.name) == requirement.normal && version && version == named;
    for (const auto* platform : chosen.platforms) {
      const bool fits = std::any_of(own.tags.begin(), own.tags.end(), [&](const std::string& tag) {
        return std::find(platform->tags.begin(), platform->tags.end(), tag) != platform->tags.end();
      });
      if (same && fits) continue;
      names_.forget(requirement);
      std::string tags;
      for (const auto& tag : own.tags) tags += (tags.empty() ? "" : ", ") + tag;
      throw Error(ErrorCode::wheel, "cannot use " + file + ": inside it is another wheel")
          .fact("inside", own.name + " " + own.version + " for " + tags)
          .fact("wanted for", platform->name)
          .fact("locked", requirement.origin)
          .hint("ask whoever runs the index or made the folder: it has this file under a wrong name");
    }
  }

  // Known by name from an earlier build, but no index offers those bytes any more.
  [[noreturn]] static void fail_gone(const Chosen& chosen) {
    refuse_unlocked(*chosen.need, *chosen.need->platforms.front());
    throw Error(ErrorCode::not_found, "cannot find " + chosen.candidate.file + ": no index has it any more")
        .fact("locked", chosen.need->requirement.origin)
        .hint("check the index: mlship config");
  }

  [[noreturn]] static void fail_offline(const std::string& file, const LockedRequirement& requirement) {
    throw Error(
        ErrorCode::not_found,
        "cannot use " + file + " while offline: it is neither in the cache nor in a --find-links folder")
        .fact("locked", requirement.origin)
        .hint("mlship build once with a network, or pass its folder with --find-links");
  }

  std::vector<Dependency> result() const {
    std::vector<Dependency> dependencies;
    for (const auto& [file, chosen] : chosen_) {
      const auto& requirement = chosen.need->requirement;
      std::vector<std::string> platforms;
      for (const auto* platform : chosen.platforms) platforms.push_back(platform->name);
      const bool all = requirement.url.empty() ? chosen.need->candidates.complete(requirement) : true;
      dependencies.push_back({requirement.normal, requirement.version, file, chosen.bytes.size,
                              chosen.bytes.digest, requirement.marker, std::move(platforms),
                              cache_.path(chosen.bytes.digest), settings_.offline && !all});
    }
    return dependencies;
  }

  std::vector<Need> needs_;
  const IndexSettings& settings_;
  const BlobCache& cache_;
  KnownNames names_;
  Http& http_;
  Diagnostics& diagnostics_;
  IndexAccess access_;
  std::map<Digest, bool> cached_;
  std::map<std::string, Chosen> chosen_;
};

}  // namespace

std::vector<Dependency> resolve(const Lock& lock, const std::vector<Platform>& platforms,
                                const IndexSettings& settings, const BlobCache& cache, Host& host,
                                Diagnostics& diagnostics) {
  return Resolver(find_needs(lock, platforms), settings, cache, host, diagnostics).run();
}

}  // namespace mlship
