#include "deployers/cron_schedule.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <ctime>
#include <string>
#include <vector>

#include "core/letters.h"
#include "deployers/reference_forms.h"

namespace mlship {
namespace {

struct NickName {
  std::string_view word, fields;
};
constexpr auto nick_names = std::to_array<NickName>({{"@yearly", "0 0 1 1 *"},
                                                     {"@annually", "0 0 1 1 *"},
                                                     {"@monthly", "0 0 1 * *"},
                                                     {"@weekly", "0 0 * * 0"},
                                                     {"@daily", "0 0 * * *"},
                                                     {"@midnight", "0 0 * * *"},
                                                     {"@hourly", "0 * * * *"}});

constexpr size_t most_values = 64;
using Values = std::bitset<most_values>;

struct FieldRow {
  unsigned first, last;
  std::string_view names;  // three letters each, the first one's value is `first_name`
  unsigned first_name;
};
enum FieldIndex : size_t { minute, hour, day, month, weekday };
constexpr auto fields = std::to_array<FieldRow>({{0, 59, "", 0},
                                                 {0, 23, "", 0},
                                                 {1, 31, "", 0},
                                                 {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
                                                 {0, 7, "sunmontuewedthufrisat", 0}});

struct Schedule {
  std::array<Values, fields.size()> values;
  // One of day and weekday is enough when both are restricted; a field that begins with `*` is not.
  bool any_day = false, any_weekday = false;
};

std::optional<unsigned> number(std::string_view text, const FieldRow& field) {
  if (text.empty() || text.size() > 3) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), forms::digit)) {
    unsigned value = 0;
    for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  }
  const size_t at = text.size() == 3 ? field.names.find(letters::lowered(text)) : std::string_view::npos;
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  return static_cast<unsigned>(at / 3) + field.first_name;
}

// `*`, `3`, `1-5`, each with `/STEP`.
bool add_range(std::string_view text, const FieldRow& field, Values& values) {
  unsigned step = 1;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto said = number(text.substr(slash + 1), {0, 0, "", 0});
    if (!said || *said == 0) return false;
    step = *said;
    text = text.substr(0, slash);
  }
  unsigned first = field.first, last = field.last;
  if (text != "*") {
    const size_t dash = text.find('-');
    const auto from = number(text.substr(0, dash), field);
    const auto to = dash == std::string_view::npos ? from : number(text.substr(dash + 1), field);
    if (!from || !to) return false;
    first = *from;
    last = dash == std::string_view::npos && slash != std::string_view::npos ? field.last : *to;
  }
  if (first < field.first || last > field.last || first > last) return false;
  for (unsigned value = first; value <= last; value += step) values.set(value);
  return true;
}

bool read_field(std::string_view text, const FieldRow& field, Values& values) {
  while (true) {
    const size_t comma = text.find(',');
    if (!add_range(text.substr(0, comma), field, values)) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

std::optional<Schedule> read_schedule(std::string_view text) {
  for (const auto& row : nick_names) {
    if (text == row.word) text = row.fields;
  }
  std::vector<std::string_view> words;
  for (size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  if (words.size() != fields.size()) return std::nullopt;
  Schedule schedule;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!read_field(words[i], fields[i], schedule.values[i])) return std::nullopt;
  }
  if (schedule.values[weekday].test(7)) schedule.values[weekday].set(0);
  schedule.any_day = words[day].starts_with('*');
  schedule.any_weekday = words[weekday].starts_with('*');
  return schedule;
}

bool on_day(const Schedule& schedule, const std::tm& when) {
  const bool days = schedule.values[day].test(static_cast<size_t>(when.tm_mday));
  const bool weekdays = schedule.values[weekday].test(static_cast<size_t>(when.tm_wday));
  return schedule.any_day || schedule.any_weekday ? days && weekdays : days || weekdays;
}

// To the beginning of the next of the largest unit that does not fit; false when all fit.
bool advance(const Schedule& schedule, std::tm& when) {
  if (!schedule.values[month].test(static_cast<size_t>(when.tm_mon) + 1)) {
    ++when.tm_mon;
    when.tm_mday = 1;
    when.tm_hour = when.tm_min = 0;
  } else if (!on_day(schedule, when)) {
    ++when.tm_mday;
    when.tm_hour = when.tm_min = 0;
  } else if (!schedule.values[hour].test(static_cast<size_t>(when.tm_hour))) {
    ++when.tm_hour;
    when.tm_min = 0;
  } else if (!schedule.values[minute].test(static_cast<size_t>(when.tm_min))) {
    ++when.tm_min;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<std::int64_t> next_cron_run(std::string_view text, std::int64_t now) {
  const auto schedule = read_schedule(text);
  if (!schedule) return std::nullopt;
  constexpr std::int64_t a_minute = 60, an_hour = 3600;
  constexpr std::int64_t horizon = 9LL * 366 * 24 * an_hour;  // 29 February comes within 8 years
  ::tzset();
  std::time_t at = (now / a_minute + 1) * a_minute;
  while (at - now < horizon) {
    std::tm when{};
    ::localtime_r(&at, &when);
    if (!advance(*schedule, when)) return at;
    when.tm_sec = 0;
    when.tm_isdst = -1;
    const std::time_t next = std::mktime(&when);
    // An hour that the clock leaves out or has twice must not hold it up.
    at = next > at ? next : at + a_minute;
  }
  return std::nullopt;
}

}  // namespace mlship
