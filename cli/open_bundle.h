// A bundle named by REF or PATH, for commands that look at one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "packager/bundle.h"

namespace mlship {

class RegistrySource;
class Services;

struct NamedBundle {
  Bundle bundle;
  std::string where;  // the folder, the archive or the registry
  // Of a bundle in a registry: only manifest and metadata are there until fetch() is called.
  RegistrySource* source = nullptr;
  std::vector<const Bundle*> further{};  // with the further files of a version in a registry
};

// PATH: a layout folder or an archive made by `build --archive`. Without a text the project's dist/ folder
// when it is there, else its version in the registry.
NamedBundle open_named(Services& services, const std::optional<std::string>& text);
// Pulls what is missing: one layer, or all of them, further files included.
void fetch(const NamedBundle& named, const oci::Descriptor& layer);
void fetch_all(const NamedBundle& named);

// The path that a REF|PATH is, `layout:PATH` of a bundle's layout among them; nullopt for a REF.
std::optional<Path> named_path(const std::string& text);
// A layout folder; an archive is unpacked into this run's scratch folder.
Bundle open_path(Services& services, const Path& path);

}  // namespace mlship
