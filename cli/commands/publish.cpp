// `mlship publish`: bundle and provenance into the registry.
#include "registry/publish.h"

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/artifact_release.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "cli/tag_name.h"
#include "core/json_library.h"
#include "packager/bundler.h"
#include "registry/builder.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> path, tag, artifact;
};

// What is published, and where people find it.
struct Subject {
  Bundle bundle;
  std::string shown;
  std::optional<Artifact> artifact;
};

// A bundle's archive is a tar; a wheel in its place is a slip.
void refuse_artifact(const Path& path) {
  if (!is_artifact(path)) return;
  throw Error(ErrorCode::usage, fmt::format("cannot publish {}: it is no bundle", path.string()))
      .hint("mlship publish --artifact " + path.string());
}

// The bundle of uncommitted files that was built last; "" when there is none.
Path dirty_bundle(const Path& dist, const std::string& name) {
  Path newest;
  std::int64_t built = 0;
  for (const auto& entry : fs::exists(dist) ? fs::list(dist) : std::vector<std::string>()) {
    const auto record = entry.starts_with(name + "-") && fs::exists(dist / entry / "index.json")
                            ? read_build_record(dist / entry)
                            : std::nullopt;
    if (!record || !record->dirty || record->finished < built) continue;
    built = record->finished;
    newest = dist / entry;
  }
  return newest;
}

Bundle built_bundle(Services& services, const Options& options) {
  if (options.path) {
    refuse_artifact(*options.path);
    return open_path(services, *options.path);
  }
  const auto& project = services.package_project();
  const Version version = project_version(project);
  const Path folder = dist_folder(project, version);
  if (fs::exists(folder)) return open_bundle(folder);
  // Where nothing but uncommitted files was built they are meant; refuse_dirty() says where they may go.
  const Path dirty = dirty_bundle(folder.parent_path(), project.package->name);
  if (!dirty.empty()) return open_bundle(dirty);
  throw Error(ErrorCode::not_found, fmt::format("cannot publish {} {}: {} is not there",
                                                project.package->name, version.str(), human_path(folder)))
      .hint("mlship build");
}

Subject subject_of(Services& services, const Options& options) {
  if (!options.artifact) {
    Bundle bundle = built_bundle(services, options);
    std::string shown = human_path(bundle.layout.folder());
    return {std::move(bundle), std::move(shown), std::nullopt};
  }
  if (options.path) {
    throw Error(ErrorCode::usage, fmt::format("cannot publish {}: --artifact {} says what to publish too",
                                              *options.path, *options.artifact))
        .hint("mlship publish --artifact " + *options.artifact);
  }
  ArtifactBundle made = bundle_of_artifact(services, *options.artifact);
  return {std::move(made.bundle), *options.artifact, std::move(made.artifact)};
}

oci::Descriptor manifest_of(const Bundle& bundle) {
  oci::Descriptor manifest;
  manifest.media_type = oci::media::manifest;
  manifest.artifact_type = bundle.manifest.artifact_type;
  manifest.digest = bundle.digest;
  manifest.size = bundle.manifest_bytes.size();
  return manifest;
}

Provenance provenance_of(Services& services, const Subject& subject) {
  const auto& host = services.host();
  const Builder builder = detect_builder(host.env);
  Provenance provenance;
  provenance.builder = builder.id;
  provenance.invocation = builder.invocation;
  provenance.user = host.env.user();
  provenance.host = host.env.host();
  provenance.published = host.clock.now();
  if (subject.artifact) {
    provenance.artifact = subject.artifact->filename;
    provenance.artifact_digest = subject.artifact->digest;
  } else if (const auto record = read_build_record(subject.bundle.layout.folder())) {
    provenance.commit = record->commit;
    provenance.remote = record->remote;
    provenance.dirty = record->dirty;
    provenance.started = record->started;
    provenance.finished = record->finished;
  }
  return provenance;
}

