// Which files cron(8), run-parts(8) and anacron(8) act on.
#pragma once

#include <string_view>

#include "core/host/fs.h"

namespace mlship {

// Of a script in cron.hourly, cron.daily, cron.weekly or cron.monthly: "daily"; "" for any other file.
std::string_view script_period(const Path& path);

// Whether cron acts on a file of this name. Debian's takes names of letters, digits, `_` and `-` alone in
// cron.d and in folders of scripts; others leave out editors' and packages' copies.
bool cron_reads(const Path& path, bool debian);

}  // namespace mlship
