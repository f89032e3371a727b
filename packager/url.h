// The little of RFC 3986 that index pages need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/host/http.h"

namespace mlship {

// §5.2: `reference` as seen from the page `base`, without a fragment.
std::string resolve_url(std::string_view base, std::string_view reference);
// Scheme, host and port, lower case, the default port left out: "https://index.test".
std::string url_origin(std::string_view url);
// Host without port, lower case.
std::string url_host(std::string_view url);
// User and password, percent-decoded; nullopt when the URL has none.
std::optional<Credentials> url_userinfo(std::string_view url);
std::string without_userinfo(std::string_view url);
// The last segment of the path, percent-decoded; query and fragment do not count.
std::string url_file_name(std::string_view url);
std::string percent_decode(std::string_view text);

}  // namespace mlship
