// Where bundles are kept. One interface, one file per backend in backends/, one contract suite over all
// (tests/contract/registry/).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/diagnostics.h"
#include "core/error.h"
#include "core/host/host.h"
#include "core/oci.h"

namespace mlship {

struct TagInfo {
  std::string tag;  // OCI tag: a version's oci_tag() or a movable name
  oci::Descriptor manifest;
};

struct PutResult {
  bool published = false;  // false: the same digest was there already
  std::uint64_t uploaded_blobs = 0, uploaded_bytes = 0;
  std::uint64_t reused_blobs = 0, reused_bytes = 0;
};

// A manifest that refers to another one (image-spec `subject`): provenance, SBOM, signatures.
struct Referrer {
  oci::Descriptor descriptor;
  std::string manifest;  // its bytes
};

// Told of a referrer that is lost, damaged or malformed: the others are there all the same.
using UnreadableReferrer = std::function<void(const Error& why)>;

class Registry {
 public:
  virtual ~Registry() = default;

  [[nodiscard]] virtual std::string url() const = 0;  // printable
  [[nodiscard]] virtual bool atomic() const = 0;      // put_if_absent and move_tag are compare-and-swap

  // nullopt only when it is definitely absent. `reference`: a tag or "sha256:…".
  virtual std::optional<oci::Descriptor> stat(const std::string& package, const std::string& reference) = 0;
  // Verified bytes of the manifest. Throws Error(not_found).
  virtual std::string get_manifest(const std::string& package, const Digest& digest) = 0;
  // Verified bytes of a small blob. Throws Error(not_found), Error(verification).
  virtual std::string read_blob(const std::string& package, const oci::Descriptor& blob) = 0;
  // Makes `to` (must not exist) with the verified blob, or throws and leaves nothing.
  virtual void get_blob(const std::string& package, const oci::Descriptor& blob, const Path& to) = 0;

  // Blobs first, then the manifest, then `tag` (create-only). Same digest there: no-op. Another digest:
  // Error(version_exists) with both. A killed call leaves nothing visible; a re-run continues.
  virtual PutResult put_if_absent(const std::string& package, const std::string& tag, const oci::Layout& from,
                                  const oci::Descriptor& manifest, Diagnostics& diagnostics) = 0;

  virtual std::vector<std::string> packages() = 0;                    // sorted
  virtual std::vector<TagInfo> list(const std::string& package) = 0;  // sorted by tag; empty when absent
  // The names of list() alone, where telling what each points to costs a request.
  virtual std::vector<std::string> tag_names(const std::string& package);
  virtual std::optional<Digest> resolve_tag(const std::string& package, const std::string& tag) = 0;
  // Creates (expected nullopt) or moves a tag. Error(tag_moved) when it is not what was expected.
  virtual void move_tag(const std::string& package, const std::string& tag, const oci::Descriptor& to,
                        const std::optional<Digest>& expected) = 0;

  virtual void put_referrer(const std::string& package, const oci::Manifest& manifest,
                            const std::vector<std::string>& blobs) = 0;
  // Without `unreadable` one that cannot be read is thrown.
  virtual std::vector<Referrer> referrers(const std::string& package, const Digest& subject,
                                          const UnreadableReferrer& unreadable = {}) = 0;
  // Their descriptors (artifact type, annotations) as the registry tells them, without reading each manifest.
  virtual std::vector<oci::Descriptor> referrer_list(const std::string& package, const Digest& subject);
  // put_referrer() of another tool's manifest, byte for byte; `bytes` parse. Error(bundle) where only our own
  // spelling can be kept.
  virtual void copy_referrer(const std::string& package, const std::string& bytes,
                             const std::vector<std::string>& blobs);

  // Those of `blobs` that are not known to be there. The default says all; put_if_absent() reuses what it
  // finds.
  virtual std::vector<oci::Descriptor> missing(const std::string& package,
                                               const std::vector<oci::Descriptor>& blobs);
  // What is kept there and is not what its name says any more, for `doctor`; a remote registry looks after
  // its own disks, and every byte that comes from it is checked.
  virtual std::vector<Error> damage();
  // Takes a blob over from another registry without moving its bytes; false when it cannot.
  virtual bool mount(const std::string& package, const oci::Descriptor& blob, const Registry& from);
};

// How a registry is reached: a [registries.NAME] of the project, or a bare URL.
struct RegistryOptions {
  std::string url;
  // nullopt: plain HTTP on loopback, TLS everywhere else. True never sends credentials off loopback.
  std::optional<bool> plain_http = std::nullopt;
  std::string ca_file = {};                   // PEM file of the authorities to trust; "" = the system's
  std::vector<std::string> token_hosts = {};  // other hosts that may be given this registry's credentials
};

// Calls `read`. What is wrong with one referrer (absent, damaged, malformed) goes to `unreadable` where there
// is one; anything else is thrown: a registry that does not answer says nothing about its referrers.
void read_referrer(const UnreadableReferrer& unreadable, const std::function<void()>& read);

struct RegistryFactory {
  std::string_view scheme;  // "layout"
  std::string_view summary;
  std::string_view example;  // "layout:/srv/mlship/registry"
  std::unique_ptr<Registry> (*open)(const RegistryOptions& options, Host& host);
};
std::span<const RegistryFactory* const> registry_factories();

// By the URL's scheme. Throws Error(project_file) with a did-you-mean on an unknown one.
std::unique_ptr<Registry> open_registry(const RegistryOptions& options, Host& host);
inline std::unique_ptr<Registry> open_registry(const std::string& url, Host& host) {
  return open_registry(RegistryOptions{url}, host);
}

}  // namespace mlship
