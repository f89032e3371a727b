#include "registry/registry.h"

#include "core/error.h"
#include "core/names.h"
#include "core/secret.h"
#include "registry/spelling.h"

namespace mlship {

std::vector<std::string> Registry::tag_names(const std::string& package) {
  std::vector<std::string> names;
  for (const auto& info : list(package)) names.push_back(info.tag);
  return names;
}

std::vector<oci::Descriptor> Registry::referrer_list(const std::string& package, const Digest& subject) {
  std::vector<oci::Descriptor> out;
  for (const auto& referrer : referrers(package, subject, [](const Error&) {}))
    out.push_back(referrer.descriptor);
  return out;
}

void Registry::copy_referrer(const std::string& package, const std::string& bytes,
                             const std::vector<std::string>& blobs) {
  const std::string digest = sha256(bytes).str();
  const auto manifest = oci::parse_manifest(bytes, digest);
  if (oci::serialize(manifest) != bytes) {
    throw Error(ErrorCode::bundle, "cannot copy the referrer " + digest + " to " + url() +
                                       ": this registry cannot keep another tool's bytes");
  }
  put_referrer(package, manifest, blobs);
}

std::vector<oci::Descriptor> Registry::missing(const std::string& /*package*/,
                                               const std::vector<oci::Descriptor>& blobs) {
  return blobs;
}

bool Registry::mount(const std::string& /*package*/, const oci::Descriptor& /*blob*/,
                     const Registry& /*from*/) {
  return false;
}

std::unique_ptr<Registry> open_registry(const RegistryOptions& options, Host& host) {
  const std::string& url = options.url;
  const std::string scheme = url.substr(0, url.find(':'));
  std::vector<std::string> known;
  for (const auto* factory : registry_factories()) {
    if (scheme == factory->scheme && scheme.size() < url.size()) return factory->open(options, host);
    known.emplace_back(factory->scheme);
  }
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  const std::string likely = likely_registry(url);
  const Error error(ErrorCode::project_file, "cannot open registry " + printable_url(url) +
                                                 ": unknown scheme '" + scheme + "'" +
                                                 did_you_mean(scheme, known));
  if (likely.empty()) throw Error(error).fact("known", list);
  throw Error(error).fact("known", list).hint("write " + printable_url(likely));
}

std::vector<Error> Registry::damage() {
  return {};
}

void read_referrer(const UnreadableReferrer& unreadable, const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    const auto code = error.code();
    const bool its_own =
        code == ErrorCode::not_found || code == ErrorCode::verification || code == ErrorCode::bundle;
    if (!unreadable || !its_own) throw;
    unreadable(error);
  }
}

}  // namespace mlship
