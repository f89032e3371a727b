// Which files cron(8), run-parts(8) and anacron(8) act on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/host/fs.h"

namespace mlship {

// Of a script in cron.hourly, cron.daily, cron.weekly or cron.monthly: "daily"; "" for any other file.
std::string_view script_period(const Path& path);

// Why cron does not act on a file of this name; "" when it does. Debian's takes names of letters, digits, `_`
// and
// `-` alone in cron.d and in folders of scripts; others leave out editors' and packages' copies.
std::string name_left_out(const Path& path, bool debian);

// Why cron does not act on a file of this owner and mode; "" when it does. cron(8): /etc/crontab and the
// files of /etc/cron.d have to be root's, and writable by nobody else; run-parts(8) runs what is executable.
// Below another root (an image, a working copy) owner and mode are not yet what they will be: then nothing is
// said.
std::string mode_left_out(const Path& path);

// crontab(5): the last entry has to end with a newline. From where on cron does not act on a crontab that
// lacks it: Debian's leaves out all of it, others that line; nullopt when nothing lacks it.
std::optional<size_t> unread_from(std::string_view text, bool debian);

}  // namespace mlship
