#include "deployers/ledger/check.h"

#include <algorithm>
#include <map>

#include "deployers/record.h"

namespace mlship {
namespace {

// "" when the link holds. What is linked to may itself be unreadable, which is a finding of its own.
std::string problem_of(const ChainLink& link, const std::map<std::string, std::vector<std::string>>& lines,
                       const std::vector<std::string>& ids) {
  if (link.rollout.empty() || link.line.empty()) return "";
  const auto before = lines.find(link.rollout);
  if (before == lines.end()) {
    const bool there = std::find(ids.begin(), ids.end(), link.rollout) != ids.end();
    return there ? "" : "it began after " + link.rollout + ", which is not in the ledger";
  }
  const auto& all = before->second;
  if (std::find(all.begin(), all.end(), link.line) != all.end()) return "";
  return "its first entry names a line of " + link.rollout + " that is not there";
}

}  // namespace

LedgerCheck check_ledger(Ledger& ledger) {
  LedgerCheck check;
  const auto ids = ledger.rollouts();
  std::map<std::string, std::vector<std::string>> lines;
  std::map<std::string, ChainLink> links;
  std::map<std::string, std::string> holds;  // how far they went when it began, by rollout
  for (const auto& id : ids) {
    ++check.rollouts;
    try {
      RolloutRecord record = ledger.read(id);
      check.entries += record.hashes.size();
      lines[id] = record.hashes;
      links[id] = record.after;
      if (!record.holds.empty()) holds[id] = record.holds;
      (void)view(std::move(record));
    } catch (const Error& e) {
      if (e.code() != ErrorCode::ledger) throw;
      check.findings.push_back({id, e.message()});
    }
  }
  for (const auto& [id, link] : links) {
    const std::string problem = problem_of(link, lines, ids);
    if (!problem.empty()) check.findings.push_back({id, problem});
  }
  try {
    (void)ledger.holds();
    const auto there = ledger.hold_lines();
    for (const auto& [id, line] : holds) {
      if (std::find(there.begin(), there.end(), line) != there.end()) continue;
      check.findings.push_back({"", "a hold or release that stood there when " + id + " began is gone"});
      break;
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::ledger) throw;
    check.findings.push_back({"", e.message()});
  }
  return check;
}

}  // namespace mlship
