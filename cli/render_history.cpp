#include "cli/render_history.h"

#include <fmt/core.h>

#include "cli/render.h"
#include "core/json_library.h"

namespace mlship {
namespace {

// Every outcome, so that keys never disappear.
OrderedJson counts_json(const HistoryEntry& entry) {
  OrderedJson counts = OrderedJson::object();
  for (auto i = static_cast<int>(Outcome::updated); i <= static_cast<int>(Outcome::pending); ++i) {
    const std::string word(to_string(static_cast<Outcome>(i)));
    const auto found = entry.counts.find(word);
    counts[word] = found == entry.counts.end() ? 0 : found->second;
  }
  return counts;
}

}  // namespace

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
          {"counts", counts_json(entry)}};
}

std::string counts_text(const HistoryEntry& entry) {
  std::string out;
  for (const auto& [outcome, count] : entry.counts) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, outcome);
  }
  return out;
}

}  // namespace mlship
