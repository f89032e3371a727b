#include "tests/support/databricks/workspace_http.h"

#include <algorithm>
#include <cctype>

#include "core/base64.h"
#include "core/host/clock.h"

namespace mlship::testing::dbx {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string target_of(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return slash == std::string::npos ? "/" : url.substr(slash);
}

std::string body_of(const HttpRequest& request) {
  if (!request.stream) return request.body;
  std::string body(request.stream->size, '\0');
  for (size_t at = 0; at < body.size();) {
    const size_t got = request.stream->read(at, body.data() + at, body.size() - at);
    if (got == 0) throw Error(ErrorCode::internal, "a request body ended early");
    at += got;
  }
  return body;
}

Request request_of(const HttpRequest& from, int connection) {
  Headers headers;
  for (const auto& [name, value] : from.headers) headers.emplace(lower(name), value);
  if (from.basic) {
    headers.emplace("authorization",
                    "Basic " + base64_encode(from.basic->user + ":" + from.basic->password.reveal()));
  }
  Request request = make_request(from.method, target_of(from.url), std::move(headers), body_of(from));
  request.connection = connection;
  return request;
}

HttpResponse response_of(const HttpRequest& request, Reply reply) {
  HttpResponse response;
  response.status = reply.status;
  response.headers = std::move(reply.headers);
  response.url = request.url;
  const bool good = reply.status >= 200 && reply.status < 300;
  if (good && request.sink) {
    request.sink(reply.body);
  } else {
    response.body = std::move(reply.body);
  }
  return response;
}

bool may_repeat(const HttpRequest& request) {
  const std::string& m = request.method;
  return request.repeatable.value_or(m == "GET" || m == "HEAD" || m == "PUT" || m == "DELETE");
}

}  // namespace

WorkspaceHttp::WorkspaceHttp(Workspace& workspace, Clock* clock, const RetryPolicy& retry)
    : workspace_(workspace), clock_(clock), retry_(retry), connection_(workspace.new_connection()) {}

void WorkspaceHttp::sleep(std::chrono::milliseconds duration) {
  if (clock_ != nullptr && duration.count() > 0) clock_->sleep(duration);
}

HttpResponse WorkspaceHttp::send(const HttpRequest& request) {
  const Request asked = request_of(request, connection_);
  for (RetryInput input;; ++input.attempt) {
    Reply reply = workspace_.handle(asked);
    sleep(reply.delay);
    if (reply.cut == Cut::kill) throw ClientKilled{};
    input.status = reply.cut == Cut::none ? reply.status : 0;
    input.transient = reply.cut != Cut::none;
    input.idempotent = may_repeat(request);
    input.retry_after.reset();
    if (const auto after = reply.headers.find("retry-after"); after != reply.headers.end()) {
      input.retry_after = parse_retry_after(after->second, 0);
    }
    const auto pause = retry_pause(input, retry_);
    if (pause) {
      sleep(*pause);
      input.spent += *pause;
    } else if (reply.cut != Cut::none) {
      throw Error(ErrorCode::network, "cannot reach " + request.url + ": the server closed the connection");
    } else {
      return response_of(request, std::move(reply));
    }
  }
}

void WorkspaceHttp::run(std::vector<Transfer> transfers, int parallel) {
  size_t at = 0;
  drive(
      [&]() -> std::optional<Transfer> {
        if (at == transfers.size()) return std::nullopt;
        return std::move(transfers[at++]);
      },
      parallel);
}

}  // namespace mlship::testing::dbx
