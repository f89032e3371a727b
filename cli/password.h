// A name and a password from the person, or a password from another program.
#pragma once

#include <string>

#include "core/secret.h"

namespace mlship {

class Services;

// All of standard input without the newline at its end. Throws Error(usage) when it is empty, longer than
// 64 KiB or more than one line.
Secret password_from_stdin();
// Asks at the terminal. Throws Error(usage) with `hint` when there is none or the answer is empty.
std::string ask_line(Services& services, const std::string& question, const std::string& hint);
// The same without showing what is typed.
Secret ask_password(Services& services, const std::string& question, const std::string& hint);

}  // namespace mlship
