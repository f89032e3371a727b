#include "registry/further.h"

#include "core/error.h"

namespace mlship {
namespace {

constexpr std::string_view own_prefix = "mlship-";
constexpr size_t digits = 32;  // of the version's digest
constexpr size_t most = 1000;  // files of a version: platforms times Pythons are some dozens

std::string further_tag(const Digest& version, size_t number) {
  return std::string(own_prefix) + "more-" + version.hex().substr(0, digits) + "-" + std::to_string(number);
}

std::optional<oci::Descriptor> further_file(Registry& registry, const std::string& package,
                                            const Digest& version, size_t number) {
  return registry.stat(package, further_tag(version, number));
}

}  // namespace

bool own_tag(std::string_view tag) {
  return tag.starts_with(own_prefix);
}

std::vector<oci::Descriptor> further_files(Registry& registry, const std::string& package,
                                           const Digest& version) {
  std::vector<oci::Descriptor> out;
  while (out.size() < most) {
    auto found = further_file(registry, package, version, out.size() + 1);
    if (!found) break;
    out.push_back(std::move(*found));
  }
  return out;
}

std::optional<PutResult> add_further_file(Registry& registry, const FurtherFile& file,
                                          Diagnostics& diagnostics) {
  size_t lost = 0;
  for (size_t number = 1; number <= most;) {
    const auto there = further_file(registry, file.package, file.version, number);
    // What has our digest is sent again: that costs nothing, and mends what the registry has lost of it.
    if (there && there->digest != file.manifest.digest) {
      if (file.is_it(*there)) return std::nullopt;
      ++number;
      continue;
    }
    try {
      return registry.put_if_absent(file.package, further_tag(file.version, number), file.layout,
                                    file.manifest, diagnostics);
    } catch (const Error& e) {
      // Somebody else was first with this number: look at what it is.
      if (e.code() != ErrorCode::version_exists || ++lost > most) throw;
    }
  }
  throw Error(ErrorCode::bundle, "cannot add a file to " + file.package + "@" + file.version.brief() +
                                     " in " + registry.url() + ": it has " + std::to_string(most) + " files");
}

}  // namespace mlship
