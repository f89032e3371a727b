// `mlship publish`: bundle and provenance into the registry.
#include "registry/publish.h"

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/artifact_release.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "cli/tag_name.h"
#include "core/json_library.h"
#include "packager/bundler.h"
#include "registry/builder.h"
#include "registry/list.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> path, tag;
  std::vector<std::string> artifacts;
  bool stale = false;
};

// What is published, and where people find it.
struct Subject {
  Bundle bundle;
  std::string shown;
  std::optional<Artifact> artifact;
};

struct Published {
  PublishResult result;
  Digest version;        // of the version's manifest: that of the first file
  bool further = false;  // it is one more file of a version that was there
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

// What was mended and committed since the build is not in it.
void refuse_stale(const Project& project, const Version& version, const Path& folder) {
  const auto record = read_build_record(folder);
  const std::string head = record ? newer_commit(project, *record) : "";
  if (head.empty()) return;
  throw Error(
      ErrorCode::changed_since_build,
      fmt::format("cannot publish {} {}: {} was built before HEAD, and what is packed has changed since",
                  project.package->name, version.str(), human_path(folder)))
      .fact("built from", record->commit)
      .fact("HEAD", head)
      .fact("all the same", "mlship publish --stale")
      .hint("mlship build");
}

Bundle built_bundle(Services& services, const Options& options) {
  if (options.path) {
    refuse_artifact(*options.path);
    return open_path(services, *options.path);
  }
  const auto& project = services.package_project();
  const Version version = project_version(project);
  const Path folder = dist_folder(project, version);
  if (fs::exists(folder)) {
    if (!options.stale) refuse_stale(project, version, folder);
    return open_bundle(folder);
  }
  // Where nothing but uncommitted files was built they are meant; refuse_dirty() says where they may go.
  const Path dirty = dirty_bundle(folder.parent_path(), project.package->name);
  if (!dirty.empty()) return open_bundle(dirty);
  throw Error(ErrorCode::not_found, fmt::format("cannot publish {} {}: {} is not there",
                                                project.package->name, version.str(), human_path(folder)))
      .hint("mlship build");
}

std::vector<Subject> subjects_of(Services& services, const Options& options) {
  std::vector<Subject> subjects;
  if (options.artifacts.empty()) {
    Bundle bundle = built_bundle(services, options);
    std::string shown = human_path(bundle.layout.folder());
    subjects.push_back({std::move(bundle), std::move(shown), std::nullopt});
    return subjects;
  }
  if (options.path) {
    throw Error(ErrorCode::usage, fmt::format("cannot publish {}: --artifact {} says what to publish too",
                                              *options.path, options.artifacts.front()))
        .hint("mlship publish --artifact " + options.artifacts.front());
  }
  for (auto& made : bundles_of_artifacts(services, options.artifacts)) {
    subjects.push_back({std::move(made.bundle), made.given, std::move(made.artifact)});
  }
  return subjects;
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

PublishRequest request_of(Services& services, const Subject& subject, const std::string& tag) {
  const auto& info = subject.bundle.info;
  return {info.package,
          info.version,
          subject.bundle.layout,
          manifest_of(subject.bundle),
          provenance_of(services, subject),
          tag,
          [&] {
            if (subject.artifact) refuse_other_scheme(services, info);
          }};
}

// The version is there with other files: one more stands beside them, unless it is the same build.
Published publish_further(Services& services, const Subject& subject, const oci::Descriptor& there,
                          const std::string& tag) {
  auto& registry = services.registry();
  const std::string& package = subject.bundle.info.package;
  const ArtifactBundle made{*subject.artifact, subject.bundle, subject.shown};
  PublishRequest request = request_of(services, subject, tag);
  request.version_there = there;
  request.is_it = [&](const oci::Descriptor& file) {
    return has_artifact(services.source().open(package, file), made, registry.url());
  };
  return {publish_bundle(registry, request, services.diagnostics()), there.digest, true};
}

Published publish_subject(Services& services, const Subject& subject, const std::string& tag) {
  auto& registry = services.registry();
  const auto& info = subject.bundle.info;
  try {
    try {
      const PublishRequest request = request_of(services, subject, tag);
      return {publish_bundle(registry, request, services.diagnostics()), subject.bundle.digest, false};
    } catch (const Error& error) {
      const bool taken = error.code() == ErrorCode::version_exists && subject.artifact;
      const auto there = taken ? find_version(registry, info.package, info.version) : std::nullopt;
      if (!there) throw;
      return publish_further(services, subject, *there, tag);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::version_exists) explain_conflict(services, error, subject, registry.url());
    // One of its blobs may be damaged: the next build makes all of it again.
    if (error.code() == ErrorCode::verification) forget_build(subject.bundle.layout.folder());
    throw;
  }
}

std::string_view status_of(const PutResult& put) {
  return put.published ? "published" : "unchanged";
}

// Of all files together.
PutResult sum_of(const std::vector<Published>& published) {
  PutResult sum;
  for (const auto& one : published) {
    const PutResult& put = one.result.put;
    sum.published |= put.published;
    sum.uploaded_blobs += put.uploaded_blobs;
    sum.uploaded_bytes += put.uploaded_bytes;
    sum.reused_blobs += put.reused_blobs;
    sum.reused_bytes += put.reused_bytes;
  }
  return sum;
}

OrderedJson files_of(const std::vector<Subject>& subjects, const std::vector<Published>& published) {
  OrderedJson files = OrderedJson::array();
  for (size_t i = 0; i < subjects.size(); ++i) {
    if (!subjects[i].artifact) continue;
    const Artifact& artifact = *subjects[i].artifact;
    files.push_back({{"kind", artifact.kind},
                     {"filename", artifact.filename},
                     {"digest", artifact.digest.str()},
                     {"status", status_of(published[i].result.put)}});
  }
  return files;
}

void tell(Services& services, const Options& options, const std::vector<Subject>& subjects,
          const std::vector<Published>& published) {
  const BundleInfo& info = subjects.front().bundle.info;
  const Published& last = published.back();
  const PutResult put = sum_of(published);
  const OrderedJson files = files_of(subjects, published);
  const std::string url = services.registry().url();
  std::string text = fmt::format("{} {} {}\n{}: {}, {} sent, {} there already\n", info.name,
                                 info.version.str(), last.version.str(), status_of(put), url,
                                 human_bytes(put.uploaded_bytes), human_bytes(put.reused_bytes));
  if (published.size() > 1 || last.further) {
    for (size_t i = 0; i < published.size(); ++i) {
      text += fmt::format("  {}  {}\n", subjects[i].artifact->filename, status_of(published[i].result.put));
    }
  }
  OrderedJson tags = OrderedJson::array();
  if (options.tag) {
    const auto& before = last.result.tag_before;
    text += fmt::format("tag {}: {} -> {}\n", *options.tag, before ? before->brief() : "new",
                        last.version.brief());
    tags.push_back(*options.tag);
  }
  services.out().text(text);
  services.out().document({{"schema", "mlship.publish/1"},
                           {"name", info.name},
                           {"version", info.version.str()},
                           {"digest", last.version.str()},
                           {"registry", url},
                           {"tags", tags},
                           {"uploaded", {{"blobs", put.uploaded_blobs}, {"bytes", put.uploaded_bytes}}},
                           {"reused", {{"blobs", put.reused_blobs}, {"bytes", put.reused_bytes}}},
                           {"files", files},
                           {"status", status_of(put)}});
}

ExitCode run(const Options& options, Services& services) {
  const std::vector<Subject> subjects = subjects_of(services, options);
  const BundleInfo& info = subjects.front().bundle.info;
  if (options.tag) check_tag_name(*options.tag, info.scheme);
  refuse_dirty(info.name, info.version, services.registry());
  std::vector<Published> published;
  for (const auto& subject : subjects) {
    check_unchanged(subject.bundle.layout.folder());
    // A tag moves when every file is there.
    const bool last = published.size() + 1 == subjects.size();
    published.push_back(publish_subject(services, subject, last ? options.tag.value_or("") : ""));
  }
  tell(services, options, subjects, published);
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->path, "PATH", "a layout folder or archive (default: dist/NAME-VERSION)");
  arguments.option(options->tag, "--tag", "TAG", "then move this tag to it");
  arguments.list(
      options->artifacts, "--artifact", "FILE",
      "publish a wheel, egg or jar that was built elsewhere, under the name and version it says; may be "
      "repeated for several builds or kinds of one version");
  arguments.flag(options->stale, "--stale",
                 "publish what was built before HEAD, though what is packed has changed since");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory publish_factory{
    "publish", CommandGroup::registry, "put the bundle into the registry, with its provenance",
    "A version never changes: the same digest again is `unchanged`, another digest is a conflict (exit 6).\n"
    "Files built elsewhere for several platforms, Scala versions, accelerators or kinds (a wheel, a jar) are "
    "one version,\n"
    "published together or one after the other; each of them never changes.\n"
    "\n"
    "  mlship publish\n"
    "  mlship publish --tag candidate --registry layout:/srv/mlship/registry\n"
    "  mlship publish --artifact dist/churn-1.4.0-py3-none-any.whl\n"
    "  mlship publish --artifact target/churn_2.12-1.4.0.jar --artifact target/churn_2.13-1.4.0.jar",
    setup};

}  // namespace mlship
