#include "registry/registry.h"

#include "core/error.h"
#include "core/names.h"
#include "core/secret.h"

namespace mlship {

std::unique_ptr<Registry> open_registry(const std::string& url, Host& host) {
  const std::string scheme = url.substr(0, url.find(':'));
  std::vector<std::string> known;
  for (const auto* factory : registry_factories()) {
    if (scheme == factory->scheme && scheme.size() < url.size()) return factory->open(url, host);
    known.emplace_back(factory->scheme);
  }
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::project_file, "cannot open registry " + printable_url(url) + ": unknown scheme '" +
                                           scheme + "'" + did_you_mean(scheme, known))
      .fact("known", list);
}

}  // namespace mlship
