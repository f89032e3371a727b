#include "tests/support/databricks/faults.h"

#include <algorithm>
#include <array>

#include "core/names.h"

namespace mlship::testing::dbx {

void Faults::add(Fault fault) {
  constexpr auto kinds = std::to_array<std::string_view>(
      {"drop-before", "drop-after", "status", "delay", "kill-before", "kill-after"});
  if (std::find(kinds.begin(), kinds.end(), fault.kind) == kinds.end() || !parse_error_form(fault.form)) {
    throw Refusal{400, "INVALID_PARAMETER_VALUE", "no such fault: " + fault.kind + ", " + fault.form};
  }
  rules_.push_back({std::move(fault), 0});
}

std::optional<Fault> Faults::next(const Request& request, std::uint64_t number) {
  for (auto& rule : rules_) {
    const Fault& fault = rule.fault;
    if (fault.request != 0) {
      if (static_cast<std::uint64_t>(fault.request) == number) return fault;
      continue;
    }
    if (!fault.method.empty() && fault.method != request.method) continue;
    if (!fault.path.empty() && !glob_match(fault.path, request.path)) continue;
    const std::int64_t place = rule.seen++;
    if (place < fault.skip || (fault.times > 0 && place >= fault.skip + fault.times)) continue;
    return fault;
  }
  return std::nullopt;
}

Reply apply(const Fault& fault, Reply reply) {
  if (fault.kind == "delay") {
    reply.delay += std::chrono::milliseconds(fault.delay);
    return reply;
  }
  if (fault.kind != "status") {
    reply.cut = fault.kind.starts_with("kill") ? Cut::kill : Cut::drop;
    reply.kill_pid = fault.pid;
    return reply;
  }
  const Refusal refusal{fault.status, fault.code, fault.message};
  Reply answer = refusal_reply(refusal, parse_error_form(fault.form).value_or(ErrorForm::json));
  if (!fault.body.empty()) answer.body = fault.body;
  if (fault.retry_after >= 0) answer.headers.emplace("retry-after", std::to_string(fault.retry_after));
  return answer;
}

}  // namespace mlship::testing::dbx