std::string way_on(Services& services, const Subject& subject) {
  const BundleInfo& info = subject.bundle.info;
  const auto& own = services.project().package;
  const std::string version = info.version.str();
  if (version.ends_with("-SNAPSHOT")) return "give every snapshot its own, such as " + version + ".2";
  const bool known = own && own->normal == info.package && !subject.artifact;
  return known ? "raise version in " + own->version_at.line_str() : "raise the version and build again";
}

// The registry knows digests; where the version is written is known here.
[[noreturn]] void explain_conflict(Services& services, const Error& error, const Subject& subject,
                                   const std::string& url) {
  const Bundle& bundle = subject.bundle;
  Error out(ErrorCode::version_exists,
            fmt::format("cannot publish {} {} to {}: version exists with another digest", bundle.info.name,
                        bundle.info.version.str(), url));
  for (const auto& fact : error.facts()) {
    std::string value = fact.value;
    if (fact.name == "local") value += "  " + subject.shown;
    out = std::move(out).fact(fact.name, value);
  }
  throw std::move(out).hint("versions are immutable; " + way_on(services, subject));
}

ExitCode run(const Options& options, Services& services) {
  const Subject subject = subject_of(services, options);
  const Bundle& bundle = subject.bundle;
  const auto& info = bundle.info;
  if (options.tag) check_tag_name(*options.tag, info.scheme);
  auto& registry = services.registry();
  refuse_dirty(info.name, info.version, registry);
  check_unchanged(bundle.layout.folder());
  const PublishRequest request{info.package,
                               info.version,
                               bundle.layout,
                               manifest_of(bundle),
                               provenance_of(services, subject),
                               options.tag.value_or(""),
                               [&] {
                                 if (subject.artifact) refuse_other_scheme(services, info);
                               }};
  PublishResult result;
  try {
    result = publish_bundle(registry, request, services.diagnostics());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::version_exists) explain_conflict(services, error, subject, registry.url());
    // One of its blobs may be damaged: the next build makes all of it again.
    if (error.code() == ErrorCode::verification) forget_build(bundle.layout.folder());
    throw;
  }
  const auto& put = result.put;
  const std::string status = put.published ? "published" : "unchanged";
  services.out().text(fmt::format("{} {} {}\n{}: {}, {} sent, {} there already\n", info.name,
                                  info.version.str(), bundle.digest.str(), status, registry.url(),
                                  human_bytes(put.uploaded_bytes), human_bytes(put.reused_bytes)));
  OrderedJson tags = OrderedJson::array();
  if (options.tag) {
    services.out().text(fmt::format("tag {}: {} -> {}\n", *options.tag,
                                    result.tag_before ? result.tag_before->brief() : "new",
                                    bundle.digest.brief()));
    tags.push_back(*options.tag);
  }
  services.out().document({{"schema", "mlship.publish/1"},
                           {"name", info.name},
                           {"version", info.version.str()},
                           {"digest", bundle.digest.str()},
                           {"registry", registry.url()},
                           {"tags", tags},
                           {"uploaded", {{"blobs", put.uploaded_blobs}, {"bytes", put.uploaded_bytes}}},
                           {"reused", {{"blobs", put.reused_blobs}, {"bytes", put.reused_bytes}}},
                           {"status", status}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->path, "PATH", "a layout folder or archive (default: dist/NAME-VERSION)");
  arguments.option(options->tag, "--tag", "TAG", "then move this tag to it");
  arguments.option(
      options->artifact, "--artifact", "FILE",
      "publish a wheel, egg or jar that was built elsewhere, under the name and version it says");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory publish_factory{
    "publish", CommandGroup::registry, "put the bundle into the registry, with its provenance",
    "A version never changes: the same digest again is `unchanged`, another digest is a conflict (exit 6).\n"
    "\n"
    "  mlship publish\n"
    "  mlship publish --tag candidate --registry layout:/srv/mlship/registry\n"
    "  mlship publish --artifact dist/churn-1.4.0-py3-none-any.whl",
    setup};

}  // namespace mlship
