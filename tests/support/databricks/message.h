// What travels between a client and the test workspace, free of sockets: requests, replies, refusals.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"
#include "core/json_library.h"

namespace mlship::testing::dbx {

using Headers = std::multimap<std::string, std::string>;  // names in lower case

struct Request {
  std::string method;
  std::string path;                          // percent-decoded, begins with `/`
  std::map<std::string, std::string> query;  // decoded
  Headers headers;
  std::string body;
  int connection = 0;  // the number of the connection it came over; 0: none

  [[nodiscard]] std::string header(const std::string& name) const;  // "" when absent
  [[nodiscard]] std::string parameter(const std::string& name, const std::string& otherwise = "") const;
};
// `target` is what stands in the request line: path and query, still encoded.
Request make_request(std::string method, std::string_view target, Headers headers = {},
                     std::string body = "");
std::map<std::string, std::string> read_form(std::string_view text);  // a=b&c=d, decoded

// What becomes of the connection instead of an answer.
enum class Cut { none, drop, kill };

struct Reply {
  int status = 200;
  Headers headers;
  std::string body;
  std::chrono::milliseconds delay{0};  // before the answer; the caller waits, nothing here sleeps
  Cut cut = Cut::none;                 // drop: close without an answer; kill: end the client first
  std::int64_t kill_pid = 0;           // 0: the process the server was told of
};
Reply json_reply(const Json& body, int status = 200);

// Thrown by a handler: the service says no.
struct Refusal {
  int status = 400;
  std::string code;  // RESOURCE_DOES_NOT_EXIST
  std::string message;
};

// The forms in which the service and what stands before it say no.
enum class ErrorForm { json, json_number, legacy, scim, text, html, empty, redirect };
std::optional<ErrorForm> parse_error_form(std::string_view word);
Reply refusal_reply(const Refusal& refusal, ErrorForm form);

}  // namespace mlship::testing::dbx
