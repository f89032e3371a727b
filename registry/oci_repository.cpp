#include "registry/oci_repository.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/json_library.h"
#include "registry/blobs.h"

namespace mlship {
namespace {

constexpr std::uint64_t manifest_limit = 8U << 20U;  // bytes; the spec wants registries to take 4 MiB
constexpr int heads_at_once = 8;
// Docker's types are asked for too: docker-registry would otherwise rewrite such a manifest into an old one.
constexpr auto accepted =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json";

std::string media_type_of(const HttpResponse& response) {
  std::string type = response.header("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  return type;
}

std::optional<std::uint64_t> length_of(const HttpResponse& response) {
  const std::string text = response.header("content-length").value_or("");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error other_digest(const std::string& what, const std::string& expected, const std::string& actual) {
  return Error(ErrorCode::verification, "cannot use " + what + ": the registry gave something else")
      .fact("expected", expected)
      .fact("actual", actual);
}

// CVE-2021-41190: one document must not be read as two things.
void check_media_type(const std::string& what, const std::string& said, const Json& json) {
  const auto found = json.is_object() ? json.find("mediaType") : json.end();
  if (!json.is_object() || (json.contains("manifests") && json.contains("layers"))) {
    throw Error(ErrorCode::verification, "cannot use " + what + ": it is neither a manifest nor an index");
  }
  if (found == json.end() || !found->is_string() || found->get<std::string>() == said) return;
  throw Error(ErrorCode::verification,
              "cannot use " + what + ": its media type is not what the registry says")
      .fact("registry", said)
      .fact("document", found->get<std::string>());
}

}  // namespace

OciRepository::OciRepository(OciClient& client, std::string name)
    : client_(client),
      name_(std::move(name)),
      pull_{"repository:" + name_ + ":pull"},
      push_{"repository:" + name_ + ":pull,push"} {}

std::string OciRepository::shown(const std::string& reference) const {
  const char joint = reference.starts_with("sha256:") ? '@' : ':';
  return "oci://" + client_.place().host + "/" + name_ + joint + reference;
}

HttpRequest OciRepository::manifest_request(const std::string& method, const std::string& reference) const {
  HttpRequest request;
  request.method = method;
  request.url = client_.url(name_ + "/manifests/" + reference);
  request.headers.emplace("Accept", accepted);
  request.max_body = manifest_limit;
  return request;
}

std::optional<OciManifest> OciRepository::get(const std::string& reference) {
  const HttpResponse response = client_.send(manifest_request("GET", reference), pull_);
  if (response.status == 404) return std::nullopt;
  if (response.status != 200) throw error(response, "get " + shown(reference));
  OciManifest out{{}, response.body};
  out.descriptor.media_type = media_type_of(response);
  out.descriptor.digest = sha256(out.bytes);
  out.descriptor.size = out.bytes.size();
  const std::string actual = out.descriptor.digest.str();
  if (reference.starts_with("sha256:") && reference != actual)
    throw other_digest(shown(reference), reference, actual);
  const std::string said = response.header("docker-content-digest").value_or(actual);
  if (said.starts_with("sha256:") && said != actual) throw other_digest(shown(reference), said, actual);
  const Json json = parse_json(out.bytes, ErrorCode::bundle, shown(reference));
  check_media_type(shown(reference), out.descriptor.media_type, json);
  const auto type = json.find("artifactType");
  if (type != json.end() && type->is_string()) out.descriptor.artifact_type = type->get<std::string>();
  return out;
}

// A registry that leaves out what it should say about a manifest is asked for the whole.
std::optional<oci::Descriptor> OciRepository::described(const std::string& reference,
                                                        const HttpResponse& response) {
  if (response.status == 404) return std::nullopt;
  if (response.status != 200) throw error(response, "look for " + shown(reference));
  const auto digest = Digest::parse(response.header("docker-content-digest").value_or(""));
  const auto size = length_of(response);
  if (!digest || !size || media_type_of(response).empty()) {
    const auto whole = get(reference);
    return whole ? std::optional(whole->descriptor) : std::nullopt;
  }
  if (reference.starts_with("sha256:") && reference != digest->str())
    throw other_digest(shown(reference), reference, digest->str());
  return oci::Descriptor{media_type_of(response), *digest, *size, {}, ""};
}

std::optional<oci::Descriptor> OciRepository::head(const std::string& reference, std::string* etag) {
  const HttpResponse response = client_.send(manifest_request("HEAD", reference), pull_);
  if (etag != nullptr) *etag = response.header("etag").value_or("");
  return described(reference, response);
}

std::map<std::string, oci::Descriptor> OciRepository::head_all(const std::vector<std::string>& references) {
  std::map<std::string, oci::Descriptor> out;
  std::deque<OciJob> jobs;
  for (const auto& reference : references) {
    jobs.push_back({[this, reference] { return manifest_request("HEAD", reference); }, pull_,
                    [this, reference, &out](const HttpResponse& response) {
                      if (auto found = described(reference, response))
                        out.emplace(reference, std::move(*found));
                    }});
  }
  client_.run(jobs, heads_at_once);
  return out;
}

HttpResponse OciRepository::put(const std::string& reference, std::string_view media_type,
                                const std::string& bytes, const TagCondition& condition) {
  HttpRequest request;
  request.method = "PUT";
  request.url = client_.url(name_ + "/manifests/" + reference);
  request.headers.emplace("Content-Type", media_type);
  if (condition.if_absent) {
    request.headers.emplace("If-None-Match", "*");
    // Repeated late, it could replace what another has written meanwhile where conditions are ignored.
    request.repeatable = false;
  }
  if (!condition.if_still.empty()) request.headers.emplace("If-Match", condition.if_still);
  request.body = bytes;
  request.max_body = manifest_limit;
  return client_.send(request, push_);
}

bool OciRepository::remove(const Digest& manifest) {
  HttpRequest request;
  request.method = "DELETE";
  request.url = client_.url(name_ + "/manifests/" + manifest.str());
  const int status = client_.send(request, {"repository:" + name_ + ":delete,pull,push"}).status;
  return status == 200 || status == 202 || status == 204 || status == 404;
}

std::vector<std::string> OciRepository::tags() {
  std::set<std::string> names;
  const std::string what = "the tags of oci://" + client_.place().host + "/" + name_;
  const auto refused =
      client_.pages(client_.url(name_ + "/tags/list?n=1000"), pull_, {}, [&](const HttpResponse& page) {
        const Json json = parse_json(page.body, ErrorCode::network, what);
        const auto list = json.is_object() ? json.find("tags") : json.end();
        // docker-registry: "tags": null when there are none.
        if (!json.is_object() || list == json.end() || list->is_null()) return;
        for (const auto& tag : *list) {
          if (tag.is_string()) names.insert(tag.get<std::string>());
        }
      });
  if (refused && refused->status != 404) throw error(*refused, "read " + what);
  return {names.begin(), names.end()};
}

std::vector<oci::Descriptor> OciRepository::missing(const std::vector<oci::Descriptor>& blobs) {
  std::vector<oci::Descriptor> out;
  std::deque<OciJob> jobs;
  for (const auto& blob : blobs) {
    const auto make = [this, &blob] {
      HttpRequest request;
      request.method = "HEAD";
      request.url = client_.url(name_ + "/blobs/" + blob.digest.str());
      return request;
    };
    jobs.push_back({make, pull_, [this, &blob, &out](const HttpResponse& response) {
                      if (response.status == 200 && length_of(response).value_or(blob.size) == blob.size)
                        return;
                      if (response.status != 200 && response.status != 404)
                        throw error(response, "look for the blob " + blob.digest.str());
                      out.push_back(blob);
                    }});
  }
  client_.run(jobs, heads_at_once);
  return out;
}

void OciRepository::get_blob(const oci::Descriptor& blob, const std::function<void(std::string_view)>& sink,
                             const std::function<void()>& restart) {
  const std::string what = "oci://" + client_.place().host + "/" + name_ + "@" + blob.digest.str();
  Sha256 hasher;
  std::uint64_t size = 0;
  HttpRequest request;
  request.url = client_.url(name_ + "/blobs/" + blob.digest.str());
  request.max_body = 1U << 20U;  // of an answer that is no blob
  request.sink = [&](std::string_view data) {
    size += data.size();
    if (size > blob.size) throw damaged_blob(blob, what, "more than that", size);
    hasher.update(data);
    sink(data);
  };
  request.restart = [&] {
    (void)hasher.finish();
    size = 0;
    restart();
  };
  const HttpResponse response = client_.send(request, pull_);
  if (response.status == 404) {
    throw Error(ErrorCode::not_found, "cannot get the blob " + blob.digest.str() + " from " +
                                          client_.place().shown + ": it is not there");
  }
  if (response.status != 200) throw error(response, "get " + what);
  const Digest actual = hasher.finish();
  if (actual != blob.digest || size != blob.size) throw damaged_blob(blob, what, actual.str(), size);
}

}  // namespace mlship
