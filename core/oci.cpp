#include "core/oci.h"

#include "core/json_library.h"

namespace mlship::oci {
namespace {

Error malformed(std::string_view what, const std::string& why) {
  return {ErrorCode::bundle, "cannot read " + std::string(what) + ": " + why};
}

std::string text_field(const Json& json, const char* key, std::string_view what, bool required) {
  const auto found = json.find(key);
  if (found == json.end()) {
    if (required) throw malformed(what, std::string("'") + key + "' is missing");
    return {};
  }
  if (!found->is_string()) throw malformed(what, std::string("'") + key + "' is not a string");
  return found->get<std::string>();
}

Annotations annotations_of(const Json& json, std::string_view what) {
  Annotations out;
  const auto found = json.find("annotations");
  if (found == json.end() || found->is_null()) return out;
  if (!found->is_object()) throw malformed(what, "'annotations' is not an object");
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) throw malformed(what, "the annotation '" + key + "' is not a string");
    out[key] = value.get<std::string>();
  }
  return out;
}

// The index as it stands, with the fields of other tools; an empty object when there is none, or none that
// can be read: whoever replaces it has read it before.
Json other_fields(const Path& file) {
  const auto text = fs::read_if_exists(file);
  Json json = text ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_object() || !json.contains("manifests") || !json["manifests"].is_array())
    return Json::object();
  return json;
}

std::string ref_name(const Json& entry) {
  const auto annotations = entry.find("annotations");
  return annotations != entry.end() && annotations->is_object()
             ? annotations->value(std::string(annotation::ref_name), "")
             : "";
}

// The descriptor, with what another tool added to the entry of the same digest, first of the same name
// (image-spec descriptor.md: `platform`, `data`, `urls` and what is still to come).
Json with_other_fields(const Descriptor& d, const Json& index) {
  const Json own = to_json(d);
  Json out = Json::object();
  for (const auto& entry : index.value("manifests", Json::array())) {
    if (!entry.is_object() || entry.value("digest", Json()) != own["digest"]) continue;
    const bool same_name = ref_name(entry) == ref_name(own);
    if (out.empty() || same_name) out = entry;
    if (same_name) break;
  }
  for (const char* known : {"artifactType", "annotations"}) out.erase(known);
  out.update(own);
  return out;
}

}  // namespace

std::string Descriptor::title() const {
  const auto found = annotations.find(annotation::title);
  return found == annotations.end() ? "" : found->second;
}

Json to_json(const Descriptor& d) {
  Json json{{"mediaType", d.media_type}, {"digest", d.digest.str()}, {"size", d.size}};
  if (!d.artifact_type.empty()) json["artifactType"] = d.artifact_type;
  if (!d.annotations.empty()) json["annotations"] = d.annotations;
  return json;
}

Descriptor parse_descriptor(const Json& json, std::string_view what) {
  if (!json.is_object()) throw malformed(what, "a descriptor is not an object");
  Descriptor d;
  d.media_type = text_field(json, "mediaType", what, true);
  const std::string digest = text_field(json, "digest", what, true);
  const auto parsed = Digest::parse(digest);
  if (!parsed) throw malformed(what, "'" + digest + "' is not a sha256 digest");
  d.digest = *parsed;
  const auto size = json.find("size");
  if (size == json.end() || !size->is_number_unsigned())
    throw malformed(what, "'size' is missing or negative");
  d.size = size->get<std::uint64_t>();
  d.artifact_type = text_field(json, "artifactType", what, false);
  d.annotations = annotations_of(json, what);
  return d;
}

std::string serialize(const Manifest& m) {
  Json layers = Json::array();
  for (const auto& layer : m.layers) layers.push_back(to_json(layer));
  Json json{{"schemaVersion", 2},
            {"mediaType", media::manifest},
            {"config", to_json(m.config)},
            {"layers", layers}};
  if (!m.artifact_type.empty()) json["artifactType"] = m.artifact_type;
  if (m.subject) json["subject"] = to_json(*m.subject);
  if (!m.annotations.empty()) json["annotations"] = m.annotations;
  return canonical_json(json);
}

