#include "registry/spelling.h"

#include <array>
#include <optional>

#include "core/host/fs.h"
#include "registry/oci_place.h"

namespace mlship {
namespace {

constexpr std::string_view oci_scheme = "oci://";
constexpr std::string_view layout_scheme = "layout:";

// "" when it is no URL of a registry.
std::string canonical(const RegistryOptions& options) {
  std::string url = options.url;
  try {
    if (url.starts_with(oci_scheme)) return read_oci_place(options).shown;
  } catch (const Error&) {
    return "";  // opening it says what is wrong
  }
  while (url.starts_with(layout_scheme) && url.size() > layout_scheme.size() + 1 && url.ends_with('/'))
    url.pop_back();
  return url;
}

struct SchemeRow {
  std::string_view theirs, ours;
};
constexpr auto schemes = std::to_array<SchemeRow>({{"https://", oci_scheme},
                                                   {"http://", oci_scheme},
                                                   {"docker://", oci_scheme},
                                                   {"file://", layout_scheme},
                                                   {"file:", layout_scheme},
                                                   {"oci:", layout_scheme},
                                                   {"dir:", layout_scheme}});

bool host_like(std::string_view word) {
  const std::string_view host = word.substr(0, word.find('/'));
  return host.find_first_of(".:") != std::string_view::npos || host == "localhost";
}

}  // namespace

bool same_registry(const RegistryOptions& options, const std::string& url) {
  if (options.url == url) return true;
  RegistryOptions other = options;
  other.url = url;
  const std::string place = canonical(other);
  return !place.empty() && place == canonical(options);
}

std::string likely_registry(std::string_view word) {
  if (word.starts_with(oci_scheme) || word.starts_with(layout_scheme)) return "";
  for (const auto& row : schemes) {
    if (word.starts_with(row.theirs))
      return std::string(row.ours) + std::string(word.substr(row.theirs.size()));
  }
  const bool path = word.starts_with('/') || word.starts_with('.') || word.starts_with('~');
  if (word.find("://") != std::string_view::npos) return "";
  if (path || (!word.empty() && fs::exists(Path(word))))
    return std::string(layout_scheme) + std::string(word);
  return host_like(word) ? std::string(oci_scheme) + std::string(word) : "";
}

}  // namespace mlship
