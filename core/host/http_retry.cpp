#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "core/host/http.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;

struct StatusRow {
  int status;
  bool always;  // also for requests that must not be sent twice: the server says it did nothing
};
// Statuses that may pass. 501, 505 and 511 will not.
constexpr auto retried = std::to_array<StatusRow>({
    {408, false},
    {425, false},
    {429, true},
    {500, false},
    {502, false},
    {503, false},
    {504, false},
});

bool worth_it(const RetryInput& input) {
  if (input.status == 0) return input.transient && input.idempotent;
  const auto row = std::find_if(retried.begin(), retried.end(),
                                [&](const StatusRow& r) { return r.status == input.status; });
  if (row == retried.end()) return false;
  // 503 with Retry-After is an invitation (RFC 9110 §15.6.4); without it, the work may have been done.
  return input.idempotent || row->always || (input.status == 503 && input.retry_after);
}

}  // namespace

std::optional<milliseconds> retry_pause(const RetryInput& input, const RetryPolicy& policy) {
  if (input.attempt >= policy.max_attempts || !worth_it(input)) return std::nullopt;
  const double doubled = static_cast<double>(policy.first.count()) * std::exp2(input.attempt - 1);
  const double base = std::min(doubled, static_cast<double>(policy.longest.count()));
  // Between half and all of it, so that many clients do not come back at once.
  milliseconds pause(std::llround(base * (0.5 + 0.5 * std::clamp(input.jitter, 0.0, 1.0))));
  if (input.retry_after) pause = std::max<milliseconds>(pause, *input.retry_after);
  if (pause > policy.budget - input.spent) return std::nullopt;
  return pause;
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::int64_t now) {
  constexpr std::int64_t longest = 604'800;  // a week: more is nonsense, and would overflow in milliseconds
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc() && end == value.data() + value.size()) {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, longest));
  }
  const auto date = read_http_date(value);
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::clamp<std::int64_t>(*date - now, 0, longest));
}

std::optional<std::int64_t> read_http_date(std::string_view value) {
  std::tm parts{};
  const std::string text(value);
  // IMF-fixdate; strptime reads English names because the program never calls setlocale().
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  return timegm(&parts);
}

}  // namespace mlship
