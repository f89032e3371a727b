// Who goes on with the old library after a change: all-purpose clusters that are up, the run of a continuous
// job, the update of a pipeline.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "deployers/databricks/kind.h"

namespace mlship::databricks {

// What the references at these paths are used by while they are changed.
struct Users {
  std::vector<std::string> clusters;  // ids of the tasks' own existing clusters
  bool continuous = false;            // a job that is always running
  std::string update;                 // a pipeline's update under way: its id, or "?"
  std::int64_t update_began = 0;      // milliseconds since the epoch; 0: not told

  [[nodiscard]] bool none() const { return clusters.empty() && !continuous && update.empty(); }
  void add(const Users& other);
};
Users users_of(const Kind& kind, const Json& whole, const std::vector<std::string>& paths);

class Running {
 public:
  // "restart (cluster c1)" for who was at work at `since` (the workspace's clock, seconds since the epoch)
  // and is still; "" when nobody is. nullopt: now. What cannot be looked at is left out.
  std::string pending(Api& api, const std::string& id, const Users& users, std::optional<std::int64_t> since);

 private:
  // Up since then (milliseconds, 0: not told); nullopt: not up.
  using Up = std::optional<std::int64_t>;
  Up cluster(Api& api, const std::string& id);

  std::mutex mutex_;
  std::map<std::string, Up> clusters_;  // each is looked at once
};

}  // namespace mlship::databricks
