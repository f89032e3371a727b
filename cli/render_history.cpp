#include "cli/render_history.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/render.h"

namespace mlship {

OrderedJson to_json(const HistoryEntry& entry) {
  const auto text = [](const std::string& value) {
    return value.empty() ? OrderedJson(nullptr) : OrderedJson(value);
  };
  return {{"id", entry.id},
          {"command", entry.command},
          {"environment", entry.environment},
          {"package", entry.package},
          {"to",
           {{"version", text(entry.to_version)},
            {"digest", entry.to_digest ? OrderedJson(entry.to_digest->str()) : OrderedJson(nullptr)}}},
          {"undoes", text(entry.inverse_of)},
          {"state", entry.state},
          {"problem", text(entry.problem)},
          {"who", entry.who},
          {"host", entry.host},
          {"started", human_time(entry.started)},
          {"seconds", entry.seconds ? OrderedJson(*entry.seconds) : OrderedJson(nullptr)},
          {"commits", entry.commits},
          {"counts", entry.counts}};
}

std::string counts_text(const HistoryEntry& entry) {
  std::string out;
  for (const auto& [outcome, count] : entry.counts) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, outcome);
  }
  return out;
}

}  // namespace mlship
