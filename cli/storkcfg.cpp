#include "cli/storkcfg.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/found_project.h"
#include "core/error.h"
#include "core/ini.h"
#include "core/json_library.h"
#include "core/secret.h"
#include "core/text.h"

namespace mlship {
namespace {

constexpr auto section = "DEFAULT";  // the only one that stork reads

// stork adds the scheme by asking for it, and takes the last `/` away; hand-written files may have neither.
std::string clean_host(const std::string& value) {
  const bool scheme = value.starts_with("https://") || value.starts_with("http://");
  std::string host = printable_url(scheme ? value : "https://" + value);
  while (host.ends_with('/')) host.pop_back();
  return host;
}

// stork's folders are those of the workspace's tree, whose files are below /Workspace.
std::string clean_folder(std::string value) {
  while (value.size() > 1 && value.ends_with('/')) value.pop_back();
  for (const std::string_view known : {"/Workspace/", "/Volumes/", "/dbfs/", "dbfs:/"}) {
    if (value.starts_with(known)) return value;
  }
  return "/Workspace" + std::string(value.starts_with('/') ? "" : "/") + value;
}

StorkKey host_key(const std::string& value, StorkConfig& config) {
  if (value.empty()) return {"host", "", "not there: set host in mlship.toml, or DATABRICKS_HOST"};
  config.host = clean_host(value);
  return {"host", "host = " + toml_string(config.host), ""};
}

StorkKey folder_key(const std::string& value, StorkConfig& config) {
  if (value.empty()) return {"prod_folder", "", "not there: set library-path in mlship.toml"};
  config.library_path = clean_folder(value);
  const bool workspace = config.library_path.starts_with("/Workspace/");
  return {"prod_folder", "library-path = " + toml_string(config.library_path),
          workspace ? "a Volume (/Volumes/CATALOG/SCHEMA/NAME) takes files of more than 10 MB too" : ""};
}

StorkKey token_key(const std::string&, StorkConfig&) {
  return {"token", "", "not copied: set DATABRICKS_TOKEN, or profile to one of ~/.databrickscfg"};
}

struct KeyRow {
  std::string_view key;
  StorkKey (*take)(const std::string& value, StorkConfig& config);
};
constexpr auto rows =
    std::to_array<KeyRow>({{"host", host_key}, {"token", token_key}, {"prod_folder", folder_key}});

bool known(std::string_view key) {
  return std::any_of(rows.begin(), rows.end(), [&](const KeyRow& row) { return row.key == key; });
}

}  // namespace

StorkConfig read_storkcfg(const Path& file) {
  const auto text = fs::read_if_exists(file);
  if (!text) {
    const Path older = file.parent_path() / ".apparatecfg";
    const bool renamed = file.filename() == ".storkcfg" && fs::exists(older);
    throw Error(ErrorCode::not_found,
                fmt::format("cannot read {}: there is no such file", printable(file.string())))
        .hint("mlship init --from-storkcfg=" + (renamed ? printable(older.string()) : "FILE"));
  }
  const IniFile ini = parse_ini(*text);
  const auto found = ini.find(section);
  const IniSection values = found == ini.end() ? IniSection() : found->second;
  StorkConfig config{printable(file.string()), "", "", {}};
  if (std::none_of(values.begin(), values.end(), [](const auto& pair) { return known(pair.first); })) {
    throw Error(
        ErrorCode::project_file,
        fmt::format("cannot read {}: it has none of host, token and prod_folder in [DEFAULT]", config.file))
        .hint("mlship init");
  }
  for (const auto& row : rows) {
    const auto value = values.find(row.key);
    if (value == values.end() && row.key == "token") continue;
    config.keys.push_back(row.take(value == values.end() ? "" : printable(value->second), config));
  }
  for (const auto& [key, value] : values) {
    if (!known(key)) config.keys.push_back({printable(key), "", "not used: stork does not know it either"});
  }
  for (const auto& [name, other] : ini) {
    if (name != section)
      config.keys.push_back({"[" + printable(name) + "]", "", "not used: stork reads [DEFAULT] alone"});
  }
  return config;
}

std::string project_text(const StorkConfig& config) {
  const auto line = [](std::string_view key, const std::string& value, std::string_view example) {
    return value.empty() ? fmt::format("# {} = \"{}\"\n", key, example)
                         : fmt::format("{} = {}\n", key, toml_string(value));
  };
  return "# Roll out what was built elsewhere:\n"
         "#   mlship publish --artifact dist/churn-1.4.0-py3-none-any.whl\n"
         "#   mlship plan churn:1.4.0\n"
         "#   mlship rollout churn:1.4.0 --jobs\n"
         "\n"
         "[targets.databricks]\n"
         "kind = \"databricks\"\n" +
         line("host", config.host, "https://my-organization.cloud.databricks.com") +
         "# The token is never in this file: DATABRICKS_TOKEN has it, or a profile of ~/.databrickscfg.\n"
         "# profile = \"DEFAULT\"\n"
         "# Where a rollout puts wheels, eggs and jars before any job names them:\n" +
         line("library-path", config.library_path, "/Volumes/main/ml/libs") +
         "# Move the libraries of interactive clusters too, and restart idle ones:\n"
         "# clusters = true\n"
         "# restart-clusters = true\n";
}

std::string report_text(const StorkConfig& config) {
  std::string out;
  for (const auto& key : config.keys) {
    std::string said = key.became.empty() ? key.remark : key.became;
    if (!key.became.empty() && !key.remark.empty()) said += "  (" + key.remark + ")";
    out += fmt::format("  {:<12} {}\n", key.key, said);
  }
  return out;
}

OrderedJson to_json(const StorkConfig& config) {
  OrderedJson keys = OrderedJson::array();
  for (const auto& key : config.keys) {
    keys.push_back({{"key", key.key},
                    {"became", key.became.empty() ? OrderedJson(nullptr) : OrderedJson(key.became)},
                    {"remark", key.remark}});
  }
  return {{"file", config.file}, {"keys", keys}};
}

}  // namespace mlship
