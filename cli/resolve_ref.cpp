#include "cli/resolve_ref.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/accelerator.h"
#include "core/error.h"
#include "core/names.h"
#include "deployers/build_variant.h"
#include "packager/bundler.h"
#include "registry/list.h"
#include "registry/registry.h"

namespace mlship {
namespace {

constexpr size_t shown_names = 10;

// The newest last, at most ten: an error is no listing.
std::string joined(const std::vector<std::string>& names) {
  if (names.empty()) return "none";
  const size_t first = names.size() > shown_names ? names.size() - shown_names : 0;
  return fmt::format("{}{}", first > 0 ? "…, " : "",
                     fmt::join(names.begin() + static_cast<long>(first), names.end(), ", "));
}

struct Names {
  std::vector<std::string> versions, tags;
};

// From the list of names alone: an error need not read every manifest.
Names names_there(Registry& registry, const std::string& package, Scheme scheme) {
  Names names;
  std::vector<Version> versions;
  for (const auto& info : registry.list(package)) {
    if (const auto version = Version::from_oci_tag(info.tag, scheme)) {
      versions.push_back(*version);
    } else {
      names.tags.push_back(info.tag);
    }
  }
  std::sort(versions.begin(), versions.end());
  for (const auto& version : versions) names.versions.push_back(version.str());
  return names;
}

// What to do about something that is not in the registry: publish it when it is this project's own.
std::string publish_hint(Services& services, const std::string& package) {
  const auto& own = services.project().package;
  return own && own->normal == package ? "mlship publish" : fmt::format("mlship list {}", package);
}

Resolved opened(Services& services, const std::string& package, const oci::Descriptor& manifest) {
  auto& source = services.source();
  return {source.release(package, manifest), source.look(package, manifest).info.name, manifest};
}

[[noreturn]] void refuse_package(Services& services, const std::string& package) {
  const auto packages = packages_if_told(services.registry());
  throw Error(ErrorCode::package_not_found,
              fmt::format("cannot find {}: {} has no such package{}", package, services.registry().url(),
                          did_you_mean(package, packages)))
      .hint(publish_hint(services, package) == "mlship publish" ? "mlship publish" : "mlship list");
}

[[noreturn]] void refuse_version(Services& services, const std::string& package, const std::string& word) {
  const auto names = names_there(services.registry(), package, scheme_of(services, package));
  if (names.versions.empty() && names.tags.empty()) refuse_package(services, package);
  const bool version = Version::parse(word, scheme_of(services, package)).has_value();
  if (version) {
    Error error(ErrorCode::version_not_found, fmt::format("cannot find {} {}: {} has no such version",
                                                          package, word, services.registry().url()));
    if (!names.tags.empty()) error = std::move(error).fact("tags", joined(names.tags));
    throw std::move(error).fact("versions", joined(names.versions)).hint(publish_hint(services, package));
  }
  throw Error(ErrorCode::tag_not_found,
              fmt::format("cannot find {}:{}: {} has no such tag{}", package, word, services.registry().url(),
                          did_you_mean(word, names.tags)))
      .fact("tags", joined(names.tags))
      .fact("versions", joined(names.versions))
      .hint(fmt::format("mlship tag {}:VERSION {}", package, word));
}

// A version of either scheme: a package that is not the project's own does not say which it has.
std::optional<oci::Descriptor> find_any_scheme(Services& services, const std::string& package,
                                               const std::string& word) {
  for (const Scheme scheme : {scheme_of(services, package), Scheme::pep440, Scheme::semver}) {
    const auto version = Version::parse(word, scheme);
    if (!version) continue;
    // SemVer would take any build for another one of its version.
    const bool build = !accelerator_of(*version).empty();
    auto& registry = services.registry();
    const auto found =
        build ? registry.stat(package, version->oci_tag()) : find_version(registry, package, *version);
    if (found) return found;
  }
  return std::nullopt;
}

// churn:1.4.0+cu118 is churn 1.4.0 when that has a file for cu118.
std::optional<Resolved> find_build(Services& services, const std::string& package, const std::string& word) {
  const auto version = Version::parse(word, scheme_of(services, package));
  const std::string accelerator = version ? accelerator_of(*version) : "";
  if (accelerator.empty()) return std::nullopt;
  const auto manifest = find_version(services.registry(), package, without_accelerator(*version));
  if (!manifest) return std::nullopt;
  Resolved out = opened(services, package, *manifest);
  const auto& outputs = out.release.outputs;
  const bool has = std::any_of(outputs.begin(), outputs.end(), [&](const Output& output) {
    return variant_of_file(output.filename, version->scheme()).accelerator == accelerator;
  });
  return has ? std::optional(std::move(out)) : std::nullopt;
}

Resolved own_release(Services& services) {
  const auto& project =
      services.package_project("give a REF such as NAME:VERSION; mlship list shows what there is");
  const Version version = project_version(project);
  const auto found = find_version(services.registry(), project.package->normal, version);
  if (!found) {
    throw Error(ErrorCode::version_not_found,
                fmt::format("cannot find {} {}: {} does not have it", project.package->name, version.str(),
                            services.registry().url()))
        .hint(fs::exists(dist_folder(project, version)) ? "mlship publish"
                                                        : "mlship build && mlship publish");
  }
  return opened(services, project.package->normal, *found);
}

}  // namespace

Scheme scheme_of(Services& services, const std::string& package) {
  const auto& own = services.project().package;
  return own && own->normal == package ? own->scheme : Scheme::pep440;
}

Path dist_folder(const Project& project, const Version& version) {
  return project.folder / "dist" / (project.package->name + "-" + version.str());
}

Resolved resolve_version_or_tag(Services& services, const std::string& package, const std::string& word) {
  auto& registry = services.registry();
  const bool taggable = std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (taggable) {
    if (const auto manifest = registry.stat(package, word)) return opened(services, package, *manifest);
  }
  if (const auto manifest = find_any_scheme(services, package, word))
    return opened(services, package, *manifest);
  if (auto build = find_build(services, package, word)) return std::move(*build);
  refuse_version(services, package, word);
}

Resolved resolve_ref(Services& services, const std::optional<std::string>& text) {
  if (!text) return own_release(services);
  const Ref ref = parse_ref(*text);
  if (!ref.registry.empty()) services.use_registry(ref.registry);
  if (ref.digest) {
    if (const auto manifest = services.registry().stat(ref.package, ref.digest->str())) {
      return opened(services, ref.package, *manifest);
    }
    throw Error(ErrorCode::version_not_found,
                fmt::format("cannot find {}: {} does not have it", *text, services.registry().url()))
        .hint(fmt::format("mlship list {}", ref.package));
  }
  if (!ref.tag.empty()) return resolve_version_or_tag(services, ref.package, ref.tag);
  const auto& own = services.project().package;
  if (own && own->normal == ref.package) return own_release(services);
  throw Error(ErrorCode::reference, fmt::format("cannot use '{}': it names no version, tag or digest", *text))
      .hint(fmt::format("mlship list {}", ref.package));
}

void check_dist(Services& services, const Resolved& resolved) {
  const auto& project = services.project();
  if (!project.package || project.package->normal != resolved.release.package) return;
  const Path folder = dist_folder(project, resolved.release.version);
  if (!fs::exists(folder)) return;
  const Bundle local = open_bundle(folder);
  if (local.digest == resolved.release.digest) return;
  throw Error(ErrorCode::version_exists,
              fmt::format("cannot use {} {} of {}: what was built here has another digest", resolved.name,
                          resolved.release.version.str(), services.registry().url()))
      .fact("local", local.digest.str() + "  " + human_path(folder))
      .fact("remote", resolved.release.digest.str())
      .hint(fmt::format("versions are immutable; raise version in {}, then mlship build && mlship publish",
                        project.package->version_at.line_str()));
}

}  // namespace mlship
