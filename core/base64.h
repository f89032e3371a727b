// RFC 4648 §4: the standard alphabet with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mlship {

std::string base64_encode(std::string_view bytes);
// nullopt for anything but complete, padded groups; line breaks at the end are forgiven.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace mlship
