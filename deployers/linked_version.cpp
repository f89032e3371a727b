#include "deployers/linked_version.h"

#include "core/error.h"
#include "core/host/fs.h"
#include "core/names.h"
#include "deployers/file_set.h"
#include "deployers/host_destination.h"

namespace mlship {
namespace {

// "" where the reference names nothing on this host.
Path named_path(const Reference& reference, const std::string& text) {
  if (reference.form == Form::folder) {
    const Path tree =
        reference.root.empty() ? Path(text) : Path(reference.root) / reference.name / reference.version_text;
    return tree.lexically_normal();
  }
  const std::string folder =
      reference.file.empty() ? "" : host_folder(reference.place.empty() ? reference.folder : reference.place);
  return folder.empty() ? Path() : (Path(folder) / reference.file).lexically_normal();
}

std::optional<Path> behind(const Path& path) {
  try {
    const auto stat = path.empty() ? std::nullopt : fs::lstat(path);
    if (stat && stat->kind == fs::Kind::link) return resolve_links(path);
  } catch (const Error&) {  // what nobody may look at stays unread
  }
  return std::nullopt;
}

std::optional<Version> version_of(const Reference& reference, const Path& place, Scheme scheme) {
  const std::string name = place.filename().string();
  if (reference.form == Form::folder) {
    const bool same = normalize_name(place.parent_path().filename().string()) == reference.package;
    return same ? Version::parse(name, scheme) : std::nullopt;
  }
  const auto found = find_references(name, {scheme, {}, Whole::path});
  const bool same = found.size() == 1 && found[0].package == reference.package;
  return same ? found[0].version : std::nullopt;
}

}  // namespace

void read_link(Reference& reference, const std::string& text, Scheme scheme) {
  if (reference.version || reference.version_text.empty() || !reference.opaque.empty()) return;
  const Path path = named_path(reference, text);
  const auto place = behind(path);
  if (!place) return;
  reference.version = version_of(reference, *place, scheme);
  if (!reference.version) return;
  reference.opaque = path.string() + " is a link to " + reference.version->str() +
                     ": links are not changed; lead it to the new version (ln -sfn) when that is there";
}

}  // namespace mlship
