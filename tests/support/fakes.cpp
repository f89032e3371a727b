#include "tests/support/fakes.h"

#include <utility>

#include "core/error.h"

namespace mlship::testing {

ScriptedHttp& ScriptedHttp::on(const std::string& method, const std::string& url, HttpResponse response) {
  if (response.url.empty()) response.url = url;
  answers_[method + " " + url].push_back({std::move(response), false});
  return *this;
}

ScriptedHttp& ScriptedHttp::on(const std::string& method, const std::string& url, int status,
                               std::string body, std::multimap<std::string, std::string> headers) {
  return on(method, url, {status, std::move(headers), std::move(body), url});
}

ScriptedHttp& ScriptedHttp::unreachable(const std::string& method, const std::string& url) {
  answers_[method + " " + url].push_back({{}, true});
  return *this;
}

HttpResponse ScriptedHttp::send(const HttpRequest& request) {
  requests.push_back(request);
  const std::string line = request.method + " " + request.url;
  const auto found = answers_.find(line);
  if (found == answers_.end()) throw Error(ErrorCode::internal, "nobody scripted " + line);
  Answer answer = found->second.front();
  if (found->second.size() > 1) found->second.pop_front();
  if (answer.unreachable) {
    throw Error(ErrorCode::network, "cannot reach " + printable_url(request.url) + ": connection refused");
  }
  HttpResponse& response = answer.response;
  const bool good = response.status >= 200 && response.status <= 299;
  if (good && request.sink) {
    request.sink(response.body);
    response.body.clear();
  } else if (good && response.body.size() > request.max_body) {
    throw Error(ErrorCode::network, "cannot fetch " + printable_url(request.url) +
                                        ": the answer is larger than " + std::to_string(request.max_body) +
                                        " bytes");
  }
  return response;
}

void ScriptedHttp::run(std::vector<Transfer> transfers, int /*parallel*/) {
  for (const auto& transfer : transfers) transfer.done(send(transfer.request));
}

std::vector<std::string> ScriptedHttp::lines() const {
  std::vector<std::string> out;
  for (const auto& request : requests) out.push_back(request.method + " " + request.url);
  return out;
}

}  // namespace mlship::testing
