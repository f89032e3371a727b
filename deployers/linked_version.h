// A path whose version is a link: `/opt/churn/current` leads to `/opt/churn/1.2.0`.
#pragma once

#include "deployers/reference.h"

namespace mlship {

// Of a reference without a readable version whose path is a link on this host: the version it leads to, and
// that the link is what moves it. What is no link, or leads to no version, stays as it is.
void read_link(Reference& reference, const std::string& text, Scheme scheme);

}  // namespace mlship
