#include "cli/render_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/render.h"
#include "core/json_library.h"

namespace mlship {
namespace {

std::string title(const Plan& plan) {
  if (plan.to) return fmt::format("{} -> {}", plan.package, plan.to->str());
  return fmt::format("{}: undo {}", plan.package, plan.inverse_of);
}

std::string object_line(const Operation& operation, const Style& style) {
  std::string out = style.bold(fmt::format("{}  {}", operation.target, printable(operation.object.id)));
  for (const auto& part : {operation.object.name, operation.object.kind, operation.object.schedule}) {
    if (!part.empty()) out += "  " + printable(part);
  }
  if (!operation.object.owner.empty()) out += "  owner " + printable(operation.object.owner);
  return out + "\n";
}

std::string change_lines(const Change& change, const Style& style) {
  std::string out = change.path.empty() ? "" : fmt::format("  at {}\n", printable(change.path));
  if (change.stays()) {
    return out + style.green("  = " + printable(change.from)) +
           "  the text stays, what it names is put there\n";
  }
  out += style.red("  - " + printable(change.from)) + "\n";
  out += style.green("  + " + printable(change.to)) + "\n";
  for (const auto& warning : change.warnings) out += style.yellow("  ! " + printable(warning)) + "\n";
  return out;
}

OrderedJson change_json(const Operation& operation, const Change& change) {
  return {{"target", operation.target},
          {"object", to_json(operation.object)},
          {"path", change.path},
          {"from", change.from},
          {"to", change.to},
          {"from_version", change.from_version},
          {"to_version", change.to_version},
          {"form", to_string(change.form)},
          {"action", change.stays() ? "install" : "update"},
          {"warnings", change.warnings}};
}

size_t count_short(const std::vector<Skipped>& skipped) {
  return static_cast<size_t>(
      std::count_if(skipped.begin(), skipped.end(), [](const Skipped& s) { return fell_short(s); }));
}

OrderedJson counts_json(const std::vector<ObjectResult>& results, size_t skipped) {
  OrderedJson counts = OrderedJson::object();
  // Every outcome is there, so that a script needs no default.
  for (const auto outcome : {Outcome::updated, Outcome::installed, Outcome::unchanged, Outcome::conflict,
                             Outcome::refused, Outcome::failed, Outcome::reverted, Outcome::pending}) {
    counts[std::string(to_string(outcome))] = std::count_if(
        results.begin(), results.end(), [&](const ObjectResult& r) { return r.outcome == outcome; });
  }
  counts["skipped"] = skipped;
  return counts;
}

std::string painted(Outcome outcome, const Style& style) {
  const std::string word(to_string(outcome));
  switch (outcome) {
    case Outcome::updated:
    case Outcome::installed:
    case Outcome::reverted: return style.green(word);
    case Outcome::unchanged: return style.dim(word);
    case Outcome::pending: return style.yellow(word);
    default: return style.red(word);
  }
}

size_t moved_objects(const Plan& plan) {
  return static_cast<size_t>(std::count_if(plan.operations.begin(), plan.operations.end(),
                                           [](const Operation& op) { return !op.installs(); }));
}

}  // namespace

OrderedJson to_json(const ObjectInfo& object) {
  return {{"id", object.id},
          {"name", object.name},
          {"kind", object.kind},
          {"schedule", object.schedule},
          {"owner", object.owner}};
}

OrderedJson to_json(const std::vector<Skipped>& skipped) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& row : skipped) {
    rows.push_back({{"target", row.target},
                    {"object", to_json(row.object)},
                    {"path", row.path},
                    {"reason", to_string(row.reason)},
                    {"detail", row.detail},
                    {"hint", row.hint},
                    {"from", row.from},
                    {"fell_short", fell_short(row)},
                    {"accepted", row.accepted}});
  }
  return rows;
}

OrderedJson to_json(const std::vector<ObjectResult>& results) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& row : results) {
    rows.push_back({{"target", row.target},
                    {"object", to_json(row.object)},
                    {"path", row.path},
                    {"from", row.from},
                    {"to", row.to},
                    {"outcome", to_string(row.outcome)},
                    {"detail", row.detail},
                    {"proof", row.proof.empty() ? OrderedJson(nullptr) : OrderedJson(row.proof)}});
  }
  return rows;
}

bool any_fell_short(const std::vector<Skipped>& skipped) {
  return count_short(skipped) > 0;
}

std::string skipped_text(const std::vector<Skipped>& skipped, size_t width, const Style& style) {
  Table table({"SKIPPED", "OBJECT", "REFERENCE", "REASON", "DETAIL"});
  std::set<std::string> hints;
  size_t same = 0;
  for (const auto& row : skipped) {
    // Of a thousand jobs most are usually there already: one line says it; --json has them all.
    if (row.reason == Reason::same_version) {
      ++same;
      continue;
    }
    const std::string at = row.path.empty() ? row.object.id : row.object.id + " at " + row.path;
    table.add({row.target, at, row.from,
               std::string(to_string(row.reason)) + (row.accepted ? " (accepted)" : ""), row.detail});
    if (!row.hint.empty()) hints.insert(row.hint);
  }
  std::string out = table.empty() ? "" : table.render(width, style);
  for (const auto& hint : hints) out += style.cyan("hint:") + " " + printable(hint) + "\n";
  if (same > 0) out += human_count(same, "reference") + " at this version already\n";
  return out;
}

