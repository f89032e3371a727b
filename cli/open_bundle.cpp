#include "cli/open_bundle.h"

#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/error.h"
#include "core/names.h"
#include "packager/bundler.h"
#include "packager/tar.h"
#include "registry/registry.h"

namespace mlship {
namespace {

constexpr std::uint64_t archive_limit = 1ULL << 42U;  // bytes; the disk is the real limit

NamedBundle in_registry(Services& services, const std::optional<std::string>& text) {
  const Resolved resolved = resolve_ref(services, text);
  auto& source = services.source();
  const std::string& package = resolved.release.package;
  return {source.open(package, resolved.manifest), services.registry().url(), &source,
          source.further(package, resolved.manifest.digest)};
}

}  // namespace

std::optional<Path> named_path(const std::string& text) {
  constexpr std::string_view layout = "layout:";
  // A registry of that scheme is a folder of packages; a bundle's layout is itself one.
  if (text.starts_with(layout) && fs::exists(Path(text.substr(layout.size())) / "oci-layout"))
    return text.substr(layout.size());
  for (const auto* factory : registry_factories()) {
    if (text.starts_with(std::string(factory->scheme) + ":")) return std::nullopt;
  }
  if (looks_like_path(text)) return text;
  const auto stat = fs::stat(text);
  return stat && stat->kind == fs::Kind::file ? std::optional<Path>(text) : std::nullopt;
}

Bundle open_path(Services& services, const Path& path) {
  const auto stat = fs::stat(path);
  if (!stat) {
    throw Error(ErrorCode::not_found, "cannot open " + path.string() + ": there is no such folder or file")
        .hint("mlship build");
  }
  if (stat->kind != fs::Kind::file) return open_bundle(path);
  const Path folder = services.scratch() / fs::unique_name("archive-");
  fs::make_folders(folder);
  extract_tar(path, folder, archive_limit);
  return open_bundle(folder);
}

NamedBundle open_named(Services& services, const std::optional<std::string>& text) {
  if (text) {
    if (const auto path = named_path(*text)) return {open_path(services, *path), *text};
    return in_registry(services, text);
  }
  const auto& project = services.package_project();
  const Path folder = dist_folder(project, project_version(project));
  if (fs::exists(folder)) return {open_bundle(folder), human_path(folder)};
  return in_registry(services, std::nullopt);
}

void fetch(const NamedBundle& named, const oci::Descriptor& layer) {
  if (named.source != nullptr) named.source->fetch_blob(named.bundle.info.package, named.bundle, layer);
}

void fetch_all(const NamedBundle& named) {
  if (named.source == nullptr) return;
  named.source->fetch_all(named.bundle.info.package, named.bundle);
  for (const Bundle* bundle : named.further) named.source->fetch_all(bundle->info.package, *bundle);
}

}  // namespace mlship
