// Is every byte of a bundle what the manifest, and everything in it what bundle.json says?
#include <map>
#include <set>

#include "core/error.h"
#include "core/json_library.h"
#include "packager/bundle.h"
#include "packager/bundle_paths.h"
#include "packager/model.h"
#include "packager/tar.h"

namespace mlship {
namespace {

struct Content {
  Digest digest;
  std::uint64_t size = 0;
  bool raw = false;  // a layer of its own
};

class Verifier {
 public:
  explicit Verifier(const Bundle& bundle) : bundle_(bundle) {}

  VerifyReport run() {
    if (sha256(bundle_.manifest_bytes) != bundle_.digest) refuse("the manifest has another digest");
    check_blob(bundle_.manifest.config, "the config");
    for (const auto& layer : bundle_.manifest.layers) check_blob(layer, layer.title());
    check_config();
    for (const auto& layer : bundle_.manifest.layers) add_content(layer);
    check_dependencies();
    for (const auto& output : bundle_.info.outputs) {
      check_content(bundle_path::output(output.kind, output.filename), output.digest, output.size);
    }
    for (const auto& model : bundle_.info.models) check_model(model);
    check_all_named();
    return report_;
  }

 private:
  [[noreturn]] void refuse(const std::string& why, const std::string& expected = "",
                           const std::string& actual = "") const {
    Error error(ErrorCode::verification,
                "cannot verify " + bundle_.info.name + " " + bundle_.info.version.str() + ": " + why);
    if (!expected.empty()) error = std::move(error).fact("expected", expected).fact("actual", actual);
    throw error;
  }

  void check_blob(const oci::Descriptor& blob, const std::string& what) {
    const Path file = bundle_.layout.blob_path(blob.digest);
    const auto s = fs::stat(file);
    if (!s) refuse(what + " is missing", blob.digest.str(), "no such blob");
    if (s->size != blob.size) {
      refuse(what + " has another size", std::to_string(blob.size), std::to_string(s->size));
    }
    const Digest actual = fs::hash_file(file);
    if (actual != blob.digest) refuse(what + " has another digest", blob.digest.str(), actual.str());
    ++report_.blobs;
    report_.bytes += blob.size;
  }

  // ModelPack: one diffId per layer, in order; nothing is compressed, so they are the digests.
  void check_config() const {
    const auto& config = bundle_.manifest.config;
    const Json json = parse_json(bundle_.layout.read_blob(config.digest), ErrorCode::bundle, "the config");
    Json ids = Json::array();
    for (const auto& layer : bundle_.manifest.layers) ids.push_back(layer.digest.str());
    if (json.value("/modelfs/diffIds"_json_pointer, Json()) != ids) refuse("the config names other layers");
  }

  void add_content(const oci::Descriptor& layer) {
    if (layer.media_type != oci::media::code_tar) {
      add(layer.title(), {layer.digest, layer.size, true});
      return;
    }
    for (const auto& entry : list_tar(bundle_.layout.blob_path(layer.digest))) {
      add(entry.path, {entry.digest, entry.size, false});
    }
  }

  void add(const std::string& path, const Content& content) {
    if (!contents_.emplace(path, content).second) refuse("the path " + path + " stands in two layers");
  }

  const Content& check_content(const std::string& path, const Digest& digest, std::uint64_t size) {
    const Content& found = named(path);
    if (found.digest != digest)
      refuse(path + " is not what bundle.json names", digest.str(), found.digest.str());
    if (found.size != size) {
      refuse(path + " is not what bundle.json names", std::to_string(size), std::to_string(found.size));
    }
    return found;
  }

  const Content& named(const std::string& path) {
    const auto found = contents_.find(path);
    if (found == contents_.end()) refuse(path + " is named in bundle.json and missing");
    named_.insert(path);
    return found->second;
  }

  void check_dependencies() {
    for (const auto& d : bundle_.info.dependencies) {
      check_content(bundle_path::dependency(d.file), d.digest, d.size);
    }
  }

  void check_model(const BundleModel& model) {
    for (const auto& path : model.paths) {
      const Content& content = named(path);
      const Json& files = model.header.contains("files") ? model.header["files"] : Json();
      const Json expected = files.is_object() ? files.value(path, Json()) : model.header;
      if (!content.raw) continue;  // in a tar, whose digest was checked
      const Json actual =
          inspect_model(bundle_.layout.blob_path(content.digest), path, expected.value("format", ""),
                        expected.value("format", "") == "pickle" ? Pickles::allowed : Pickles::refused);
      if (actual != expected) refuse("the header of " + path + " is not what bundle.json says");
    }
  }

  // Nothing may ride along where consumers install from.
  void check_all_named() const {
    for (const auto& [path, content] : contents_) {
      const bool claimed = path.starts_with("dependencies/") || path.starts_with(bundle_path::outputs);
      if (claimed && content.raw && !named_.contains(path)) refuse(path + " is not named in bundle.json");
    }
  }

  const Bundle& bundle_;
  VerifyReport report_;
  std::map<std::string, Content> contents_;
  std::set<std::string> named_;
};

}  // namespace

VerifyReport verify_bundle(const Bundle& bundle) {
  VerifyReport report = Verifier(bundle).run();
  check_wheels(bundle, {});
  (void)try_installation(bundle);
  return report;
}

}  // namespace mlship
