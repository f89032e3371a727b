// HTTP over libcurl (loaded on first use): connection reuse, parallel transfers, retries by a pure policy,
// redirects that drop credentials off-origin, proxies and CA settings from the environment, timeouts on stall
// and not on total.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/secret.h"

namespace mlship {

class Env;
class Clock;

struct Credentials {
  std::string user;
  Secret password;
};

// A request body that is not in memory.
struct HttpBody {
  std::uint64_t size = 0;  // bytes
  // Copies at most `room` bytes from `offset` on to `data` and tells how many. Every try begins at offset 0
  // again; what it throws ends the run.
  std::function<size_t(std::uint64_t offset, char* data, size_t room)> read;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https; plain http only to loopback unless plain_http
  std::multimap<std::string, std::string> headers;
  std::string body;
  std::optional<HttpBody> stream;    // instead of `body`
  std::optional<Credentials> basic;  // sent to the URL's own origin (scheme, host, port) only
  bool plain_http = false;
  std::string ca_file;  // PEM file of the authorities to trust; "" = SSL_CERT_FILE, else the system's
  bool follow = true;   // redirects; false for a body that is a secret: the redirect is the answer then
  // May the request arrive twice? nullopt: as its method says (GET, HEAD, PUT, DELETE may). False also asks
  // for a connection of its own.
  std::optional<bool> repeatable;
  // It is sent one time, over kept connections too: who asked finds out what came of it. `repeatable` then
  // says nothing.
  bool once = false;
  // Asked while the answer is awaited: true ends the wait a few seconds later, as Error(network).
  std::function<bool()> abandon;
  // Receives the body of a 2xx answer; when absent the body is collected, max_body bytes at most.
  std::function<void(std::string_view)> sink;
  // Called before each try after the first that starts at byte 0 again: drop what the sink got so far.
  std::function<void()> restart;
  std::uint64_t max_body = 64U << 20U;  // bytes; a larger body is Error(network)
};

struct HttpResponse {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;                                 // empty when a sink took it
  std::string url;                                  // after redirects
  [[nodiscard]] std::optional<std::string> header(std::string_view lower_name) const;
};

// One outcome of one try, and what to do next. Pure; the table of cases is in
// tests/unit/core/http_retry_test.cpp.
struct RetryInput {
  int attempt = 1;         // tries made so far
  int status = 0;          // 0: no answer
  bool transient = false;  // no answer for a reason that may pass (refused, reset, timeout, DNS)
  bool idempotent = true;  // GET, HEAD, PUT, DELETE
  std::optional<std::chrono::seconds> retry_after;
  std::chrono::milliseconds spent{0};
  double jitter = 0.5;  // 0..1, given by the caller
};
struct RetryPolicy {
  int max_attempts = 5;
  std::chrono::milliseconds first{250};
  std::chrono::milliseconds longest{20'000};
  std::chrono::milliseconds budget{300'000};
};
// The pause before the next try; nullopt: give up.
std::optional<std::chrono::milliseconds> retry_pause(const RetryInput& input, const RetryPolicy& policy);

struct Transfer {
  HttpRequest request;
  std::function<void(HttpResponse)> done;  // any status; called on the thread that called run()
  // No answer, retries spent: called instead of throwing. What a sink or a body throws is always thrown.
  std::function<void(const Error&)> failed = {};
};
// Asked whenever there is room for one more; nullopt: none is ready now.
using NextTransfer = std::function<std::optional<Transfer>()>;

class Http {
 public:
  virtual ~Http() = default;
  // One exchange, retried by the policy. Returns any final status; throws Error(network|tls) when there is
  // none.
  virtual HttpResponse send(const HttpRequest& request) = 0;
  // All of them, at most `parallel` at a time over reused connections; the first Error stops the rest and is
  // thrown.
  virtual void run(std::vector<Transfer> transfers, int parallel) = 0;
  // As run(), for transfers that are made when their turn comes; ends when none is ready and none is under
  // way. The default sends one after the other.
  virtual void drive(const NextTransfer& next, int parallel);
  // A client of its own, for another thread, that retries as `retry` says; null: this one may be used by
  // several threads as it is.
  virtual std::unique_ptr<Http> another(const RetryPolicy& retry);
};

// A URL as the transfers read it: what is decided about a host must not rest on another reading.
struct UrlParts {
  std::string text;                // without userinfo and fragment
  std::string scheme, host, port;  // lower case; the default port is filled in
  bool userinfo = false;           // it had one
  bool loopback = false;
  [[nodiscard]] std::string origin() const { return scheme + "://" + host + ":" + port; }
};
// `reference` as seen from `base` ("": it stands alone; RFC 3986 §5). nullopt: not an http or https URL.
std::optional<UrlParts> read_url(const std::string& base, const std::string& reference);

// An HTTP-date (RFC 9110 §5.6.7) as seconds since the epoch.
std::optional<std::int64_t> read_http_date(std::string_view value);

// Retry-After as seconds or as an HTTP-date (RFC 9110 §10.2.3), from `now` (seconds since the epoch) on.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::int64_t now);

struct HttpOptions {
  RetryPolicy retry;
  std::chrono::milliseconds connect_timeout{30'000};  // name look-up, connection and TLS
  std::chrono::milliseconds stall_timeout{60'000};  // not one byte either way; there is no limit on the total
  // After the last byte of a request body: registries take minutes to commit a large blob.
  std::chrono::milliseconds answer_timeout{600'000};
  int max_redirects = 10;
};

// Reads HTTPS_PROXY, http_proxy, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR of env. Both must
// outlive the result, which is used by one thread; a Transfer's `done` may send requests of its own.
std::unique_ptr<Http> curl_http(const Env& env, Clock& clock, const HttpOptions& options = {});

// The Error for a status that is not 2xx: 401 unauthorized, 403 forbidden, 404 not_found, 409, 412, 429, 5xx
// … Only 404 and 410 mean absent. `doing` is "fetch https://index.test/simple/numpy/".
Error http_error(const HttpResponse& response, std::string_view doing);

}  // namespace mlship
