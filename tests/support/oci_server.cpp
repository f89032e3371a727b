#include "tests/support/oci_server.h"

#include "core/digest.h"
#include "core/json.h"
#include "core/json_library.h"

namespace mlship::testing {
namespace {

// What follows `word` in the path, without the query.
std::optional<std::string> after(const std::string& target, const std::string& word) {
  const size_t at = target.find(word);
  if (at == std::string::npos) return std::nullopt;
  return target.substr(at + word.size(), target.find('?', at) - at - word.size());
}

Reply unknown(const std::string& code) {
  return reply(404, R"({"errors":[{"code":")" + code + "\"}]}", "Content-Type: application/json\r\n");
}

}  // namespace

Reply headless(Reply answer) {
  answer.bytes.erase(answer.bytes.find("\r\n\r\n") + 4);
  return answer;
}

std::vector<std::string> OciServer::lines() const {
  std::vector<std::string> out;
  for (const auto& request : requests()) out.push_back(request.method + " " + request.target);
  return out;
}

std::vector<std::string> OciServer::names() const {
  std::vector<std::string> out;
  for (const auto& [tag, digest] : tags) {
    if (!tag.starts_with("mlship-claim-") && !tag.starts_with("sha256-")) out.push_back(tag);
  }
  return out;
}

Reply OciServer::honest(const WireRequest& request) {
  const auto& target = request.target;
  if (!authorization.empty() &&
      (!request.has("authorization") || request.headers.at("authorization") != authorization))
    return reply(401, "", "WWW-Authenticate: Basic realm=\"test\"\r\n");
  if (target == "/v2/") return reply(200, "{}");
  if (after(target, "/referrers/")) return reply(404, "404 page not found\n");
  if (after(target, "/tags/list")) {
    Json list = Json::array();
    for (const auto& [tag, digest] : tags) list.push_back(tag);
    return tags.empty() ? unknown("NAME_UNKNOWN")
                        : reply(200, Json{{"name", "ml/churn"}, {"tags", list}}.dump());
  }
  if (const auto session = after(target, "/blobs/uploads/")) return upload(request, *session);
  if (const auto digest = after(target, "/blobs/")) return blob(request, *digest);
  if (const auto reference = after(target, "/manifests/")) return manifest(request, *reference);
  return unknown("UNSUPPORTED");
}

Reply OciServer::manifest(const WireRequest& request, const std::string& reference) {
  if (request.method == "PUT") return put_manifest(request, reference);
  const auto tag = tags.find(reference);
  const auto found = manifests.find(tag == tags.end() ? reference : tag->second);
  if (found == manifests.end()) return unknown("MANIFEST_UNKNOWN");
  if (request.method == "DELETE") {
    const std::string digest = found->first;
    std::erase_if(tags, [&](const auto& row) { return row.second == digest; });
    manifests.erase(found);
    return reply(202);
  }
  const auto answer = reply(
      200, found->second.bytes,
      "Content-Type: " + found->second.media_type + "\r\nDocker-Content-Digest: " + found->first + "\r\n");
  return request.method == "HEAD" ? headless(answer) : answer;
}

Reply OciServer::put_manifest(const WireRequest& request, const std::string& reference) {
  const Json json = Json::parse(request.body);
  if (json.contains("layers")) {
    auto needed = json["layers"];
    needed.push_back(json["config"]);
    for (const auto& layer : needed) {
      if (!blobs.contains(layer["digest"])) return unknown("MANIFEST_BLOB_UNKNOWN");
    }
  }
  const std::string digest = sha256(request.body).str();
  manifests[digest] = {request.body, request.headers.at("content-type")};
  if (reference != digest) tags[reference] = digest;
  return reply(201, "", "Docker-Content-Digest: " + digest + "\r\nLocation: /there\r\n");
}

Reply OciServer::blob(const WireRequest& request, const std::string& digest) {
  const auto found = blobs.find(digest);
  if (found == blobs.end()) return unknown("BLOB_UNKNOWN");
  const auto answer = reply(200, found->second, "Docker-Content-Digest: " + digest + "\r\n");
  return request.method == "HEAD" ? headless(answer) : answer;
}

Reply OciServer::upload(const WireRequest& request, const std::string& session) {
  const auto at = [&](const std::string& id) {
    return "Location: /v2/ml/churn/blobs/uploads/" + id + "?state=x\r\n";
  };
  if (request.method == "POST") {
    const std::string id = std::to_string(++next_session_);
    sessions_[id] = "";
    return reply(202, "", at(id));
  }
  auto& bytes = sessions_[session];
  bytes += request.body;
  if (request.method == "PATCH")
    return reply(202, "", at(session) + "Range: 0-" + std::to_string(bytes.size() - 1) + "\r\n");
  const std::string digest = sha256(bytes).str();
  if (request.target.find("digest=sha256%3A" + digest.substr(7)) == std::string::npos)
    return reply(400, R"({"errors":[{"code":"DIGEST_INVALID"}]})", "Content-Type: application/json\r\n");
  blobs[digest] = bytes;
  return reply(201, "", "Docker-Content-Digest: " + digest + "\r\nLocation: /there\r\n");
}

}  // namespace mlship::testing
