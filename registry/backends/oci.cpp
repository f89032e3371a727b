// oci://HOST/NS: any registry of the OCI distribution-spec; the repository of a package is HOST/NS/PACKAGE.
// Blobs first, then the manifest by its digest, then the tag: a killed publish leaves nothing that has a
// name. Most registries ignore conditions on writes, so a version is claimed first (registry/oci_claim.h) and
// read back afterwards.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "core/version.h"
#include "registry/blobs.h"
#include "registry/checks.h"
#include "registry/further.h"
#include "registry/oci_claim.h"
#include "registry/oci_client.h"
#include "registry/oci_referrers.h"
#include "registry/oci_repository.h"
#include "registry/oci_upload.h"
#include "registry/registry.h"

namespace mlship {
namespace {

constexpr int claims_at_most = 5;
constexpr int manifest_tries = 3;  // after the first

bool names_a_version_or_tag(const std::string& tag) {
  return valid_tag(tag) && !own_tag(tag) && !is_fallback_tag(tag);
}

// Status 0: no answer; whether it was written is seen by the next look.
HttpResponse put_tag_once(OciRepository& in, const std::string& tag, const std::string& bytes) {
  try {
    return in.put(tag, oci::media::manifest, bytes, {true, ""});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::network) throw;
    return {};
  }
}

class OciRegistry : public Registry {
 public:
  OciRegistry(const RegistryOptions& options, Host& host) : client_(options, host) {}

  [[nodiscard]] std::string url() const override { return client_.place().shown; }
  [[nodiscard]] bool atomic() const override { return false; }

  std::optional<oci::Descriptor> stat(const std::string& package, const std::string& reference) override;
  std::string get_manifest(const std::string& package, const Digest& digest) override;
  std::string read_blob(const std::string& package, const oci::Descriptor& blob) override;
  void get_blob(const std::string& package, const oci::Descriptor& blob, const Path& to) override;
  PutResult put_if_absent(const std::string& package, const std::string& tag, const oci::Layout& from,
                          const oci::Descriptor& manifest, Diagnostics& diagnostics) override;
  std::vector<std::string> packages() override;
  std::vector<TagInfo> list(const std::string& package) override;
  std::vector<std::string> tag_names(const std::string& package) override;
  std::optional<Digest> resolve_tag(const std::string& package, const std::string& tag) override;
  void move_tag(const std::string& package, const std::string& tag, const oci::Descriptor& to,
                const std::optional<Digest>& expected) override;
  void put_referrer(const std::string& package, const oci::Manifest& manifest,
                    const std::vector<std::string>& blobs) override;
  std::vector<Referrer> referrers(const std::string& package, const Digest& subject,
                                  const UnreadableReferrer& unreadable) override;
  std::vector<oci::Descriptor> referrer_list(const std::string& package, const Digest& subject) override;
  void copy_referrer(const std::string& package, const std::string& bytes,
                     const std::vector<std::string>& blobs) override;
  std::vector<oci::Descriptor> missing(const std::string& package,
                                       const std::vector<oci::Descriptor>& blobs) override;
  bool mount(const std::string& package, const oci::Descriptor& blob, const Registry& from) override;

 private:
  OciRepository& repository(const std::string& package);
  [[nodiscard]] std::string named(const std::string& package, const std::string& tag) const {
    return package + ":" + tag + " in " + url();
  }
  void upload(OciRepository& in, const oci::Layout& from, const std::vector<oci::Descriptor>& blobs,
              Progress& progress, std::uint64_t& done);
  // By its digest; what: for messages.
  HttpResponse put_manifest(OciRepository& in, const std::string& what, const std::string& bytes,
                            const std::function<void()>& upload_again);
  // True when this call created the tag.
  bool create_tag(OciRepository& in, const std::string& package, const std::string& tag,
                  const std::string& bytes, Diagnostics& diagnostics);
  void ensure_blobs(OciRepository& in, const oci::Manifest& manifest,
                    const std::vector<std::string>& contents, const std::string& what);

