#include "core/host/public_suffix.h"

#include "core/host/dynlib.h"

namespace mlship {
namespace {

// "" when the host is a public suffix itself, or an address.
std::string registrable_domain(const std::string& host) {
  // libpsl.h of 0.21: `const psl_ctx_t *psl_builtin(void)`, `const char *psl_registrable_domain(ctx,
  // domain)`.
  const void* (*builtin)() = nullptr;
  const char* (*registrable)(const void*, const char*) = nullptr;
  const bool address = host.find_first_not_of("0123456789.") == std::string::npos || host.starts_with('[');
  if (address || host.find('.') == std::string::npos) return "";
  const DynamicLibrary library("libpsl.so.5", "libpsl5");
  library.bind(builtin, "psl_builtin");
  library.bind(registrable, "psl_registrable_domain");
  const void* rules = builtin();
  // Without its rules libpsl would take every last label for a suffix.
  if (rules == nullptr) return "";
  const char* domain = registrable(rules, host.c_str());
  return domain == nullptr ? "" : domain;
}

}  // namespace

bool same_owner(const std::string& host, const std::string& other) {
  if (host == other) return true;
  const std::string domain = registrable_domain(host);
  return !domain.empty() && domain == registrable_domain(other);
}

}  // namespace mlship
