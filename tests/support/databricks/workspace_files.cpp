// Workspace files: import and export as base64, at most 10 MB.
#include <algorithm>
#include <array>

#include "core/base64.h"
#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

std::string path_of(const Call& call) {
  std::string path = text_of(call, "path");
  if (!path.starts_with('/')) invalid("Path (" + path + ") doesn't start with '/'");
  path = canonical_path(path);
  if (path != "/Workspace" && !path.starts_with("/Workspace/")) path = "/Workspace" + path;
  return path;
}

const File& file_of(const Call& call, const std::string& path) {
  const auto found = call.state.files.find(path);
  if (found == call.state.files.end()) absent("Path (" + path + ") doesn't exist.");
  return *found->second;
}

Json status_of(const std::string& path, const File* file) {
  Json out{{"path", path},
           {"object_type", file == nullptr ? "DIRECTORY" : "FILE"},
           {"object_id", std::hash<std::string>{}(path) >> 12U}};
  if (file == nullptr) return out;
  out["size"] = file->bytes.size();
  out["created_at"] = file->modified;
  out["modified_at"] = file->modified;
  return out;
}

Reply import_file(Call& call) {
  const std::string path = path_of(call);
  const auto bytes = base64_decode(call.body.value("content", ""));
  if (!bytes) invalid("The content is not base64.");
  if (static_cast<std::int64_t>(bytes->size()) > call.switches.import_limit) {
    throw Refusal{400, "MAX_NOTEBOOK_SIZE_EXCEEDED",
                  "The size of the content exceeds the limit of 10485760 bytes."};
  }
  if (!call.state.has_directory(parent_of(path)))
    absent("The parent folder (" + parent_of(path) + ") does not exist.");
  const bool taken = call.state.files.contains(path);
  if ((taken && !flag_of(call, "overwrite")) || call.state.directories.contains(path)) {
    throw Refusal{400, "RESOURCE_ALREADY_EXISTS", "Path (" + path + ") already exists."};
  }
  call.state.put_file(path, *bytes, call.now);
  return json_reply(Json::object());
}

Reply export_file(Call& call) {
  const File& file = file_of(call, path_of(call));
  if (static_cast<std::int64_t>(file.bytes.size()) > call.switches.import_limit) {
    throw Refusal{400, "MAX_NOTEBOOK_SIZE_EXCEEDED",
                  "The size of the file exceeds the limit of 10485760 bytes."};
  }
  if (flag_of(call, "direct_download")) {
    Reply reply;
    reply.headers.emplace("content-type", "application/octet-stream");
    reply.body = file.bytes;
    return reply;
  }
  return json_reply({{"content", base64_encode(file.bytes)}, {"file_type", "auto"}});
}

Reply get_status(Call& call) {
  const std::string path = path_of(call);
  if (!call.state.files.contains(path) && call.state.has_directory(path))
    return json_reply(status_of(path, nullptr));
  return json_reply(status_of(path, &file_of(call, path)));
}

Reply list_folder(Call& call) {
  const std::string path = path_of(call);
  if (!call.state.has_directory(path))
    return json_reply({{"objects", {status_of(path, &file_of(call, path))}}});
  Json objects = Json::array();
  for (const auto& name : call.state.directories) {
    if (parent_of(name) == path) objects.push_back(status_of(name, nullptr));
  }
  for (const auto& [name, file] : call.state.files) {
    if (parent_of(name) == path) objects.push_back(status_of(name, file.get()));
  }
  return json_reply(objects.empty() ? Json::object() : Json{{"objects", objects}});
}

Reply make_folders(Call& call) {
  for (std::string path = path_of(call); path.size() > 1; path = parent_of(path)) {
    if (call.state.files.contains(path)) {
      throw Refusal{400, "RESOURCE_ALREADY_EXISTS", "Path (" + path + ") is a file."};
    }
    call.state.directories.insert(path);
  }
  return json_reply(Json::object());
}

Reply delete_path(Call& call) {
  const std::string path = path_of(call);
  if (call.state.files.erase(path) == 1) return json_reply(Json::object());
  if (!call.state.directories.contains(path)) absent("Path (" + path + ") doesn't exist.");
  const auto below = [&](const std::string& name) { return name.starts_with(path + "/"); };
  const bool used = std::any_of(call.state.files.begin(), call.state.files.end(),
                                [&](const auto& file) { return below(file.first); });
  if (used && !flag_of(call, "recursive")) {
    throw Refusal{400, "DIRECTORY_NOT_EMPTY", "Folder (" + path + ") is not empty"};
  }
  std::erase_if(call.state.files, [&](const auto& file) { return below(file.first); });
  std::erase_if(call.state.directories, [&](const auto& name) { return below(name) || name == path; });
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"POST", "/api/2.0/workspace/import", import_file},
                                              {"GET", "/api/2.0/workspace/export", export_file},
                                              {"GET", "/api/2.0/workspace/get-status", get_status},
                                              {"GET", "/api/2.0/workspace/list", list_folder},
                                              {"POST", "/api/2.0/workspace/mkdirs", make_folders},
                                              {"POST", "/api/2.0/workspace/delete", delete_path}});

}  // namespace

std::span<const Route> workspace_file_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
