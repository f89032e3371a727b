// A Databricks workspace in memory: the documented API with its quirks, faults on the way, a rate limit, a
// log of requests and somebody else who edits. Free of sockets; every member may be called from any thread.
//
//   Workspace workspace;
//   workspace.edit([](State& state) { state.put_job({{"job_id", 7}, {"settings", {{"name", "etl"}}}}); });
//   WorkspaceHttp http(workspace);            // workspace_http.h: hand it to what is under test
//   workspace.add_fault({.kind = "drop-after", .request = 3});
//   EXPECT_EQ(workspace.counts()["POST /api/2.2/jobs/update"], 1);
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/databricks/faults.h"
#include "tests/support/databricks/state.h"
#include "tests/support/databricks/writer.h"

namespace mlship::testing::dbx {

// A bucket of tokens: `burst` requests at once, `per_second` in the long run, 429 beyond.
struct RateLimit {
  double per_second = 0;  // 0: none
  double burst = 1;
  std::int64_t retry_after = -1;  // seconds in the 429; -1: no such header
};

struct LogEntry {
  std::uint64_t number = 0;  // from 1 since reset_log()
  std::string method, path, query;
  std::string endpoint;  // method and route: "POST /api/2.2/jobs/update"
  int status = 0;        // 0: cut off
  int connection = 0;
  std::int64_t at = 0;  // milliseconds since the epoch
};

class Workspace {
 public:
  // Milliseconds since the epoch. Without one, time stands still but for a millisecond per request and
  // advance().
  using Now = std::function<std::int64_t()>;
  explicit Workspace(State state = {}, Now now = {});

  Reply handle(const Request& request);

  // Under the workspace's lock; job settings put by put_job() are normalised.
  void edit(const std::function<void(State&)>& change);
  void look(const std::function<void(const State&)>& reader) const;
  // The whole JSON of an object as it is stored; null when there is none.
  [[nodiscard]] Json read(const std::string& object) const;
  void replace(const std::string& object, Json value);
  // document_of(): where the paths of an object begin; null when there is none.
  [[nodiscard]] Json document(const std::string& object) const;
  // Everything, for comparison: dump() of state.h.
  [[nodiscard]] Json everything() const;
  // The bytes of a file by any spelling of its path; nullopt when there is none.
  [[nodiscard]] std::optional<std::string> file(const std::string& path) const;

  [[nodiscard]] Switches switches() const;
  void set_switches(const Switches& switches);
  void set_latency(std::chrono::milliseconds latency);  // of every answer
  void set_rate(const RateLimit& rate);
  void add_fault(const Fault& fault);
  void clear_faults();
  void set_writer(const WriterOptions& options);  // forgets the edits of the one before
  [[nodiscard]] std::vector<Edit> edits() const;
  // The writer's edits that are gone though nobody but the client under test can have undone them.
  [[nodiscard]] std::vector<Edit> lost_edits() const;
  void advance(std::chrono::milliseconds time);  // beside what `now` says

  [[nodiscard]] std::vector<LogEntry> log() const;
  [[nodiscard]] std::uint64_t requests() const;                      // since reset_log()
  [[nodiscard]] std::map<std::string, std::int64_t> counts() const;  // by endpoint
  [[nodiscard]] std::int64_t writes() const;                         // requests that are neither GET nor HEAD
  [[nodiscard]] std::int64_t connections() const;                    // distinct ones in the log
  void reset_log();
  int new_connection();  // a number for Request::connection

 private:
  Reply answer(const Request& request, std::uint64_t number, std::int64_t now);
  Reply execute(const Request& request, std::uint64_t number, std::int64_t now);
  bool over_the_rate(std::int64_t now);
  [[nodiscard]] std::int64_t time();

  mutable std::mutex mutex_;
  State state_;
  Now now_;
  std::int64_t drift_ = 0;
  Switches switches_;
  std::chrono::milliseconds latency_{0};
  RateLimit rate_;
  double tokens_ = 0;
  std::int64_t filled_ = 0;
  Faults faults_;
  Writer writer_;
  std::vector<LogEntry> log_;
  int last_connection_ = 0;
};

}  // namespace mlship::testing::dbx
