#include "core/project_parse.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/names.h"
#include "core/project_reader.h"
#include "core/secret.h"

namespace mlship {
namespace {

std::span<const KeySpec> keys_of(std::string_view table) {
  const auto tables = project_tables();
  const auto row = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == table; });
  return row->keys;
}

struct Parser {
  const ProjectSource& source;
  std::span<const KindKeys> kinds;
  Project& project;
};

// Names become folder names, flags and tag parts.
void check_name(const Parser& in, const toml::Member& member, std::string_view what) {
  const auto ok = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!member.key.empty() && member.key.front() != '.' && member.key.front() != '-' &&
      std::all_of(member.key.begin(), member.key.end(), ok)) {
    return;
  }
  throw in.source.error(member.key_at, "'" + member.key + "' is not a name for " + std::string(what))
      .hint("use letters, digits, '-', '_' and '.'");
}

void check_url(const TableReader& table) {
  const std::string url = table.text("url");
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return;
  const size_t end = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  if (url.substr(scheme + 3, end - scheme - 3).find('@') == std::string::npos) return;
  throw table.error("url", "the url of " + table.title() + " holds credentials")
      .hint("write " + printable_url(url) +
            (url.starts_with("oci://") ? " and run: mlship login" : " and keep the credentials in ~/.netrc"));
}

// The keys of a key's table form.
std::span<const KeySpec> keys_below(std::string_view table, std::string_view key) {
  const auto keys = keys_of(table);
  const auto row = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.name == key; });
  return row->table->keys;
}

void read_version(const ProjectSource& source, const TableReader& table, PackageSection& package) {
  const toml::Node& value = *table.value("version");
  package.version_at = table.where("version");
  if (const auto* text = value.string()) {
    package.version = *text;
    (void)Version::require(*text, package.scheme, "version in " + package.version_at.line_str());
    return;
  }
  const TableReader form(source, "package.version", value, keys_below("package", "version"));
  if (value.table()->size() != 1) {
    throw table.error("version", "'version' is neither a string nor a table of one key git-tag or file")
        .hint("write version = \"1.4.0\", { git-tag = \"v*\" } or { file = \"src/churn/__init__.py\" }");
  }
  package.version_file = form.text("file");
  package.version_git_tag = form.text("git-tag");
}

void read_package(Parser& in, const toml::Member& member) {
  const TableReader table(in.source, "package", *member.value, keys_of("package"));
  PackageSection out;
  out.name = table.text("name");
  out.name_at = table.where("name");
  if (!valid_name(out.name)) {
    throw table.error("name", "'" + out.name + "' is not a package name")
        .hint("use letters, digits, '-', '_' and '.', with a letter or digit at both ends, at most 128");
  }
  out.normal = normalize_name(out.name);
  out.scheme = parse_scheme(table.text("scheme")).value_or(Scheme::pep440);
  read_version(in.source, table, out);
  out.owner = table.text("owner");
  out.description = table.text("description");
  out.license = table.text("license");
  out.readme = table.text("readme");
  in.project.package = std::move(out);
}

// "module:function" with dotted names, as in the entry points specification (object reference).
bool valid_entry_point(std::string_view text) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  bool start = true;
  int colons = 0;
  for (const char c : text) {
    const bool separator = c == '.' || c == ':';
    if (separator ? start : !word(c) || (start && c >= '0' && c <= '9')) return false;
    if (c == ':') ++colons;
    start = separator;
  }
  return !start && colons == 1;
}

void read_code(Parser& in, const toml::Member& member) {
  const TableReader table(in.source, "code", *member.value, keys_of("code"));
  CodeSection out;
  out.at = table.where();
  out.root = table.text("root", ".");
  out.include = table.list("include");
  out.exclude = table.list("exclude");
  out.allow_pickle = table.list("allow-pickle");
  out.entry_points = table.map("entry-points");
  for (const auto& [name, target] : out.entry_points) {
    const toml::Member& entry = *table.value("entry-points")->find(name);
    check_name(in, entry, "an entry point");
    if (valid_entry_point(target)) continue;
    throw in.source.error(entry.value->at, "entry point '" + name + "' is '" + target + "'")
        .hint("write " + name + " = \"module:function\"");
  }
  in.project.code = std::move(out);
}