std::string plan_text(const Plan& plan, size_t width, const Style& style) {
  std::string out = fmt::format("{}  environment {}  {}\n\n", style.bold("plan: " + title(plan)),
                                plan.environment, plan.id.substr(0, 17));
  for (const auto& carrier : plan.carriers) {
    out += style.cyan(
        fmt::format("first puts there, unless it is there already: {}\n", printable(carrier.place)));
  }
  if (!plan.carriers.empty()) out += "\n";
  for (const auto& operation : plan.operations) {
    out += object_line(operation, style);
    for (const auto& change : operation.changes) out += change_lines(change, style);
    out += "\n";
  }
  if (!plan.skipped.empty()) out += skipped_text(plan.skipped, width, style) + "\n";
  if (plan.changes() > 0) {
    out += fmt::format("{} in {}", human_count(plan.changes(), "reference"),
                       human_count(moved_objects(plan), "object"));
  } else if (plan.operations.empty()) {
    out += "nothing to change";
  }
  if (plan.installs() > 0) {
    out += fmt::format("{}{} to be installed", plan.changes() > 0 ? ", " : "",
                       human_count(plan.installs(), "reference"));
  }
  if (!plan.skipped.empty()) out += fmt::format(", {} skipped", plan.skipped.size());
  return out + "\n";
}

OrderedJson plan_document(const Plan& plan) {
  OrderedJson changes = OrderedJson::array();
  for (const auto& operation : plan.operations) {
    for (const auto& change : operation.changes) changes.push_back(change_json(operation, change));
  }
  OrderedJson carriers = OrderedJson::array();
  for (const auto& carrier : plan.carriers) {
    carriers.push_back({{"id", carrier.id}, {"place", carrier.place}, {"digest", carrier.digest.str()}});
  }
  OrderedJson to{{"version", nullptr}, {"digest", nullptr}};
  if (plan.to) to["version"] = plan.to->str();
  if (plan.to && plan.digest != Digest{}) to["digest"] = plan.digest.str();
  return {{"schema", "mlship.plan/2"},
          {"id", plan.id},
          {"environment", plan.environment},
          {"package", plan.package},
          {"direction", plan.direction == Direction::up ? "up" : "down"},
          {"to", to},
          {"undoes", plan.inverse_of.empty() ? OrderedJson(nullptr) : OrderedJson(plan.inverse_of)},
          {"changes", changes},
          {"carriers", carriers},
          {"skipped", to_json(plan.skipped)},
          {"counts",
           {{"objects", moved_objects(plan)},
            {"changes", plan.changes()},
            {"installs", plan.installs()},
            {"skipped", plan.skipped.size()},
            {"fell_short", count_short(plan.skipped)}}}};
}

std::string report_text(const RolloutReport& report, const std::vector<Skipped>& shown, size_t width,
                        const Style& style) {
  std::string out;
  std::map<Outcome, size_t> counts;
  for (const auto& row : report.results) {
    ++counts[row.outcome];
    const std::string proof = row.proof.empty() ? "" : " " + row.proof;
    const std::string at = row.path.empty() ? "" : " at " + printable(row.path);
    const std::string to = row.from == row.to ? "" : " -> " + printable(row.to);
    const std::string back = row.outcome == Outcome::reverted ? " -> " + printable(row.from) : "";
    out += fmt::format("{}{}  {}  {}{}: {}{}{}\n", painted(row.outcome, style), proof, row.target,
                       printable(row.object.id), at, printable(row.from), to, back);
    if (!row.detail.empty()) out += "  " + printable(row.detail) + "\n";
  }
  std::vector<Skipped> fresh = report.skipped;
  std::erase_if(fresh, [&](const Skipped& row) {
    return std::any_of(shown.begin(), shown.end(), [&](const Skipped& s) {
      return s.target == row.target && s.object.id == row.object.id && s.path == row.path &&
             s.reason == row.reason;
    });
  });
  if (!fresh.empty()) out += "\n" + skipped_text(fresh, width, style);
  if (report.id.empty()) return out;  // the plan said that there is nothing to change
  std::vector<std::string> parts;
  for (const auto& [outcome, count] : counts)
    parts.push_back(fmt::format("{} {}", count, to_string(outcome)));
  if (!report.skipped.empty()) parts.push_back(fmt::format("{} skipped", report.skipped.size()));
  return out + fmt::format("\n{} {}: {} in {}\n", report.id, report.state, fmt::join(parts, ", "),
                           human_seconds(report.seconds));
}

OrderedJson report_document(const RolloutReport& report, const std::string& command) {
  return {{"schema", "mlship." + command + "/2"},
          {"id", report.id},
          {"state", report.state},
          {"results", to_json(report.results)},
          {"skipped", to_json(report.skipped)},
          {"counts", counts_json(report.results, report.skipped.size())},
          {"seconds", report.seconds}};
}

}  // namespace mlship
