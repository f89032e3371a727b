#include "deployers/host_destination.h"

#include <array>

#include "core/accelerator.h"
#include "core/error.h"
#include "core/host/folder.h"
#include "core/names.h"
#include "deployers/build_variant.h"
#include "deployers/file_set.h"

namespace mlship {
namespace {

std::string folder_setting(const TargetSection& section, const Project& project, std::string_view key) {
  const std::string text = section.text(key);
  if (text.empty()) return "";
  Path path = Path(text);
  if (path.is_relative()) path = std::filesystem::absolute(project.folder / path);
  std::string folder = path.lexically_normal().string();
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return folder;
}

std::string named(const Release& release) {
  return release.package + " " + release.version.str();
}

std::string no_tree(const Release& release) {
  return "a runnable tree of " + named(release) + " cannot be made for this machine";
}
constexpr std::string_view add_platform = "add this machine's platform to `targets` of [dependencies]";

struct Question {
  const HostPlaces& places;
  const FoundReference& found;
  const Release& release;
  ReleaseSource& source;

  [[nodiscard]] const Reference& reference() const { return found.reference; }
  [[nodiscard]] std::string section() const { return "[targets." + places.target + "]"; }
};

Destination no_output(std::string detail, std::string hint = "") {
  Destination out;
  out.skip = Reason::no_output;
  out.detail = std::move(detail);
  out.hint = std::move(hint);
  return out;
}

Destination rewritten(const Question& q) {
  Destination out;
  out.text = rewrite(q.found.text, q.reference(), q.release.version);
  return out;
}

Destination unverified(const Question& q) {
  Destination out = rewritten(q);
  out.warnings.emplace_back("unverified");
  return out;
}

// The release with the wheels alone that a pin's label asks for.
Release labelled(const Question& q) {
  Release out = q.release;
  std::erase_if(out.outputs, [&](const Output& output) {
    return output.kind != "wheel" ||
           variant_of_file(output.filename, q.release.version.scheme()).accelerator !=
               q.reference().accelerator;
  });
  return out;
}

Destination pin(const Question& q) {
  const Release wanted = labelled(q);
  const bool wheels = q.release.output("wheel") != nullptr;
  if (wanted.outputs.empty() && (wheels || !q.reference().accelerator.empty()))
    return other_build(q.found, q.release);
  if (q.places.trust_pins) return unverified(q);
  if (q.places.index_url.empty()) {
    return no_output("no index says that " + named(q.release) + " can be installed",
                     "set index = \"NAME\" or trust-pins = true in " + q.section());
  }
  if (q.source.index_serves(q.places.index_url, wanted)) return rewritten(q);
  if (wanted.outputs.size() < q.release.outputs.size() &&
      q.source.index_serves(q.places.index_url, q.release)) {
    Destination out = other_build(q.found, q.release);
    out.detail = "index '" + q.places.index_name + "' serves other builds of " + named(q.release) + " alone";
    return out;
  }
  return no_output(
      "index '" + q.places.index_name + "' does not list " + named(q.release) + " with this release's sha256",
      "place the wheel of " + named(q.release) + " in index '" + q.places.index_name + "'");
}

Destination folder(const Question& q) {
  if (accelerator_of(q.release.version) != q.reference().accelerator) return other_build(q.found, q.release);
  if (q.release.file_only) {
    return no_output(named(q.release) + " was published as a single file, not as a tree",
                     "mlship build && mlship publish");
  }
  if (!q.release.has_tree) {
    return no_output(no_tree(q.release), std::string(add_platform));
  }
  Destination out = rewritten(q);
  // The text may have doubled slashes and escapes.
  const std::string version = Path(out.text).filename().string();
  const Path tree =
      q.reference().root.empty() ? Path(out.text) : Path(q.reference().root) / q.reference().name / version;
  const std::string place = tree.lexically_normal().string();
  out.carriers.push_back({"tree:" + place, place, q.release.digest});
  return out;
}

bool is_library(const HostPlaces& places, const std::string& folder) {
  return !places.library_path.empty() &&
         Path(folder + "/.").lexically_normal() == Path(places.library_path + "/.").lexically_normal();
}

Destination file(const Question& q) {
  const std::string kind(output_kind(q.reference().form));
  if (q.release.output(kind) == nullptr) {
    return no_output(named(q.release) + " was built without the output '" + kind + "'");
  }
  const Output* output = fitting_output(q.release, q.reference(), q.found.text);
  if (output == nullptr) return other_build(q.found, q.release);
  const std::string& spelled = q.reference().folder;
  const std::string folder = host_folder(q.reference().place.empty() ? spelled : q.reference().place);
  if (folder.empty()) {
    return no_output("'" + spelled + "' is no folder of this host", "write the file's absolute path there");
  }
  Destination out;
  out.text = rewrite(q.found.text, q.reference(), q.release.version, output->filename);
  const std::string path = (Path(folder) / output->filename).lexically_normal().string();
  const bool there = fs::lstat(path).has_value();
  if (there && digest_at(path) != output->digest) {
    return no_output(path + " is there with other content than " + output->digest.brief(),
                     "sha256sum " + path);
  }
  if (is_library(q.places, folder)) {
    out.carriers.push_back({"file:" + path, path, output->digest});
  } else if (!there) {
    return no_output("there is no " + path,
                     "set library-path = \"" + Path(folder + "/.").lexically_normal().parent_path().string() +
                         "\" in " + q.section());
  }
  return out;
}

Destination image(const Question& q) {
  return no_output(named(q.release) + " has no image that this reference could name");
}
Destination bundle(const Question& q) {
  return no_output("whether " + named(q.release) +
                   " is in the registry that this reference names was not checked");
}
Destination maven(const Question& q) {
  const bool told = tells_builds(q.release, Form::maven) || !q.reference().accelerator.empty();
  if (told && fitting_output(q.release, q.reference(), q.found.text) == nullptr)
    return other_build(q.found, q.release);
  if (q.places.trust_pins) return unverified(q);
  return no_output(named(q.release) + " has no Maven artifact that this reference could name");
}
Destination seen_only(const Question& q) {
  Destination out;
  out.skip = q.reference().form == Form::range ? Reason::range : Reason::opaque;
  return out;
}

struct DestinationRow {
  Form form;
  Destination (*answer)(const Question&);
};
constexpr auto rows = std::to_array<DestinationRow>({{Form::wheel, file},
                                                     {Form::egg, file},
                                                     {Form::jar, file},
                                                     {Form::zip, file},
                                                     {Form::sdist, file},
                                                     {Form::pin, pin},
                                                     {Form::range, seen_only},
                                                     {Form::vcs, seen_only},
                                                     {Form::image, image},
                                                     {Form::maven, maven},
                                                     {Form::bundle, bundle},
                                                     {Form::folder, folder}});

}  // namespace

std::string host_folder(std::string_view folder) {
  for (const std::string_view prefix : {"file://", "file:"}) {
    if (folder.starts_with(prefix) && folder.substr(prefix.size()).starts_with('/')) {
      folder.remove_prefix(prefix.size());
      break;
    }
  }
  if (!folder.starts_with('/') || folder.starts_with("//")) return "";
  if (folder.find_first_of("$`*?") != std::string_view::npos) return "";  // the shell's word, not a path
  return std::string(folder);
}

HostPlaces host_places(const TargetSection& section, const Project& project) {
  HostPlaces places;
  places.target = section.name;
  places.install_root = folder_setting(section, project, "install-root");
  places.library_path = folder_setting(section, project, "library-path");
  places.trust_pins = section.flag("trust-pins");
  places.index_name = section.text("index");
  if (places.index_name.empty() && project.dependencies) places.index_name = project.dependencies->index;
  if (places.index_name.empty()) return places;
  const auto index = project.indexes.find(places.index_name);
  if (index == project.indexes.end()) {
    std::vector<std::string> known;
    for (const auto& [name, section_of] : project.indexes) known.push_back(name);
    throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                             ": there is no [indexes." + places.index_name + "]" +
                                             did_you_mean(places.index_name, known))
        .hint("add [indexes." + places.index_name + "] with its url");
  }
  places.index_url = index->second.url;
  constexpr std::string_view kind = "pypi+";
  if (places.index_url.starts_with(kind)) places.index_url.erase(0, kind.size());
  return places;
}