void read_dependencies(Parser& in, const toml::Member& member) {
  const TableReader table(in.source, "dependencies", *member.value, keys_of("dependencies"));
  DependenciesSection out;
  out.at = table.where();
  out.lock = table.text("lock");
  out.targets = table.list("targets");
  out.index = table.text("index");
  out.find_links = table.list("find-links");
  out.provided = table.list("provided");
  if (out.targets.empty()) {
    // Never guessed from the machine: a laptop and CI would lock different files.
    throw table.error("targets", "'targets' of " + table.title() + " names no platform")
        .hint("write targets = [\"cp311-manylinux_2_28_x86_64\"] or what mlship platforms lists");
  }
  in.project.dependencies = std::move(out);
}

void read_models(Parser& in, const toml::Member& member) {
  if (member.value->array() == nullptr) {
    throw in.source.error(member.key_at, "models are an array of tables").hint("write [[models]]");
  }
  for (const auto& item : *member.value->array()) {
    const TableReader table(in.source, "[models]", *item, keys_of("models[]"));
    ModelSection out{table.text("name"), table.text("path"), table.text("format"),
                     table.flag("allow-pickle").value_or(false), table.where()};
    if (!valid_name(out.name)) {
      throw table.error("name", "'" + out.name + "' is not a name for a model")
          .hint("use letters, digits, '-', '_' and '.'");
    }
    for (const auto& other : in.project.models) {
      if (normalize_name(other.name) != normalize_name(out.name)) continue;
      throw table.error("name", "model '" + out.name + "' stands at " + other.at.line_str() + " already");
    }
    in.project.models.push_back(std::move(out));
  }
}

void read_outputs(Parser& in, const toml::Member& member) {
  const TableReader table(in.source, "outputs", *member.value, keys_of("outputs"));
  OutputsSection& out = in.project.outputs;
  out.present = true;
  out.at = table.where();
  const toml::Node* wheel = table.value("wheel");
  if (wheel == nullptr) return;
  if (const bool* flag = std::get_if<bool>(&wheel->value)) {
    out.wheel = *flag;
    return;
  }
  const TableReader wheel_table(in.source, "outputs.wheel", *wheel, keys_below("outputs", "wheel"));
  out.wheel = true;
  out.wheel_pinned = !wheel_table.text("requires").empty();
}

void read_registry(Parser& in, const toml::Member& member) {
  check_name(in, member, "a registry");
  const TableReader table(in.source, "registries." + member.key, *member.value, keys_of("registries.NAME"));
  check_url(table);
  const RegistrySection out{table.text("url"), table.where("url"), table.flag("plain-http"),
                            table.text("ca-file"), table.list("token-hosts")};
  for (const std::string_view key : {"plain-http", "ca-file", "token-hosts"}) {
    if (table.value(key) == nullptr || out.url.starts_with("oci:")) continue;
    throw table.error(key,
                      "'" + std::string(key) + "' of " + table.title() + " is for oci:// registries only");
  }
  for (const auto& host : out.token_hosts) {
    if (host.find_first_of("/:@ ") == std::string::npos && !host.empty()) continue;
    throw table.error("token-hosts", "'" + printable_url(host) + "' in token-hosts is not the name of a host")
        .hint("write it as in token-hosts = [\"auth.example.com\"]");
  }
  in.project.registries[member.key] = out;
}

void read_index(Parser& in, const toml::Member& member) {
  check_name(in, member, "an index");
  const TableReader table(in.source, "indexes." + member.key, *member.value, keys_of("indexes.NAME"));
  check_url(table);
  const std::string url = table.text("url");
  if (!url.starts_with("pypi+https://") && !url.starts_with("pypi+http://")) {
    throw table.error("url", "'" + printable_url(url) + "' is not the url of an index")
        .hint("write url = \"pypi+https://…\"");
  }
  in.project.indexes[member.key] = {url, table.where("url")};
}

std::span<const KeySpec> keys_of_kind(const Parser& in, const toml::Member& member) {
  const toml::Member* kind = member.value->find("kind");
  const std::string* text = kind == nullptr ? nullptr : kind->value->string();
  std::vector<std::string> known;
  for (const auto& row : in.kinds) {
    if (text != nullptr && row.kind == *text) return row.keys;
    known.emplace_back(row.kind);
  }
  if (text == nullptr) return keys_of("targets.NAME");
  throw in.source
      .error(kind->value->at,
             "unknown kind '" + *text + "' of target '" + member.key + "'" + did_you_mean(*text, known))
      .hint("mlship targets");
}

