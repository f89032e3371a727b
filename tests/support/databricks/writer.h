// Somebody else, who edits jobs and pipelines between the requests of the client under test, and remembers
// what was edited so that a test can ask afterwards whether it is still there.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/databricks/state.h"

namespace mlship::testing::dbx {

struct WriterOptions {
  std::uint64_t seed = 1;
  double probability = 0;            // of an edit before each request
  double follow = 0.5;               // that the object of the request itself is the one edited
  std::string package = "churn";     // tasks that name it are the same task, others are other tasks
  std::vector<std::string> objects;  // jobs/… and pipelines/…; empty: all jobs
  // other-task, same-task, library, schedule, name, add-task, remove-task, environment, pipeline; empty: all
  std::vector<std::string> kinds;
  std::int64_t most = 0;  // edits in all; 0: no limit
};

struct Edit {
  std::uint64_t request = 0;  // the request it was made right before
  std::string object, kind;
  std::string task;         // the key of the task it lies in; "": in none
  std::string path;         // in document_of(); of a whole task for add-task and remove-task
  Json before, after;       // null: not there
  bool superseded = false;  // a later edit of the writer went to the same place
};

class Writer {
 public:
  explicit Writer(WriterOptions options = {});
  // Maybe one edit, before the request of this number that names `object` ("": none).
  void step(State& state, const std::string& object, std::uint64_t request, std::int64_t now);
  [[nodiscard]] const std::vector<Edit>& edits() const { return edits_; }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(double p) { return static_cast<double>(random_() >> 11U) < p * 9007199254740992.0; }
  std::string choose(const State& state, const std::string& object);
  bool edit_job(Json& settings, const std::string& kind, Edit& edit);
  bool edit_in_task(Json& settings, bool same, Edit& edit);
  bool edit_library(Json& settings, Edit& edit);
  bool edit_environment(Json& settings, Edit& edit);
  bool remove_task(Json& settings, Edit& edit);
  void record(Edit edit);

  WriterOptions options_;
  std::mt19937_64 random_;
  std::vector<Edit> edits_;
};

// Is what the edit made still so? Superseded edits are not asked about.
bool survives(const State& state, const Edit& edit);

}  // namespace mlship::testing::dbx
