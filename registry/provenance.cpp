#include "registry/provenance.h"

#include <ctime>

#include "core/error.h"
#include "core/host/clock.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/secret.h"

namespace mlship {
namespace {

constexpr auto statement_type = "https://in-toto.io/Statement/v1";
constexpr auto predicate_type = "https://slsa.dev/provenance/v1";
constexpr auto build_type = "urn:mlship:build:v1";
constexpr auto artifact_type = "urn:mlship:artifact:v1";  // made of one file that was built elsewhere
constexpr std::string_view empty_config = "{}";           // image-spec §Guidance for an empty descriptor
constexpr std::uint64_t statement_limit = 1U << 20U;      // bytes; ours have some hundreds

// SLSA v1 §Extension fields: a vendor's fields carry its prefix.
constexpr auto published_field = "mlship_publishedOn";
constexpr auto user_field = "mlship_user";
constexpr auto host_field = "mlship_host";
constexpr auto dirty_field = "mlship_dirty";

Json sha256_set(const Digest& digest) {
  return {{"sha256", digest.hex()}};
}

// in-toto ResourceDescriptor: one of uri, digest or content is required.
Json dependencies(const Provenance& p) {
  if (!p.artifact.empty()) {
    return Json::array({{{"name", p.artifact}, {"digest", sha256_set(p.artifact_digest)}}});
  }
  if (p.commit.empty()) return Json::array();
  Json source{{"digest", {{"gitCommit", p.commit}}}};
  // SPDX download locations write git+https://…; the scp form (git@host:path) has no scheme to extend.
  const bool url = p.remote.find("://") != std::string::npos;
  if (!p.remote.empty()) source["uri"] = (url ? "git+" : "") + printable_url(p.remote);
  return Json::array({source});
}

Json metadata(const Provenance& p) {
  Json out{{user_field, p.user}, {host_field, p.host}, {published_field, rfc3339(p.published)}};
  if (!p.invocation.empty()) out["invocationId"] = printable_url(p.invocation);
  if (p.started != 0) out["startedOn"] = rfc3339(p.started);
  if (p.finished != 0) out["finishedOn"] = rfc3339(p.finished);
  return out;
}

Json placements(const Provenance& p) {
  Json out = Json::array();
  for (const auto& placement : p.placements) {
    out.push_back({{"name", placement.kind},
                   {"downloadLocation", printable_url(placement.where)},
                   {"digest", sha256_set(placement.digest)}});
  }
  return out;
}

// Readers of a statement that may come from anywhere: anything of another shape reads as empty.
const Json& member(const Json& json, std::string_view key) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto found = json.find(key);
  return found == json.end() ? none : *found;
}

std::string text(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}

// RFC 3339 as rfc3339() writes it; 0 for anything else.
std::int64_t seconds(const std::string& when) {
  std::tm utc{};
  const char* end = strptime(when.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return end != nullptr && *end == '\0' ? timegm(&utc) : 0;
}

std::optional<Digest> sha256_of(const Json& resource) {
  return Digest::from_hex(text(member(resource, "digest"), "sha256"));
}

Json read_statement(std::string_view statement) {
  try {
    return parse_json(statement, ErrorCode::bundle, "provenance");
  } catch (const Error&) {
    return {};
  }
}

// A statement that does not say when it was published is younger than any that does.
bool older(const Provenance& a, const Provenance& b) {
  return a.published != 0 && (b.published == 0 || a.published < b.published);
}

bool speaks_of(const Json& statement, const Digest& subject) {
  const Json& subjects = member(statement, "subject");
  if (!subjects.is_array()) return false;
  for (const auto& entry : subjects) {
    if (sha256_of(entry) == subject) return true;
  }
  return false;
}

std::optional<Provenance> from_json(const Json& statement) {
  if (text(statement, "_type") != statement_type || text(statement, "predicateType") != predicate_type) {
    return std::nullopt;
  }
  const Json& predicate = member(statement, "predicate");
  const Json& definition = member(predicate, "buildDefinition");
  const Json& run = member(predicate, "runDetails");
  const Json& meta = member(run, "metadata");
  Provenance p;
  p.builder = text(member(run, "builder"), "id");
  if (p.builder.empty()) return std::nullopt;
  p.invocation = text(meta, "invocationId");
  p.user = text(meta, user_field);
  p.host = text(meta, host_field);
  p.started = seconds(text(meta, "startedOn"));
  p.finished = seconds(text(meta, "finishedOn"));
  p.published = seconds(text(meta, published_field));
  p.dirty = member(member(definition, "internalParameters"), dirty_field) == true;
  const Json& sources = member(definition, "resolvedDependencies");
  if (sources.is_array() && !sources.empty()) {
    p.commit = text(member(sources[0], "digest"), "gitCommit");
    if (text(definition, "buildType") == artifact_type) {
      p.artifact = text(sources[0], "name");
      p.artifact_digest = sha256_of(sources[0]).value_or(Digest());
    }
    const std::string uri = text(sources[0], "uri");
    p.remote = uri.starts_with("git+") ? uri.substr(4) : uri;
  }
  const Json& placed = member(run, "byproducts");
  for (const auto& entry : placed.is_array() ? placed : Json::array()) {
    const auto digest = sha256_of(entry);
    if (digest) p.placements.push_back({text(entry, "name"), text(entry, "downloadLocation"), *digest});
  }
  return p;
}

}  // namespace

std::string provenance_statement(const Provenance& p, const std::string& package, const Digest& subject) {
  Json external{{"package", package}};
  if (!p.remote.empty()) external["repository"] = printable_url(p.remote);
  if (!p.artifact.empty()) external["artifact"] = p.artifact;
  const Json predicate{
      {"buildDefinition",
       {{"buildType", p.artifact.empty() ? build_type : artifact_type},
        {"externalParameters", external},
        {"internalParameters", {{dirty_field, p.dirty}}},
        {"resolvedDependencies", dependencies(p)}}},
      {"runDetails",
       {{"builder", {{"id", p.builder}}}, {"metadata", metadata(p)}, {"byproducts", placements(p)}}}};
  return canonical_json({{"_type", statement_type},
                         {"subject", Json::array({{{"name", package}, {"digest", sha256_set(subject)}}})},
                         {"predicateType", predicate_type},
                         {"predicate", predicate}});
}

std::optional<Provenance> parse_provenance(std::string_view statement) {
  return from_json(read_statement(statement));
}

bool is_provenance(const oci::Descriptor& referrer) {
  const auto predicate = referrer.annotations.find(oci::annotation::predicate_type);
  return referrer.artifact_type == oci::media::in_toto && predicate != referrer.annotations.end() &&
         predicate->second == predicate_type;
}

void put_provenance(Registry& registry, const std::string& package, const oci::Descriptor& subject,
                    const Provenance& provenance) {
  const std::string statement = provenance_statement(provenance, package, subject.digest);
  oci::Manifest manifest;
  manifest.artifact_type = oci::media::in_toto;
  manifest.config = {oci::media::empty, sha256(empty_config), empty_config.size(), {}, ""};
  manifest.layers.push_back({oci::media::in_toto,
                             sha256(statement),
                             statement.size(),
                             {{oci::annotation::predicate_type, predicate_type}},
                             ""});
  manifest.subject = oci::Descriptor{subject.media_type, subject.digest, subject.size, {}, ""};
  manifest.annotations[oci::annotation::predicate_type] = predicate_type;
  registry.put_referrer(package, manifest, {std::string(empty_config), statement});
}

std::optional<Provenance> get_provenance(Registry& registry, const std::string& package,
                                         const Digest& subject, const UnreadableReferrer& unreadable) {
  std::optional<Provenance> oldest;
  const auto read = [&](const Referrer& referrer) {
    const auto manifest = oci::parse_manifest(referrer.manifest, referrer.descriptor.digest.str());
    if (manifest.artifact_type != oci::media::in_toto) return;
    for (const auto& layer : manifest.layers) {
      if (layer.media_type != oci::media::in_toto || layer.size > statement_limit) continue;
      const Json statement = read_statement(registry.read_blob(package, layer));
      // A statement about something else proves nothing here, whatever manifest it hangs on.
      if (!speaks_of(statement, subject)) continue;
      auto found = from_json(statement);
      if (found && (!oldest || older(*found, *oldest))) oldest = std::move(found);
    }
  };
  for (const auto& referrer : registry.referrers(package, subject, unreadable))
    read_referrer(unreadable, [&] { read(referrer); });
  return oldest;
}

}  // namespace mlship
