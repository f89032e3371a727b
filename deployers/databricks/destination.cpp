#include "deployers/databricks/destination.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.h"
#include "core/secret.h"
#include "deployers/build_variant.h"
#include "deployers/databricks/carrier.h"
#include "deployers/databricks/store.h"

namespace mlship::databricks {
namespace {

std::string named(const Release& release) {
  return release.package + " " + release.version.str();
}

Destination no_output(std::string detail, std::string hint) {
  Destination out;
  out.skip = Reason::no_output;
  out.detail = std::move(detail);
  out.hint = std::move(hint);
  return out;
}

// What pip takes for one.
bool is_url(const std::string& folder) {
  return folder.starts_with("https://") || folder.starts_with("http://") || folder.starts_with("file://");
}

std::string url_escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte > ' ' && byte < 0x7f && std::string_view("#?%\"<>`{}|\\^[]").find(c) == std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

// pip takes URLs after `name @ ` and paths or URLs elsewhere, and knows nothing of dbfs:/.
std::string for_pip(const std::string& path, bool url) {
  constexpr std::string_view dbfs = "dbfs:/";
  const std::string local = path.starts_with(dbfs) ? "/dbfs/" + path.substr(dbfs.size()) : path;
  return url ? "file://" + url_escaped(local) : local;
}

Destination file(const Places& places, const FoundReference& found, const Release& release) {
  const std::string kind(output_kind(found.reference.form));
  if (release.output(kind) == nullptr) {
    return no_output(named(release) + " was built without the output '" + kind + "'",
                     "mlship publish --artifact FILE");
  }
  const Output* output = fitting_output(release, found.reference, found.text);
  if (output == nullptr) return other_build(found, release);
  const std::string section = "[targets." + places.common.target + "]";
  if (places.library_path.empty()) {
    return no_output("there is no folder for published files",
                     "set library-path = \"/Volumes/…\" in " + section);
  }
  const Stored at = stored(places.library_path + "/");
  if (output->size > at.store->limit()) {
    return no_output(output->filename + " is larger than " + std::string(at.store->what()) + " may be (" +
                         std::to_string(at.store->limit() >> 20U) + " MiB)",
                     "set library-path of " + section + " to a volume");
  }
  const std::string path = published_path(places.library_path, release, *output);
  Destination out;
  out.carriers.push_back(file_carrier(path, *output));
  const bool pip_line = found.path.find("/dependencies[") != std::string::npos;
  out.text = pip_line ? for_pip(path, is_url(found.reference.folder)) : path;
  return out;
}

}  // namespace

Places find_places(const TargetSection& section, const Project& project) {
  Places places{host_places(section, project), section.text("library-path")};
  while (places.library_path.ends_with('/')) places.library_path.pop_back();
  // Spellings that libraries take; others of the same place they do not.
  const auto begins = [&](std::string_view prefix) {
    return (places.library_path + "/").starts_with(prefix);
  };
  const bool known =
      (begins("/Volumes/") || begins("/Workspace/") || begins("dbfs:/")) && !begins("dbfs:/Volumes/");
  if (!places.library_path.empty() && !known) {
    throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                             ": library-path " + places.library_path +
                                             " is no folder of a workspace")
        .hint("set library-path to a folder under /Volumes, /Workspace or dbfs:/");
  }
  constexpr auto least = 4;  // /Volumes/CATALOG/SCHEMA/VOLUME
  if (begins("/Volumes/") &&
      std::count(places.library_path.begin(), places.library_path.end(), '/') < least) {
    throw Error(ErrorCode::project_file, "cannot use target '" + section.name + "' of " + section.at.str() +
                                             ": library-path " + places.library_path + " is in no volume")
        .hint("set library-path to /Volumes/CATALOG/SCHEMA/VOLUME or a folder in it");
  }
  return places;
}

Target::Remark check_library_path(Api& api, const Places& places, const TargetSection& section) {
  const std::string where = "[targets." + section.name + "]";
  if (places.library_path.empty()) {
    return {"without library-path no reference to a file moves",
            "set library-path = \"/Volumes/…\" in " + where};
  }
  const Stored at = stored(places.library_path + "/");
  const std::string missing = at.store->missing_root(api, at.path);
  if (!missing.empty()) {
    throw Error(ErrorCode::not_found, "cannot use library-path " + places.library_path + ": " + missing)
        .hint("create it, or correct library-path of " + where);
  }
  return {std::string(at.store->remark()), "set library-path of " + where + " to a volume"};
}

Destination destination_of(const Places& places, const FoundReference& found, const std::string& repo,
                           const Release& release, ReleaseSource& source) {
  if (!found.reference.opaque.empty()) {
    Destination out;
    out.skip = Reason::opaque;
    out.detail = found.reference.opaque;
    return out;
  }
  if (!found.reference.file.empty()) return file(places, found, release);
  if (repo.empty()) return host_destination(places.common, found, release, source);
  // The library's own index has the last word, whatever the target trusts.
  HostPlaces own = places.common;
  own.index_name = printable_url(repo);
  own.index_url = repo;
  own.trust_pins = false;
  return host_destination(own, found, release, source);
}

}  // namespace mlship::databricks