Manifest parse_manifest(std::string_view bytes, std::string_view what) {
  const Json json = parse_json(bytes, ErrorCode::bundle, what);
  if (!json.is_object()) throw malformed(what, "not a JSON object");
  if (json.value("schemaVersion", Json()) != 2) throw malformed(what, "'schemaVersion' is not 2");
  // image-spec manifest.md: a document with both kinds of fields is the CVE-2021-41190 confusion.
  if (json.contains("manifests")) throw malformed(what, "it is an index and a manifest at once");
  const std::string type = text_field(json, "mediaType", what, false);
  if (!type.empty() && type != media::manifest) throw malformed(what, "unknown mediaType '" + type + "'");
  if (!json.contains("config")) throw malformed(what, "'config' is missing");
  if (!json.contains("layers") || !json["layers"].is_array())
    throw malformed(what, "'layers' is not an array");
  Manifest m;
  m.artifact_type = text_field(json, "artifactType", what, false);
  m.config = parse_descriptor(json["config"], what);
  for (const auto& layer : json["layers"]) m.layers.push_back(parse_descriptor(layer, what));
  if (json.contains("subject")) m.subject = parse_descriptor(json["subject"], what);
  m.annotations = annotations_of(json, what);
  return m;
}

Layout Layout::create(const Path& folder) {
  fs::make_folders_durable(folder / "blobs" / "sha256");
  const Layout layout(folder);
  layout.add_missing();
  return layout;
}

Layout Layout::create_private(const Path& folder) {
  fs::make_folders(folder / "blobs" / "sha256");
  Layout layout(folder);
  layout.durable_ = false;
  layout.add_missing();
  return layout;
}

void Layout::add_missing() const {
  if (!fs::exists(folder_ / "index.json")) write_index({});
  if (!fs::exists(folder_ / "oci-layout")) {
    write(folder_ / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }
}

void Layout::write(const Path& file, std::string_view content) const {
  const auto there = durable_ ? fs::stat(file) : std::nullopt;
  if (durable_) return fs::write_atomic(file, content, there ? there->mode : fs::by_umask);
  fs::remove_file(file);
  fs::Writer out(file);
  out.write(content);
  out.close(false);
}

Layout Layout::open(const Path& folder) {
  const auto s = fs::stat(folder);
  if (!s || s->kind != fs::Kind::folder) {
    throw Error(ErrorCode::not_found, "cannot open " + folder.string() + ": no such folder");
  }
  const auto marker = fs::read_if_exists(folder / "oci-layout", 4096);
  if (!marker) throw malformed(folder.string(), "not an OCI image layout (no oci-layout file)");
  const Json json = parse_json(*marker, ErrorCode::bundle, (folder / "oci-layout").string());
  if (!json.is_object() || json.value("imageLayoutVersion", "") != "1.0.0") {
    throw malformed(folder.string(), "imageLayoutVersion is not 1.0.0");
  }
  return Layout(folder);
}

Path Layout::blob_path(const Digest& digest) const {
  return folder_ / "blobs" / "sha256" / digest.hex();
}
bool Layout::has_blob(const Digest& digest) const {
  return fs::exists(blob_path(digest));
}

std::string Layout::read_blob(const Digest& digest, std::uint64_t limit) const {
  auto content = fs::read_if_exists(blob_path(digest), limit);
  if (!content) throw malformed(folder_.string(), "the blob " + digest.str() + " is missing");
  const Digest actual = sha256(*content);
  if (actual != digest) {
    throw Error(ErrorCode::verification,
                "cannot read " + blob_path(digest).string() + ": its content is damaged")
        .fact("expected", digest.str())
        .fact("actual", actual.str());
  }
  return std::move(*content);
}

Descriptor Layout::write_blob(std::string_view content, std::string media_type) const {
  Descriptor d;
  d.media_type = std::move(media_type);
  d.digest = sha256(content);
  d.size = content.size();
  if (!has_blob(d.digest)) write(blob_path(d.digest), content);
  return d;
}

void Layout::adopt_blob(const Path& file, const Digest& digest) const {
  fs::rename(file, blob_path(digest));
  if (durable_) fs::sync_folder(blob_path(digest).parent_path());
}

std::vector<Descriptor> Layout::index() const {
  const Path file = folder_ / "index.json";
  const Json json = parse_json(fs::read_file(file), ErrorCode::bundle, file.string());
  if (!json.is_object() || !json.contains("manifests") || !json["manifests"].is_array()) {
    throw malformed(file.string(), "'manifests' is not an array");
  }
  std::vector<Descriptor> out;
  for (const auto& entry : json["manifests"]) out.push_back(parse_descriptor(entry, file.string()));
  return out;
}

void Layout::write_index(const std::vector<Descriptor>& manifests) const {
  Json index = other_fields(folder_ / "index.json");
  Json list = Json::array();
  for (const auto& d : manifests) list.push_back(with_other_fields(d, index));
  index["schemaVersion"] = 2;
  index["mediaType"] = media::index;
  index["manifests"] = std::move(list);
  write(folder_ / "index.json", canonical_json(index));
}

}  // namespace mlship::oci