  OciClient client_;
  std::map<std::string, OciRepository> repositories_;
  // Versions seen in this run: they cannot change, so they are not asked for twice.
  std::map<std::pair<std::string, std::string>, oci::Descriptor> seen_;
};

OciRepository& OciRegistry::repository(const std::string& package) {
  require_package(package);
  return repositories_.try_emplace(package, client_, client_.place().prefix + package).first->second;
}

std::optional<oci::Descriptor> OciRegistry::stat(const std::string& package, const std::string& reference) {
  auto& in = repository(package);
  if (reference.starts_with("sha256:")) {
    if (!Digest::parse(reference))
      throw Error(ErrorCode::reference, "cannot look for '" + reference + "': not a sha256 digest");
    return in.head(reference);
  }
  require_tag(reference);
  auto found = in.head(reference);
  if (found) seen_.insert_or_assign({package, reference}, *found);
  return found;
}

std::string OciRegistry::get_manifest(const std::string& package, const Digest& digest) {
  auto found = repository(package).get(digest.str());
  if (found) return std::move(found->bytes);
  throw Error(ErrorCode::not_found,
              "cannot get " + package + "@" + digest.str() + " from " + url() + ": not there");
}

std::string OciRegistry::read_blob(const std::string& package, const oci::Descriptor& blob) {
  if (blob.size > fs::small_file) {
    throw Error(ErrorCode::bundle,
                "cannot read the blob " + blob.digest.str() + " of " + package + ": it is too large");
  }
  std::string content;
  repository(package).get_blob(
      blob, [&](std::string_view data) { content += data; }, [&] { content.clear(); });
  return content;
}

void OciRegistry::get_blob(const std::string& package, const oci::Descriptor& blob, const Path& to) {
  auto& in = repository(package);
  const auto exists = [&to] {
    return Error(ErrorCode::io, "cannot make " + to.string() + ": it exists already");
  };
  if (fs::lstat(to)) throw exists();
  const fs::TempFolder beside(to.has_parent_path() ? to.parent_path() : Path("."));
  fs::Writer writer(beside.path() / "blob");
  in.get_blob(blob, [&](std::string_view data) { writer.write(data); }, [&] { writer.truncate(); });
  writer.close();
  if (!fs::rename_no_replace(writer.path(), to)) throw exists();
}

// What is there is known from the newest version's manifest; only the rest is asked for.
std::vector<oci::Descriptor> OciRegistry::missing(const std::string& package,
                                                  const std::vector<oci::Descriptor>& blobs) {
  auto& in = repository(package);
  std::optional<Version> newest;
  for (const auto& tag : tag_names(package)) {
    auto version = Version::from_oci_tag(tag, Scheme::pep440);
    if (version && (!newest || *newest < *version)) newest = std::move(version);
  }
  std::set<Digest> known;
  if (newest) {
    const auto manifest = in.get(newest->oci_tag());
    if (manifest && manifest->descriptor.media_type == oci::media::manifest) {
      for (const auto& blob :
           blobs_of(oci::parse_manifest(manifest->bytes, named(package, newest->oci_tag()))))
        known.insert(blob.digest);
    }
  }
  auto rest = blobs;
  std::erase_if(rest, [&known](const auto& blob) { return known.contains(blob.digest); });
  return in.missing(rest);
}

void OciRegistry::upload(OciRepository& in, const oci::Layout& from,
                         const std::vector<oci::Descriptor>& blobs, Progress& progress, std::uint64_t& done) {
  std::vector<OciBlob> sources;
  for (const auto& blob : blobs) {
    if (!from.has_blob(blob.digest)) throw incomplete_layout(from, blob);
    sources.push_back({blob, from.blob_path(blob.digest), ""});
  }
  OciUpload(client_, in.name(), [&](std::int64_t bytes) {
    done += static_cast<std::uint64_t>(bytes);
    progress.advance(done);
  }).put(std::move(sources));
}

// 404: a blob that the newest version has and the registry has lost. 400 may be the same, or a blob that
// another publish stores at this moment: docker-registry writes its links in place and reads them
// half-written.
HttpResponse OciRegistry::put_manifest(OciRepository& in, const std::string& what, const std::string& bytes,
                                       const std::function<void()>& upload_again) {
  const std::string digest = sha256(bytes).str();
  for (int attempt = 0;; ++attempt) {
    auto response = in.put(digest, oci::media::manifest, bytes);
    if (response.status == 201) return response;
    const bool may_pass = response.status == 404 || response.status == 400;
    if (!may_pass || attempt == manifest_tries) throw in.error(response, "store " + what + " in " + url());
    client_.host().clock.sleep(std::chrono::milliseconds(50 << attempt));
    upload_again();
  }
}

bool OciRegistry::create_tag(OciRepository& in, const std::string& package, const std::string& tag,
                             const std::string& bytes, Diagnostics& diagnostics) {
  const Digest digest = sha256(bytes);
  const auto require_same = [&](const oci::Descriptor& there) {
    if (there.digest != digest) throw version_exists(package, tag, url(), digest, there.digest);
  };
  bool tried = false;
  for (int attempt = 0; attempt < claims_at_most; ++attempt) {
    OciClaim claim(in, tag, digest, diagnostics);
    if (const auto there = claim.win()) {
      require_same(*there);
      return tried;
    }
    if (!claim.fresh()) continue;  // this process slept: somebody may have stopped waiting for it
    tried = true;
    HttpResponse response;
    const bool held = claim.hold([&] { response = put_tag_once(in, tag, bytes); });
    if (response.status == 0 || response.status >= 500) continue;  // claimed anew before it is written again
    if (!held) continue;  // somebody may have published meanwhile: the next look says who
    if (response.status != 201 && response.status != 412 && response.status != 409)
      throw in.error(response, "name " + named(package, tag));
    const auto there = in.head(tag);
    if (!there) throw Error(ErrorCode::network, "cannot name " + named(package, tag) + ": it was not kept");
    require_same(*there);
    claim.published();
    return response.status == 201;
  }
  throw Error(ErrorCode::network,
              "cannot name " + named(package, tag) + ": the registry is too slow or does not answer")
      .hint("run the command again");
}

PutResult OciRegistry::put_if_absent(const std::string& package, const std::string& tag,
                                     const oci::Layout& from, const oci::Descriptor& manifest,
                                     Diagnostics& diagnostics) {
  require_tag(tag);
  auto& in = repository(package);
  const std::string bytes = from.read_blob(manifest.digest);
  const auto blobs = blobs_of(oci::parse_manifest(bytes, from.blob_path(manifest.digest).string()));
  PutResult result;
  for (const auto& blob : blobs) result.reused_bytes += blob.size;
  result.reused_blobs = blobs.size();

  const auto known = seen_.find({package, tag});
  const auto there = known != seen_.end() ? std::optional(known->second) : stat(package, tag);
  if (there && there->digest != manifest.digest)
    throw version_exists(package, tag, url(), manifest.digest, there->digest);
  if (there) return result;

  const auto absent = missing(package, blobs);
  std::uint64_t total = 0, done = 0;
  for (const auto& blob : absent) total += blob.size;
  const auto progress = diagnostics.progress("publish " + package + ":" + tag, total, Unit::bytes);
  upload(in, from, absent, *progress, done);
  progress->finish();
  put_manifest(in, package + "@" + manifest.digest.str(), bytes,
               [&] { upload(in, from, in.missing(blobs), *progress, done); });
  result.published = create_tag(in, package, tag, bytes, diagnostics);
  result.uploaded_blobs = absent.size();
  result.uploaded_bytes = total;
  result.reused_blobs -= absent.size();
  result.reused_bytes -= total;
  return result;
}

std::vector<std::string> OciRegistry::packages() {
  const std::string& prefix = client_.place().prefix;
  const std::string what = "the packages of " + url();
  std::set<std::string> names;
  const auto take = [&](const HttpResponse& page) {
    const Json json = parse_json(page.body, ErrorCode::network, what);
    const auto list = json.is_object() ? json.find("repositories") : json.end();
    if (!json.is_object() || list == json.end() || !list->is_array()) return;
    for (const auto& entry : *list) {
      if (!entry.is_string() || !entry.get<std::string>().starts_with(prefix)) continue;
      const std::string name = entry.get<std::string>().substr(prefix.size());
      if (valid_name(name) && normalize_name(name) == name) names.insert(name);
    }
  };
  const auto refused = client_.pages(client_.url("_catalog?n=1000"), {"registry:catalog:*"}, {}, take);
  if (refused) {
    const int status = refused->status;
    if (status == 401 || status == 403 || status == 429 || status >= 500)
      throw client_.error(*refused, "list " + what);
    throw Error(ErrorCode::not_found, "cannot list " + what + ": it does not say what it holds (HTTP " +
                                          std::to_string(status) + ")")
        .hint("name the package: mlship list NAME");
  }
  std::vector<std::string> out;
  // A repository may hold nothing but the blobs of a publish that was killed.
  for (const auto& name : names) {
    if (!tag_names(name).empty()) out.push_back(name);
  }
  return out;
}

std::vector<std::string> OciRegistry::tag_names(const std::string& package) {
  auto names = repository(package).tags();
  std::erase_if(names, [](const auto& tag) { return !names_a_version_or_tag(tag); });
  return names;
}

std::vector<TagInfo> OciRegistry::list(const std::string& package) {
  std::vector<TagInfo> out;
  for (auto& [tag, manifest] : repository(package).head_all(tag_names(package)))
    out.push_back({tag, manifest});
  return out;
}

std::optional<Digest> OciRegistry::resolve_tag(const std::string& package, const std::string& tag) {
  require_tag(tag);
  const auto found = repository(package).head(tag);
  return found ? std::optional(found->digest) : std::nullopt;
}

void OciRegistry::move_tag(const std::string& package, const std::string& tag, const oci::Descriptor& to,
                           const std::optional<Digest>& expected) {
  require_tag(tag);
  auto& in = repository(package);
  seen_.erase({package, tag});
  const auto manifest = in.get(to.digest.str());
  if (!manifest) {
    throw Error(ErrorCode::not_found,
                "cannot tag " + package + "@" + to.digest.str() + " in " + url() + ": not there");
  }
  const auto shown = [](const std::optional<Digest>& d) { return d ? d->str() : std::string("absent"); };
  std::string etag;
  const auto before = in.head(tag, &etag);
  const auto actual = before ? std::optional(before->digest) : std::nullopt;
  if (actual != expected) throw tag_moved(package, tag, shown(expected), shown(actual));
  if (actual == to.digest) return;
  const auto response =
      in.put(tag, manifest->descriptor.media_type, manifest->bytes, {!expected, expected ? etag : ""});
  if (response.status != 201 && response.status != 412)
    throw in.error(response, "move the tag " + named(package, tag));
  const auto after = resolve_tag(package, tag);
  if (after != to.digest) throw tag_moved(package, tag, shown(expected), shown(after));
}

void OciRegistry::put_referrer(const std::string& package, const oci::Manifest& manifest,
                               const std::vector<std::string>& blobs) {
  copy_referrer(package, oci::serialize(manifest), blobs);
}

void OciRegistry::ensure_blobs(OciRepository& in, const oci::Manifest& manifest,
                               const std::vector<std::string>& contents, const std::string& what) {
  std::map<Digest, const std::string*> given;
  for (const auto& content : contents) given.emplace(sha256(content), &content);
  std::vector<OciBlob> sources;
  for (const auto& blob : in.missing(blobs_of(manifest))) {
    const auto found = given.find(blob.digest);
    if (found == given.end())
      throw Error(ErrorCode::bundle,
                  "cannot add a referrer to " + what + ": its blob " + blob.digest.str() + " is missing");
    sources.push_back({blob, {}, *found->second});
  }
  OciUpload(client_, in.name()).put(std::move(sources));
}

void OciRegistry::copy_referrer(const std::string& package, const std::string& bytes,
                                const std::vector<std::string>& blobs) {
  const Digest digest = sha256(bytes);
  const auto manifest = oci::parse_manifest(bytes, digest.str());
  if (!manifest.subject) throw Error(ErrorCode::internal, "a referrer needs a subject");
  auto& in = repository(package);
  const std::string what = package + "@" + manifest.subject->digest.str();
  ensure_blobs(in, manifest, blobs, what);
  const auto response =
      put_manifest(in, "a referrer of " + what, bytes, [&] { ensure_blobs(in, manifest, blobs, what); });
  // distribution-spec §Pushing manifests with subject: without this header the client keeps the list.
  if (response.header("oci-subject")) return;
  add_to_fallback(in, manifest.subject->digest, referrer_descriptor(manifest, bytes), [&] {
    put_manifest(in, "a referrer of " + what, bytes, [&] { ensure_blobs(in, manifest, blobs, what); });
  });
}

std::vector<oci::Descriptor> OciRegistry::referrer_list(const std::string& package, const Digest& subject) {
  return list_referrers(repository(package), subject);
}

std::vector<Referrer> OciRegistry::referrers(const std::string& package, const Digest& subject,
                                             const UnreadableReferrer& unreadable) {
  auto& in = repository(package);
  std::vector<Referrer> out;
  for (auto& descriptor : list_referrers(in, subject)) {
    if (descriptor.media_type != oci::media::manifest) continue;
    read_referrer(unreadable, [&] {
      auto found = in.get(descriptor.digest.str());
      if (!found) return;  // deleted, and still in the list
      const auto manifest = oci::parse_manifest(found->bytes, descriptor.digest.str());
      if (manifest.subject && manifest.subject->digest == subject)
        out.push_back({std::move(descriptor), std::move(found->bytes)});
    });
  }
  return out;
}

bool OciRegistry::mount(const std::string& package, const oci::Descriptor& blob, const Registry& from) {
  const auto* other = dynamic_cast<const OciRegistry*>(&from);
  if (other == nullptr || other->client_.place().origin != client_.place().origin) return false;
  const std::string source = other->client_.place().prefix + package;
  return OciUpload(client_, repository(package).name()).mount(blob, source);
}

std::unique_ptr<Registry> open(const RegistryOptions& options, Host& host) {
  return std::make_unique<OciRegistry>(options, host);
}

}  // namespace

extern const RegistryFactory oci_factory;
const RegistryFactory oci_factory{
    "oci",
    "any OCI registry: docker-registry, zot, Harbor, ECR, GHCR, GitLab, Artifactory, Quay",
    "oci://registry.example.com/ml",
    open,
};

}  // namespace mlship
