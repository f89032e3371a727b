// crontab(5): when an entry runs next.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mlship {

// The first minute after `now` (both seconds since the epoch) that `schedule` ("5 4 * * mon", "@daily")
// names, in this machine's local time. nullopt: never (30 February), not by the clock (@reboot), or it is
// written in a way that crontab(5) does not know.
std::optional<std::int64_t> next_cron_run(std::string_view schedule, std::int64_t now);

}  // namespace mlship