void read_target(Parser& in, const toml::Member& member) {
  check_name(in, member, "a target");
  TargetSection out;
  const std::string title = "targets." + member.key;
  // A table without a kind fails here: its other keys cannot be judged.
  if (member.value->find("kind") == nullptr && member.value->table() != nullptr) {
    throw in.source.error(member.value->at, "[" + in.source.prefix + title + "] has no 'kind'")
        .hint("mlship targets");
  }
  const TableReader table(in.source, title, *member.value, keys_of_kind(in, member));
  out.name = member.key;
  out.kind = table.text("kind");
  out.at = table.where();
  for (const auto& item : *member.value->table()) {
    if (item.key == "kind") continue;
    const toml::Node& value = *item.value;
    if (value.array() != nullptr) out.values[item.key] = table.list(item.key);
    if (const auto* text = value.string()) out.values[item.key] = *text;
    if (const auto* flag = std::get_if<bool>(&value.value)) out.values[item.key] = *flag;
    if (const auto* number = std::get_if<std::int64_t>(&value.value)) out.values[item.key] = *number;
  }
  in.project.targets[member.key] = std::move(out);
}

void read_object(Parser& in, const toml::Member& member) {
  const TableReader table(in.source, "objects.\"" + member.key + "\"", *member.value,
                          keys_of("objects.GLOB"));
  ObjectSection out;
  out.glob = member.key;
  out.owner = table.text("owner");
  out.at = table.where();
  if (const auto* value = table.value("criticality")) {
    const auto number = std::get<std::int64_t>(value->value);
    if (number < 1 || number > 5) throw table.error("criticality", "it is a number from 1 to 5");
    out.criticality = static_cast<int>(number);
  }
  out.after = table.list("after");
  out.reads = table.list("reads");
  out.writes = table.list("writes");
  out.probe = table.text("probe");
  in.project.objects.push_back(std::move(out));
}

void read_environment(Parser& in, const toml::Member& member) {
  check_name(in, member, "an environment");
  const TableReader table(in.source, "environments." + member.key, *member.value,
                          keys_of("environments.NAME"));
  in.project.environments[member.key] = {member.key, table.text("registry"), table.list("targets"),
                                         table.text("ledger"), table.where()};
}

using Read = void (*)(Parser&, const toml::Member&);

template <Read each>
void read_each(Parser& in, const toml::Member& member) {
  if (member.value->table() == nullptr) {
    throw in.source
        .error(member.key_at,
               "'" + member.key + "' must hold tables, not " + std::string(member.value->type_name()))
        .hint("write [" + in.source.prefix + member.key + ".NAME]");
  }
  for (const auto& item : *member.value->table()) each(in, item);
}

struct SectionRow {
  std::string_view name;
  bool in_user_file;
  Read read;
};
constexpr auto sections = std::to_array<SectionRow>({
    {"package", false, read_package},
    {"code", false, read_code},
    {"dependencies", false, read_dependencies},
    {"models", false, read_models},
    {"outputs", false, read_outputs},
    {"registries", true, read_each<read_registry>},
    {"indexes", true, read_each<read_index>},
    {"targets", true, read_each<read_target>},
    {"objects", false, read_each<read_object>},
    {"environments", true, read_each<read_environment>},
});

}  // namespace

void parse_sections(const toml::Node& root, const ProjectSource& source, bool user_file,
                    std::span<const KindKeys> kinds, Project& project) {
  Parser in{source, kinds, project};
  for (const auto& member : *root.table()) {
    std::vector<std::string> known;
    const SectionRow* row = nullptr;
    for (const auto& section : sections) {
      if (user_file && !section.in_user_file) continue;
      known.emplace_back(section.name);
      if (section.name == member.key) row = &section;
    }
    if (row == nullptr) {
      std::string list;
      for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
      throw source
          .error(member.key_at, "unknown table '" + source.prefix + member.key + "'" +
                                    (user_file ? " in the user file" : "") + did_you_mean(member.key, known))
          .fact("tables", list);
    }
    row->read(in, member);
  }
}

}  // namespace mlship
