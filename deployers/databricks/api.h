// The REST API of one workspace: authentication, retries, pace and errors, so that the rest sees documents.
// Used by several threads at once; each call in flight has a connection of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "core/host/host.h"
#include "core/json.h"
#include "core/json_library.h"
#include "core/project.h"
#include "deployers/databricks/login.h"
#include "deployers/databricks/pacer.h"

namespace mlship::databricks {

using Query = std::vector<std::pair<std::string, std::string>>;

// May a call be sent again? `reread`: it writes what was made of a reading, so that every failure, 429 too,
// is the caller's, who reads again first. `once`: on a connection of its own, and again only after a 429.
enum class Repeat { any, reread, once };

struct Call {
  std::string method = "GET";
  std::string path;  // "/api/2.2/jobs/get"
  Query query = {};
  Json body = {};                       // sent as JSON unless null
  std::optional<HttpBody> stream = {};  // sent as it is
  std::string raw = {};                 // sent as it is, when there is no stream and no body
  Repeat repeat = Repeat::any;
  // With `reread`: when what it was made of was read (monotonic). It goes at once then, in the turn that the
  // caller took before the reading, or not at all: NotSent.
  std::optional<std::chrono::milliseconds> read_at = {};
  std::string doing = {};                           // "read job 17", for messages: "cannot read job 17: …"
  std::function<void(std::string_view)> sink = {};  // receives the body of a 2xx answer
  std::function<void()> restart = {};               // the sink's bytes so far are void
};

// A write that did not leave: the run is stopped, the service asked to slow down, or the reading is too old.
struct NotSent {
  bool stopped = false;
};

class Api {
 public:
  Api(TargetSection section, Host& host);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // The document answered; null for an empty body. Throws Error: unauthorized, forbidden, not_found (also
  // where the service says 400 and means it), http_conflict, http_precondition, rate_limited, server_error,
  // network, tls; `databricks` of the facts is the service's own code and words.
  Json call(const Call& call);
  // Waits until something may be sent. A write takes its turn before the reading that it is made of, so that
  // nothing waits between the two.
  void take_turn();
  // What ends waits: Error(interrupted) then.
  void heed(std::function<bool()> stop) { stop_ = std::move(stop); }
  void pause(std::chrono::milliseconds duration);
  // The same, with the status and headers.
  HttpResponse exchange(const Call& call);

  // Calls in flight at most, connections too.
  static constexpr size_t most_in_flight = 10;
  // "https://adb-1.net"; throws as find_login() does.
  const std::string& host();
  const Login& login();
  [[nodiscard]] Clock& clock() const { return host_.clock; }
  // How far the workspace's clock is ahead of ours, by the Date of its last answer (RFC 9110 §6.6.1).
  [[nodiscard]] std::int64_t seconds_ahead() const { return ahead_.load(); }

 private:
  class Connection;
  void wait_for_turn();
  void look_before_write(const Call& call) const;
  [[nodiscard]] std::chrono::milliseconds asked_for(
      const HttpResponse& response) const;  // Retry-After; 0: none
  HttpResponse one_try(const Call& call);
  [[nodiscard]] Error refusal(const HttpResponse& response, const std::string& doing);
  std::string authorization();
  void renew();
  std::string url(const Call& call);

  TargetSection section_;
  Host& host_;
  Pacer pacer_;
  std::function<bool()> stop_;
  std::atomic<std::int64_t> ahead_ = 0;
  std::atomic<bool> answered_ =
      false;  // once: before that, no answer means a wrong address rather than bad luck
  std::counting_semaphore<most_in_flight> connections_{most_in_flight};
  std::mutex mutex_;  // of what is below
  std::optional<Login> login_;
  std::vector<std::unique_ptr<Http>> idle_;
  Secret bearer_;                              // OAuth
  std::chrono::milliseconds bearer_until_{0};  // monotonic
};

// Pauses that grow, within the retry budget of one call.
class Patience {
 public:
  explicit Patience(Api& api) : api_(api), begun_(api.clock().monotonic()) {}
  [[nodiscard]] bool spent() const;
  void wait();

 private:
  Api& api_;
  std::chrono::milliseconds begun_, pause_{250};
};

// The code and words of an error in any of the service's forms; "" for what says neither.
struct Complaint {
  std::string code;  // "INVALID_PARAMETER_VALUE", "400" where it is a number
  std::string message;
};
Complaint read_complaint(const HttpResponse& response);
// A conflict that passes: something else is under way on the object. One with what is there does not.
bool says_not_now(const HttpResponse& response);
// A web page where there should be an answer, whatever its status: of a proxy, or one to log in at.
bool is_page(const HttpResponse& response);
Error page_error(const HttpResponse& response, const std::string& doing);
// The Error of an answer that is not 2xx.
Error api_error(const HttpResponse& response, const std::string& doing);

// Percent-encoded for one segment of a path (`slash`: segments stay apart) or a query.
std::string url_encoded(std::string_view text, bool slash = false);

}  // namespace mlship::databricks
