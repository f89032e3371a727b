#include <algorithm>
#include <array>

#include "core/host/http.h"

namespace mlship {
namespace {

struct StatusError {
  int status;
  ErrorCode code;
  std::string_view cause;
  std::string_view hint;
};
constexpr auto errors = std::to_array<StatusError>({
    {401, ErrorCode::unauthorized, "the server wants other credentials (HTTP 401)",
     "add the user and password of this host to ~/.netrc"},
    {403, ErrorCode::forbidden, "the credentials do not allow it (HTTP 403)",
     "ask the owner of the server for access"},
    {404, ErrorCode::not_found, "it is not there (HTTP 404)", ""},
    {407, ErrorCode::unauthorized, "the proxy wants credentials (HTTP 407)",
     "put the user and password into HTTPS_PROXY"},
    {409, ErrorCode::http_conflict, "it conflicts with what is there (HTTP 409)", ""},
    {410, ErrorCode::not_found, "it is gone (HTTP 410)", ""},
    {412, ErrorCode::http_precondition, "somebody changed it meanwhile (HTTP 412)", "run the command again"},
    {429, ErrorCode::rate_limited, "too many requests (HTTP 429), retries spent",
     "run the command again later"},
});

// What the server says in its own words, one short line; control characters would reach a terminal.
std::string first_words(const HttpResponse& response) {
  const std::string type = response.header("content-type").value_or("");
  if (!type.starts_with("text/plain") && type.find("json") == std::string::npos) return "";
  std::string out;
  for (const char c : response.body.substr(0, 200))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

StatusError row_for(int status) {
  const auto row =
      std::find_if(errors.begin(), errors.end(), [&](const StatusError& r) { return r.status == status; });
  if (row != errors.end()) return *row;
  if (status >= 500) return {status, ErrorCode::server_error, "", "run the command again later"};
  return {status, ErrorCode::network, "", ""};
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view lower_name) const {
  const auto found = headers.find(std::string(lower_name));
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

Error http_error(const HttpResponse& response, std::string_view doing) {
  const StatusError row = row_for(response.status);
  const std::string cause = row.cause.empty()
                                ? "the server answered HTTP " + std::to_string(response.status) +
                                      (row.code == ErrorCode::server_error ? ", retries spent" : "")
                                : std::string(row.cause);
  const std::string words = first_words(response);
  Error error = Error(row.code, "cannot " + std::string(doing) + ": " + cause).hint(std::string(row.hint));
  return words.empty() ? std::move(error) : std::move(error).fact("answer", words);
}

}  // namespace mlship
