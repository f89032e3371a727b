// Compose files (compose-spec): which values of the YAML may hold references, and whose they are.
#include <algorithm>
#include <array>

#include "core/json_library.h"
#include "deployers/document/document.h"
#include "deployers/document/yaml.h"

namespace mlship {
namespace {

using Kind = YamlNode::Kind;

// Top-level mappings whose entries are objects of their own.
constexpr auto sections =
    std::to_array<std::string_view>({"services", "configs", "secrets", "volumes", "networks", "models"});
// Values that look like references and are none: host:address pairs, ports.
constexpr auto no_sites = std::to_array<std::string_view>({"extra_hosts", "ports", "expose"});
// Keys whose mapping has names of the user's own, not words of the specification.
constexpr auto free_names =
    std::to_array<std::string_view>({"environment", "labels", "args", "annotations", "driver_opts", "options",
                                     "sysctls", "additional_contexts"});
// The project's own, and at the top.
constexpr auto no_objects = std::to_array<std::string_view>({"name", "version"});

template <typename Table>
bool listed(const Table& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

bool plain_key(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string step(const YamlNode& key) {
  if (key.kind != Kind::scalar) return "?";
  if (plain_key(key.value)) return key.value;
  return nlohmann::json(key.value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string joined(const std::string& path, const std::string& next) {
  return path.empty() ? next : path + "." + next;
}

// The value of a key; nullptr when the node is no mapping or has none.
const YamlNode* member(const YamlNode& node, std::string_view key) {
  for (size_t i = 0; node.kind == Kind::mapping && i + 1 < node.children.size(); i += 2) {
    if (node.children[i].value == key) return &node.children[i + 1];
  }
  return nullptr;
}

class Collector {
 public:
  Collector(std::string_view text, std::vector<DocumentObject>& objects) : text_(text), objects_(objects) {}

  void document(const YamlNode& root, size_t number) {
    if (root.kind != Kind::mapping) return;
    const std::string path = number == 1 ? "" : "document[" + std::to_string(number) + "]";
    for (size_t i = 0; i + 1 < root.children.size(); i += 2) {
      const YamlNode& key = root.children[i];
      const YamlNode& value = root.children[i + 1];
      if (listed(sections, key.value) && value.kind == Kind::mapping) {
        entries(value, joined(path, step(key)),
                key.value == "services" ? "compose-service" : "compose-section");
      } else if (!listed(no_objects, key.value)) {
        object(key, value, joined(path, step(key)), "compose-section");
      }
    }
  }

 private:
  void entries(const YamlNode& section, const std::string& path, const std::string& kind) {
    for (size_t i = 0; i + 1 < section.children.size(); i += 2) {
      object(section.children[i], section.children[i + 1], joined(path, step(section.children[i])), kind);
    }
  }

  void object(const YamlNode& key, const YamlNode& value, std::string path, const std::string& kind) {
    DocumentObject out;
    out.name = key.value;
    out.kind = kind;
    out.extent = {key.span.begin, std::max(key.span.end, value.span.end)};
    values(value, path, key.value.starts_with("x-") && kind == "compose-section", out.sites);
    std::erase_if(out.sites, [&](const Site& site) {  // what the thing itself is called
      return kind == "compose-section" && site.path == path + ".name";
    });
    if (out.sites.empty()) return;
    for (auto& site : out.sites) {
      const bool null = text_.substr(site.span.begin, site.span.size()) == "null";  // `!reset null`
      if (site.path == path + ".image" && !null) site.whole = Whole::image;
    }
    out.key = std::move(path);
    objects_.push_back(std::move(out));
  }

  // Extension fields are nobody's but where an anchor makes them somebody's.
  void entry(const YamlNode& key, const YamlNode& value, const std::string& path, bool idle,
             std::vector<Site>& sites) {
    if (listed(no_sites, key.value)) return;
    values(value, path, idle || key.value.starts_with("x-"), sites, listed(free_names, key.value));
  }

  // `free`: the keys of a mapping here are names of the user's own.
  void values(const YamlNode& node, const std::string& path, bool idle, std::vector<Site>& sites,
              bool free = false) {
    if (node.anchored) idle = false;
    if (node.kind == Kind::scalar && !idle && !node.value.empty()) return add(node, path, sites);
    if (node.kind == Kind::sequence) {
      for (size_t i = 0; i < node.children.size(); ++i) {
        values(node.children[i], path + "[" + std::to_string(i) + "]", idle, sites);
      }
    }
    if (node.kind == Kind::mapping) {
      for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        const YamlNode& value = node.children[i + 1];
        const std::string at = joined(path, step(node.children[i]));
        free ? values(value, at, idle, sites) : entry(node.children[i], value, at, idle, sites);
      }
    }
  }

  void add(const YamlNode& node, const std::string& path, std::vector<Site>& sites) {
    Site site{node.content, path, {}, Dialect::compose};
    if (!node.literal) {
      auto source = scalar_source(text_, after_properties(text_, node.span.begin), node.value);
      site.decoded = source ? std::move(source->decoded)
                            : Decoded{node.value, std::vector<size_t>(node.value.size(), Decoded::nowhere)};
      if (!source) site.span = node.span;
    }
    sites.push_back(std::move(site));
  }

  std::string_view text_;
  std::vector<DocumentObject>& objects_;
};

}  // namespace

std::vector<std::string> environment_files_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& root : read_yaml(text).documents) {
    const YamlNode* services = member(root, "services");
    for (size_t i = 1; services != nullptr && i < services->children.size(); i += 2) {
      const YamlNode* named = member(services->children[i], "env_file");
      if (named == nullptr) continue;
      if (named->kind == Kind::scalar) out.push_back(named->value);
      for (const auto& item : named->children) {
        const YamlNode* path = item.kind == Kind::mapping ? member(item, "path") : &item;
        if (path != nullptr && path->kind == Kind::scalar) out.push_back(path->value);
      }
    }
  }
  return out;
}

bool is_compose(std::string_view text) {
  const YamlStream stream = read_yaml(text);
  return std::any_of(stream.documents.begin(), stream.documents.end(), [](const YamlNode& root) {
    for (size_t i = 0; root.kind == Kind::mapping && i + 1 < root.children.size(); i += 2) {
      const bool group = root.children[i + 1].kind == Kind::mapping;
      if (group && listed(sections, root.children[i].value)) return true;
    }
    return false;
  });
}

ParsedDocument parse_compose(std::string_view text) {
  ParsedDocument out;
  const YamlStream stream = read_yaml(text);
  out.problem = stream.problem;
  Collector collector(text, out.objects);
  for (size_t i = 0; i < stream.documents.size(); ++i) collector.document(stream.documents[i], i + 1);
  return out;
}

}  // namespace mlship
