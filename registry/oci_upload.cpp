#include "registry/oci_upload.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/error.h"
#include "core/host/http_body.h"
#include "registry/blobs.h"

namespace mlship {
namespace {

constexpr int side_by_side = 4;
constexpr int rounds = 4;                           // of a whole blob
constexpr std::uint64_t chunk_size = 32U << 20U;    // bytes; the registry may ask for more
constexpr std::uint64_t longest_chunk = 1U << 30U;  // bytes

std::uint64_t number(const std::string& text, std::uint64_t fallback) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : fallback;
}

std::string with_digest(const UrlParts& location, const Digest& digest) {
  const char joint = location.text.find('?') == std::string::npos ? '?' : '&';
  return location.text + joint + "digest=sha256%3A" + digest.hex();
}

}  // namespace

OciUpload::OciUpload(OciClient& client, std::string repository, std::function<void(std::int64_t)> sent)
    : client_(client),
      repository_(std::move(repository)),
      sent_(std::move(sent)),
      scopes_{"repository:" + repository_ + ":pull,push"} {}

std::string OciUpload::doing(const Job& job) const {
  return "upload the blob " + job.source.blob.digest.str() + " to " + client_.place().shown;
}

HttpRequest OciUpload::session(const std::string& query) const {
  HttpRequest request;
  request.method = "POST";
  request.url = client_.url(repository_ + "/blobs/uploads/" + query);
  request.repeatable = true;  // at worst a session that nobody uses
  request.max_body = 1U << 20U;
  return request;
}

HttpBody OciUpload::body(const Job& job) const {
  const auto& [blob, file, content] = job.source;
  HttpBody out;
  if (file.empty()) {
    const std::string bytes = content;
    out = {bytes.size(),
           [bytes](std::uint64_t offset, char* data, size_t room) { return bytes.copy(data, room, offset); }};
  } else {
    out = file_body(file, blob.digest, blob.size,
                    [blob = blob, file = file](const std::string& actual, std::uint64_t size) {
                      return damaged_blob(blob, file.string(), actual, size);
                    });
  }
  if (!sent_) return out;
  const auto done = std::make_shared<std::int64_t>(0);
  out.read = [read = out.read, done, sent = sent_](std::uint64_t offset, char* data, size_t room) {
    if (offset == 0 && *done > 0) sent(-std::exchange(*done, 0));
    const size_t got = read(offset, data, room);
    *done += static_cast<std::int64_t>(got);
    sent(static_cast<std::int64_t>(got));
    return got;
  };
  return out;
}

HttpRequest OciUpload::whole(const Job& job, const std::string& location) const {
  HttpRequest request;
  request.method = "PUT";
  request.url = location;
  request.headers.emplace("Content-Type", "application/octet-stream");
  request.stream = body(job);
  // A session that has had some of the bytes appends the next ones: only a new one can be tried.
  request.repeatable = false;
  request.max_body = 1U << 20U;
  return request;
}

bool OciUpload::mount(const oci::Descriptor& blob, const std::string& from) {
  Scopes scopes = scopes_;
  scopes.push_back("repository:" + from + ":pull");
  const auto response =
      client_.send(session("?mount=sha256%3A" + blob.digest.hex() + "&from=" + from), scopes);
  // 202 is an upload session instead (distribution-spec §Mounting); the registry forgets it.
  return response.status == 201;
}

void OciUpload::put(std::vector<OciBlob> blobs) {
  std::vector<JobPtr> jobs;
  jobs.reserve(blobs.size());
  for (auto& blob : blobs) jobs.push_back(std::make_shared<Job>(Job{std::move(blob), false, ""}));
  round(jobs, side_by_side);
  for (int number = 1; number < rounds && !failed_.empty(); ++number) {
    RetryInput input;
    input.attempt = number;
    input.status = 503;
    const auto pause = retry_pause(input, RetryPolicy{});
    if (pause) client_.host().clock.sleep(*pause);
    round(std::exchange(failed_, {}), 1);
  }
  if (failed_.empty()) return;
  const Job& job = *failed_.front();
  throw Error(ErrorCode::network, "cannot " + doing(job) + ": " + job.why)
      .fact("tries", std::to_string(rounds))
      .hint("run the command again; what has arrived is not sent twice");
}