Destination host_destination(const HostPlaces& places, const FoundReference& found, const Release& release,
                             ReleaseSource& source) {
  for (const auto& row : rows) {
    if (row.form == found.reference.form) return row.answer({places, found, release, source});
  }
  throw Error(ErrorCode::internal, "a reference of unknown form");
}

std::optional<Digest> digest_at(const Path& path) {
  const auto resolved = resolve_links(path);
  const auto file = resolved ? fs::open_regular(*resolved) : std::nullopt;
  return file ? std::optional(file->hash()) : std::nullopt;
}

std::vector<Destination> host_own_places(const HostPlaces& places, const Release& release) {
  std::vector<Destination> out;
  if (!places.install_root.empty() && !release.file_only) {
    Destination to;
    to.text = (Path(places.install_root) / release.package / release.version.str()).string();
    if (release.has_tree) {
      to.carriers.push_back({"tree:" + to.text, to.text, release.digest});
    } else {
      to.skip = Reason::no_output;
      to.detail = no_tree(release);
      to.hint = add_platform;
    }
    out.push_back(std::move(to));
  }
  for (const auto& output : release.outputs) {
    if (places.library_path.empty()) break;
    Destination to;
    to.text = (Path(places.library_path) / output.filename).string();
    to.carriers.push_back({"file:" + to.text, to.text, output.digest});
    out.push_back(std::move(to));
  }
  return out;
}

std::string host_missing(const HostPlaces& places, const Reference& r, bool own_only) {
  if (!r.opaque.empty() || !r.version) return "";
  Path path;
  if (r.form == Form::folder && !r.root.empty()) {
    path = Path(r.root) / r.name / r.version_text;
  } else if (!r.file.empty()) {
    const std::string folder = host_folder(r.place.empty() ? r.folder : r.place);
    if (!folder.empty() && (!own_only || is_library(places, folder))) path = Path(folder) / r.file;
  }
  std::error_code failed;
  const auto kind = std::filesystem::status(path, failed).type();
  if (path.empty() || kind != std::filesystem::file_type::not_found) return "";
  return path.lexically_normal().string() + " is not there";
}

bool host_place_exists(const HostPlaces& places, const std::string& text) {
  Grammar grammar{Scheme::pep440, {places.install_root}};
  if (!places.library_path.empty()) grammar.folders = {places.library_path};
  const auto references = find_references(text, grammar);
  if (references.size() != 1) return !text.empty();
  const Reference& r = references.front();
  if (r.form == Form::folder) {
    const auto stat = fs::stat(Path(r.root) / r.name / r.version_text);
    return stat && stat->kind == fs::Kind::folder;
  }
  const std::string folder = r.file.empty() ? "" : host_folder(r.place.empty() ? r.folder : r.place);
  return folder.empty() || fs::exists(Path(folder) / r.file);
}

}  // namespace mlship
