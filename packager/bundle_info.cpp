// .mlship/bundle.json, both ways.

#include "core/error.h"
#include "core/json_library.h"
#include "packager/bundle.h"

namespace mlship {
namespace {

Json to_json(const BundleDependency& d) {
  return {{"name", d.name},           {"version", d.version}, {"file", d.file},          {"size", d.size},
          {"digest", d.digest.str()}, {"marker", d.marker},   {"platforms", d.platforms}};
}

Json to_json(const BundleModel& m) {
  return {{"name", m.name}, {"paths", m.paths}, {"header", m.header}};
}

Json to_json(const Output& o) {
  return {{"kind", o.kind}, {"filename", o.filename}, {"digest", o.digest.str()}, {"size", o.size}};
}

// A name that everybody knows tells the system; a file of the project does not.
Json to_json(const Platform& p) {
  Json json{{"name", p.name}, {"python", p.python}, {"machine", p.machine}};
  if (p.system.empty() || named_platform(p.name)) return json;
  json["system"] = p.system;
  json["libc"] = p.libc;
  return json;
}

template <typename T>
Json array_of(const std::vector<T>& values) {
  Json out = Json::array();
  for (const auto& value : values) out.push_back(to_json(value));
  return out;
}

// Required fields of one object of the document; every absence and every other type is the same error.
class Fields {
 public:
  Fields(const Json& json, std::string what) : json_(json), what_(std::move(what)) {
    if (!json.is_object()) throw wrong("not an object");
  }
  [[nodiscard]] std::string text(const char* key) const {
    return at(key, Json::value_t::string).get<std::string>();
  }
  [[nodiscard]] bool has(const char* key) const { return json_.contains(key); }
  [[nodiscard]] std::uint64_t number(const char* key) const {
    return at(key, Json::value_t::number_unsigned).get<std::uint64_t>();
  }
  [[nodiscard]] const Json& array(const char* key) const { return at(key, Json::value_t::array); }
  [[nodiscard]] const Json& object(const char* key) const { return at(key, Json::value_t::object); }
  [[nodiscard]] Digest digest(const char* key) const {
    const auto parsed = Digest::parse(text(key));
    if (!parsed) throw wrong("'" + text(key) + "' is not a sha256 digest");
    return *parsed;
  }
  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> out;
    for (const auto& item : array(key)) {
      if (!item.is_string()) throw wrong("'" + std::string(key) + "' holds something that is not a string");
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  [[nodiscard]] Error wrong(const std::string& why) const {
    return {ErrorCode::bundle, "cannot read " + what_ + ": " + why};
  }

 private:
  [[nodiscard]] const Json& at(const char* key, Json::value_t type) const {
    const auto found = json_.find(key);
    if (found == json_.end()) throw wrong("'" + std::string(key) + "' is missing");
    if (found->type() != type) throw wrong("'" + std::string(key) + "' has the wrong type");
    return *found;
  }
  const Json& json_;
  std::string what_;
};

BundleDependency read_dependency(const Fields& f) {
  return {f.text("name"),   f.text("version"),  f.text("file"),      f.text("marker"),
          f.number("size"), f.digest("digest"), f.texts("platforms")};
}

BundleModel read_model(const Fields& f) {
  return {f.text("name"), f.texts("paths"), f.object("header")};
}

Output read_output(const Fields& f) {
  return {f.text("kind"), f.text("filename"), f.digest("digest"), f.number("size")};
}

Platform read_platform(const Fields& f) {
  Platform p;
  p.name = f.text("name");
  p.python = f.text("python");
  p.machine = f.text("machine");
  if (f.has("system")) {
    p.system = f.text("system");
    p.libc = f.text("libc");
  } else if (named_platform(p.name)) {
    const Platform known = load_platform(p.name, {});
    p.system = known.system;
    p.libc = known.libc;
  }
  return p;
}

template <typename T>
std::vector<T> read_all(const Fields& f, const char* key, const std::string& what, T (*read)(const Fields&)) {
  std::vector<T> out;
  for (const auto& item : f.array(key)) out.push_back(read(Fields(item, what + ", " + key)));
  return out;
}

}  // namespace

Json to_json(const BundleInfo& info) {
  return {{"schema", info.schema},
          {"package", info.package},
          {"name", info.name},
          {"scheme", to_string(info.scheme)},
          {"version", info.version.str()},
          {"description", info.description},
          {"license", info.license},
          {"entry_points", info.entry_points},
          {"platforms", array_of(info.platforms)},
          {"dependencies", array_of(info.dependencies)},
          {"models", array_of(info.models)},
          {"outputs", array_of(info.outputs)}};
}

BundleInfo parse_bundle_info(std::string_view bytes, std::string_view what) {
  const std::string shown(what);
  const Json json = parse_json(bytes, ErrorCode::bundle, what);
  const Fields f(json, shown);
  BundleInfo info;
  // A newer schema may mean the same words differently.
  if (f.number("schema") != 1) {
    throw f.wrong("schema " + std::to_string(f.number("schema")) + " is newer than this mlship");
  }
  const auto scheme = parse_scheme(f.text("scheme"));
  if (!scheme) throw f.wrong("unknown scheme '" + f.text("scheme") + "'");
  const auto version = Version::parse(f.text("version"), *scheme);
  if (!version) throw f.wrong("'" + f.text("version") + "' is not a version");
  info.package = f.text("package");
  info.name = f.text("name");
  info.scheme = *scheme;
  info.version = *version;
  info.description = f.text("description");
  info.license = f.text("license");
  for (const auto& [name, target] : f.object("entry_points").items()) {
    if (!target.is_string()) throw f.wrong("the entry point '" + name + "' is not a string");
    info.entry_points[name] = target.get<std::string>();
  }
  info.platforms = read_all(f, "platforms", shown, read_platform);
  info.dependencies = read_all(f, "dependencies", shown, read_dependency);
  info.models = read_all(f, "models", shown, read_model);
  info.outputs = read_all(f, "outputs", shown, read_output);
  return info;
}

}  // namespace mlship