void OciUpload::round(const std::vector<JobPtr>& jobs, int parallel) {
  std::deque<OciJob> queue;
  for (const auto& job : jobs) {
    if (job->chunked) {
      put_chunked(*job);
      if (!job->why.empty()) failed_.push_back(job);
    } else {
      start(queue, job);
    }
  }
  client_.run(queue, parallel);
}

void OciUpload::start(std::deque<OciJob>& queue, const JobPtr& job) {
  queue.push_back({[this] { return session(""); }, scopes_,
                   [this, &queue, job](const HttpResponse& response) { opened(queue, job, response); }});
}

void OciUpload::opened(std::deque<OciJob>& queue, const JobPtr& job, const HttpResponse& response) {
  if (response.status != 202) throw client_.error(response, doing(*job));
  const std::string url = with_digest(client_.location(response, "location"), job->source.blob.digest);
  // Before the sessions that are still to be opened: none waits longer than it must.
  queue.push_front({[this, job, url] { return whole(*job, url); }, scopes_,
                    [this, job](const HttpResponse& answer) { finished(job, answer); },
                    [this, job](const Error& error) {
                      job->why = error.message();
                      failed_.push_back(job);
                    }});
}

void OciUpload::finished(const JobPtr& job, const HttpResponse& response) {
  const auto& digest = job->source.blob.digest;
  if (response.status == 201) {
    const auto said = response.header("docker-content-digest");
    if (!said || !said->starts_with("sha256:") || *said == digest.str()) return;
    throw Error(ErrorCode::verification, "cannot " + doing(*job) + ": it was stored under another digest")
        .fact("expected", digest.str())
        .fact("actual", *said);
  }
  if (response.status == 401 || response.status == 403) throw client_.error(response, doing(*job));
  job->chunked = response.status == 413;
  job->why = "the server answered HTTP " + std::to_string(response.status);
  failed_.push_back(job);
}

// In order, each to the newest Location (distribution-spec §Pushing a blob in chunks). docker-registry
// ignores Content-Range, so what it says it has is checked after every chunk, and the digest at the end.
void OciUpload::put_chunked(Job& job) {
  const auto& blob = job.source.blob;
  job.why.clear();
  HttpResponse response = client_.send(session(""), scopes_);
  if (response.status != 202) throw client_.error(response, doing(job));
  const auto least = number(response.header("oci-chunk-min-length").value_or(""), 0);
  const std::uint64_t step = std::clamp(least, chunk_size, longest_chunk);
  for (std::uint64_t at = 0; at < blob.size; at += step) {
    const std::uint64_t size = std::min(step, blob.size - at);
    HttpRequest request;
    request.method = "PATCH";
    request.url = client_.location(response, "location").text;
    request.repeatable = false;
    request.headers.emplace("Content-Type", "application/octet-stream");
    request.headers.emplace("Content-Range", std::to_string(at) + "-" + std::to_string(at + size - 1));
    if (job.source.file.empty()) {
      request.body = job.source.content.substr(at, size);
    } else {
      request.stream = file_part(job.source.file, at, size);
    }
    response = client_.send(request, scopes_);
    const std::string has = "0-" + std::to_string(at + size - 1);
    if (response.status != 202 || response.header("range").value_or(has) != has) {
      job.why = "a chunk of it was not taken (HTTP " + std::to_string(response.status) + ")";
      return;
    }
    if (sent_) sent_(static_cast<std::int64_t>(size));
  }
  HttpRequest last;
  last.method = "PUT";
  last.url = with_digest(client_.location(response, "location"), blob.digest);
  last.repeatable = false;
  response = client_.send(last, scopes_);
  if (response.status == 201) return;
  if (!job.source.file.empty()) {
    const Digest actual = fs::hash_file(job.source.file);
    if (actual != blob.digest)
      throw damaged_blob(blob, job.source.file.string(), actual.str(), fs::stat(job.source.file)->size);
  }
  job.why = "the server answered HTTP " + std::to_string(response.status);
}

}  // namespace mlship
