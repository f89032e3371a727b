// Registry and packager behind the interface deployers know (core/release.h): bundles are opened from their
// manifest and metadata; everything else is pulled, verified, when it is needed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/host/host.h"
#include "core/release.h"
#include "packager/bundle.h"
#include "registry/registry.h"

namespace mlship {

class RegistrySource : public ReleaseSource {
 public:
  // `scratch`: an empty folder of this run, made when it is first needed; pulled blobs lie there.
  RegistrySource(Registry& registry, Host& host, std::function<Path()> scratch)
      : registry_(registry), host_(host), scratch_(std::move(scratch)) {}

  std::optional<Release> find(const std::string& package, const Version& version) override;
  void write_output(const Release& release, const Output& output, const std::filesystem::path& file) override;
  void make_tree(const Release& release, const std::filesystem::path& dir) override;
  std::string check_tree(const Release& release, const std::filesystem::path& dir) override;
  bool index_serves(const std::string& index_url, const Release& release) override;

  // What deployers need to know of the version with this manifest, further files included.
  Release release(const std::string& package, const oci::Descriptor& manifest);
  // The bundles of its further files (registry/further.h), opened as open() does.
  std::vector<const Bundle*> further(const std::string& package, const Digest& version);
  // Manifest and metadata, kept in memory; nothing is written.
  const Bundle& look(const std::string& package, const oci::Descriptor& manifest);
  // The bundle with its manifest and metadata only; its other blobs are absent until they are fetched.
  const Bundle& open(const std::string& package, const oci::Descriptor& manifest);
  void fetch_blob(const std::string& package, const Bundle& bundle, const oci::Descriptor& blob);
  void fetch_all(const std::string& package, const Bundle& bundle);

 private:
  const Bundle& opened(const Release& release);
  Registry& registry_;
  Host& host_;
  std::function<Path()> scratch_;
  struct Looked {
    Bundle bundle;
    std::string metadata;
  };
  const Looked& looked(const std::string& package, const oci::Descriptor& manifest);
  const std::vector<oci::Descriptor>& further_manifests(const std::string& package, const Digest& version);
  std::map<Digest, Looked> looked_;
  std::map<Digest, std::vector<oci::Descriptor>> further_manifests_;
  std::map<Digest, Bundle> bundles_;
  // What an index said, or why it could not be asked: once a run, however many references need it.
  using Answer = std::variant<bool, Error>;
  std::map<std::pair<std::string, std::vector<Digest>>, Answer> answers_;  // by index and wheels
};

// The layer with this path in the bundle; null when there is none.
const oci::Descriptor* find_layer(const oci::Manifest& manifest, std::string_view path);

}  // namespace mlship
