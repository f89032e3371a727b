// An Http that answers from a Workspace in the same process: retries and errors as curl_http() has them, no
// sockets, no waiting. One may be used by several threads.
#pragma once

#include <mutex>

#include "core/host/http.h"
#include "tests/support/databricks/workspace.h"

namespace mlship {
class Clock;
}

namespace mlship::testing::dbx {

// Thrown by WorkspaceHttp where the real client would be dead: nothing between it and the test may catch it.
struct ClientKilled {};

class WorkspaceHttp : public Http {
 public:
  // `clock`, when given, is made to sleep for answers that come late and between tries. Both must outlive
  // this.
  explicit WorkspaceHttp(Workspace& workspace, Clock* clock = nullptr, const RetryPolicy& retry = {});

  HttpResponse send(const HttpRequest& request) override;
  void run(std::vector<Transfer> transfers, int parallel) override;

 private:
  void sleep(std::chrono::milliseconds duration);

  Workspace& workspace_;
  Clock* clock_;
  RetryPolicy retry_;
  int connection_;
};

}  // namespace mlship::testing::dbx
