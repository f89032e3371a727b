#include "cli/artifact_release.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/release_source.h"
#include "cli/services.h"
#include "core/accelerator.h"
#include "core/error.h"
#include "core/names.h"
#include "core/text.h"
#include "deployers/build_variant.h"
#include "deployers/reference_forms.h"
#include "registry/registry.h"

namespace mlship {
namespace {

std::string_view title(Scheme scheme) {
  return scheme == Scheme::pep440 ? "PEP 440" : "SemVer";
}

Error disagreement(const Artifact& artifact, const std::string& why) {
  return {ErrorCode::archive, fmt::format("cannot publish {}: {}", artifact.filename, why)};
}

// What a job that names the file will be read as; nullopt when it would not be seen at all.
std::optional<Reference> read_name(const Artifact& artifact, Scheme scheme) {
  auto found = find_references(artifact.filename, {scheme, {}});
  if (found.size() != 1 || found.front().span.size() != artifact.filename.size()) return std::nullopt;
  if (to_string(found.front().form) != artifact.kind || !found.front().version) return std::nullopt;
  return std::move(found.front());
}

// 1.4.0-SNAPSHOT in a pom.properties, 1.4.0-20261126.040000-7 in the name that Maven deployed it under: the
// latter names one build.
std::string deployed_version(const Artifact& artifact, const std::string& version) {
  constexpr std::string_view mark = "SNAPSHOT";
  if (!version.ends_with("-SNAPSHOT")) return version;
  const std::string base = version.substr(0, version.size() - mark.size());
  const auto read = read_name(artifact, Scheme::semver);
  if (!read || !read->version_text.starts_with(base)) return version;
  const std::string_view rest = std::string_view(read->version_text).substr(base.size());
  return !rest.starts_with(mark) && forms::snapshot_mark(rest) ? read->version_text : version;
}

std::string name_of(const Artifact& artifact, const ArtifactClaim& claim) {
  return artifact.kind == "jar" ? std::string(forms::without_scala(claim.name)) : claim.name;
}

// The project's for its own package; else PEP 440, and SemVer for what only that can say (1.4.0-SNAPSHOT).
Version version_of(const Artifact& artifact, const ArtifactClaim& claim, const Project& project) {
  const auto& own = project.package;
  const std::string text = deployed_version(artifact, claim.version);
  const std::string what = claim.where + " of " + artifact.filename;
  if (own && own->normal == normalize_name(name_of(artifact, claim)))
    return Version::require(text, own->scheme, what);
  if (const auto version = Version::parse(text, Scheme::pep440)) return *version;
  if (const auto version = Version::parse(text, Scheme::semver)) return *version;
  throw Error(ErrorCode::version, fmt::format("cannot publish {}: '{}' is neither a PEP 440 nor a SemVer "
                                              "version",
                                              artifact.filename, printable(text)))
      .fact("in", claim.where)
      .hint("write it like 1.4.0, 1.4.0rc1 or 1.4.0-rc.1");
}

// Jobs have to see the very package and version that the registry will have.
void check_name(const Artifact& artifact, const ArtifactClaim& claim, const ArtifactIdentity& identity) {
  const auto read = read_name(artifact, identity.version.scheme());
  if (!read) {
    throw disagreement(artifact, "a job that names it could not be told the version")
        .fact("inside",
              fmt::format("{} {}  {}", printable(claim.name), printable(claim.version), claim.where))
        .hint("give the file the name that its build tool gave it");
  }
  const auto inside = Version::parse(deployed_version(artifact, claim.version), identity.version.scheme());
  const bool same_build = !inside || accelerator_of(*inside) == read->accelerator;
  if (read->package == normalize_name(identity.name) &&
      without_accelerator(*read->version) == identity.version && same_build)
    return;
  throw disagreement(artifact, "its name and its metadata disagree")
      .fact("name", fmt::format("{} {}", read->name, read->version->str()))
      .fact("inside", fmt::format("{} {}  {}", printable(claim.name), printable(claim.version), claim.where))
      .hint("give the file the name that its build tool gave it");
}

ArtifactIdentity agreed(const Artifact& artifact, const ArtifactClaim& claim, const Project& project) {
  ArtifactIdentity identity{name_of(artifact, claim), {}};
  if (!valid_name(identity.name)) {
    throw disagreement(artifact, fmt::format("'{}' is no package name", printable(claim.name)))
        .fact("in", claim.where);
  }
  identity.version = without_accelerator(version_of(artifact, claim, project));
  check_name(artifact, claim, identity);
  return identity;
}

// A jar's name as jobs read it.
ArtifactClaim claim_of_name(const Artifact& artifact, const Project& project) {
  auto read = read_name(artifact, Scheme::pep440);
  if (!read) read = read_name(artifact, Scheme::semver);
  const auto& own = project.package;
  if (read && own && own->normal == read->package) {
    if (auto as_own = read_name(artifact, own->scheme)) read = std::move(as_own);
  }
  if (read) return {read->name, read->version_text, "its name"};
  throw disagreement(artifact, "its name does not say which version it is").hint("name it NAME-VERSION.jar");
}

// Merged jars keep the pom.properties of everything that went in; the jar's own is the one of its name. With
// a single one churn-assembly-1.4.0.jar is an assembly of churn and keeps its name, other-1.4.0.jar a
// mistake.
ArtifactClaim claim_of_jar(const Artifact& artifact, const Project& project) {
  const ArtifactClaim named = claim_of_name(artifact, project);
  const std::string package = normalize_name(named.name);
  const ArtifactClaim* own = nullptr;
  for (const auto& claim : artifact.claims) {
    if (normalize_name(name_of(artifact, claim)) != package) continue;
    if (own == nullptr || claim.version == named.version) own = &claim;
  }
  if (own != nullptr) return *own;
  if (artifact.claims.size() != 1) return named;
  const ArtifactClaim& only = artifact.claims.front();
  const bool assembly = package.starts_with(normalize_name(name_of(artifact, only)) + "-");
  return assembly ? ArtifactClaim{named.name, only.version, only.where} : only;
}

// The scheme of what the registry has: from the tags when one of them tells, else from one bundle.
std::optional<Scheme> scheme_there(Services& services, const std::string& package) {
  auto& registry = services.registry();
  std::optional<std::string> both;
  for (const auto& tag : registry.tag_names(package)) {
    const bool pep440 = Version::from_oci_tag(tag, Scheme::pep440).has_value();
    const bool semver = Version::from_oci_tag(tag, Scheme::semver).has_value();
    if (pep440 && semver) both = tag;
    if (pep440 != semver) return pep440 ? Scheme::pep440 : Scheme::semver;
  }
  if (!both) return std::nullopt;
  const auto manifest = registry.stat(package, *both);
  if (!manifest) return std::nullopt;
  return services.source().look(package, *manifest).info.scheme;
}

}  // namespace

ArtifactIdentity identify(const Artifact& artifact, const Project& project) {
  const bool jar = artifact.kind == "jar";
  return agreed(artifact, jar ? claim_of_jar(artifact, project) : artifact.claims.front(), project);
}

ArtifactBundle bundle_of_artifact(Services& services, const Path& file) {
  const Artifact artifact = read_artifact(file, services.scratch());
  const ArtifactIdentity identity = identify(artifact, services.project());
  const Path folder = services.scratch() / fs::unique_name("artifact-");
  return {artifact, bundle_artifact(artifact, identity.name, identity.version, folder), file.string()};
}

std::vector<ArtifactBundle> bundles_of_artifacts(Services& services, const std::vector<std::string>& files) {
  std::vector<ArtifactBundle> made;
  for (const auto& file : files) made.push_back(bundle_of_artifact(services, file));
  std::stable_sort(made.begin(), made.end(),
                   [](const auto& a, const auto& b) { return a.artifact.filename < b.artifact.filename; });
  const BundleInfo& first = made.front().bundle.info;
  for (size_t i = 1; i < made.size(); ++i) {
    const BundleInfo& info = made[i].bundle.info;
    if (info.package != first.package || info.version != first.version) {
      throw Error(ErrorCode::usage, "cannot publish these files together: they are of several versions")
          .fact(made.front().artifact.filename, first.name + " " + first.version.str())
          .fact(made[i].artifact.filename, info.name + " " + info.version.str())
          .hint("publish the files of one version at a time");
    }
    for (size_t before = 0; before < i; ++before)
      (void)has_artifact(made[before].bundle, made[i], "the registry");
  }
  return made;
}

bool has_artifact(const Bundle& there, const ArtifactBundle& made, const std::string& registry) {
  const Artifact& artifact = made.artifact;
  const Scheme scheme = made.bundle.info.scheme;
  const BuildVariant variant = variant_of_file(artifact.filename, scheme);
  for (const auto& output : there.info.outputs) {
    if (output.filename == artifact.filename && output.digest == artifact.digest) return true;
    const bool beside = output.kind != artifact.kind || variant_of_file(output.filename, scheme) != variant;
    if (beside) continue;
    throw Error(ErrorCode::version_exists, "cannot publish " + artifact.filename + " to " + registry + ": " +
                                               output.filename + " is another file of the same build")
        .fact("local", artifact.digest.str())
        .fact("remote", output.digest.str() + "  " + output.filename);
  }
  return false;
}

namespace {

std::string release_text(const Version& version) {
  std::vector<std::string> numbers;
  for (const auto& number : version.release()) numbers.push_back(number.str());
  return fmt::format("{}", fmt::join(numbers, "."));
}

}  // namespace

void refuse_other_scheme(Services& services, const BundleInfo& info) {
  const auto& own = services.project().package;
  if (own && own->normal == info.package) return;
  const auto there = scheme_there(services, info.package);
  if (!there || *there == info.scheme) return;
  throw Error(ErrorCode::version,
              fmt::format("cannot publish {} {} to {}: it is a {} version, and those there are {}", info.name,
                          info.version.str(), services.registry().url(), title(info.scheme), title(*there)))
      .hint(*there == Scheme::semver
                ? fmt::format("add [package] with name = \"{}\" and scheme = \"semver\" to mlship.toml",
                              info.name)
                : fmt::format("give it a PEP 440 version, such as {0}.dev1 or {0}rc1",
                              release_text(info.version)));
}

}  // namespace mlship
