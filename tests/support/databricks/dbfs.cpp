// DBFS: blocks of one megabyte at most.
#include <algorithm>
#include <array>

#include "core/base64.h"
#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

std::string path_of(const Call& call, const char* field = "path") {
  const std::string given = text_of(call, field);
  if (given.starts_with("dbfs:/")) return canonical_path(given);
  if (!given.starts_with('/')) invalid("Path must be absolute: " + given);
  return canonical_path("/dbfs" + given);
}

std::string without_scheme(const std::string& path) {
  return path.starts_with("dbfs:/") ? path.substr(5) : path;
}

std::string block_of(const Call& call, const char* field) {
  const auto bytes = base64_decode(call.body.value(field, ""));
  if (!bytes) invalid(std::string(field) + " is not base64.");
  if (static_cast<std::int64_t>(bytes->size()) > call.switches.block_limit) {
    throw Refusal{400, "MAX_BLOCK_SIZE_EXCEEDED", "The block is larger than 1048576 bytes."};
  }
  return *bytes;
}

void require_free(const Call& call, const std::string& path) {
  if (call.state.files.contains(path) && !flag_of(call, "overwrite")) {
    throw Refusal{400, "RESOURCE_ALREADY_EXISTS", "A file or directory already exists at " + path + "."};
  }
}

const File& file_of(const Call& call, const std::string& path) {
  const auto found = call.state.files.find(path);
  if (found == call.state.files.end()) absent("No file or directory exists on path " + path + ".");
  return *found->second;
}

Reply put(Call& call) {
  const std::string path = path_of(call);
  require_free(call, path);
  call.state.put_file(path, block_of(call, "contents"), call.now);
  return json_reply(Json::object());
}

Reply create(Call& call) {
  const std::string path = path_of(call);
  require_free(call, path);
  const std::int64_t handle = call.state.next_id++;
  call.state.handles[handle] = {path, ""};
  return json_reply({{"handle", handle}});
}

auto handle_of(Call& call) {
  const auto found = call.state.handles.find(number_of(call, "handle"));
  if (found == call.state.handles.end()) absent("No stream with this handle.");
  return found;
}

Reply add_block(Call& call) {
  handle_of(call)->second.second += block_of(call, "data");
  return json_reply(Json::object());
}

Reply close(Call& call) {
  const auto found = handle_of(call);
  call.state.put_file(found->second.first, std::move(found->second.second), call.now);
  call.state.handles.erase(found);
  return json_reply(Json::object());
}

Reply read(Call& call) {
  const File& file = file_of(call, path_of(call));
  const std::int64_t length = optional_number(call, "length").value_or(call.switches.block_limit);
  const std::int64_t offset = optional_number(call, "offset").value_or(0);
  if (length > call.switches.block_limit)
    throw Refusal{400, "MAX_READ_SIZE_EXCEEDED", "At most 1048576 bytes can be read."};
  if (offset < 0 || length < 0) invalid("offset and length must not be negative.");
  const std::string part = file.bytes.substr(std::min(static_cast<size_t>(offset), file.bytes.size()),
                                             static_cast<size_t>(length));
  return json_reply({{"bytes_read", part.size()}, {"data", base64_encode(part)}});
}

Json status_of(const std::string& path, const File* file) {
  return {{"path", without_scheme(path)},
          {"is_dir", file == nullptr},
          {"file_size", file == nullptr ? 0 : file->bytes.size()},
          {"modification_time", file == nullptr ? 0 : file->modified}};
}

Reply get_status(Call& call) {
  const std::string path = path_of(call);
  if (!call.state.files.contains(path) && call.state.has_directory(path))
    return json_reply(status_of(path, nullptr));
  return json_reply(status_of(path, &file_of(call, path)));
}

Reply list(Call& call) {
  const std::string path = path_of(call);
  Json entries = Json::array();
  for (const auto& name : call.state.directories) {
    if (parent_of(name) == path) entries.push_back(status_of(name, nullptr));
  }
  for (const auto& [name, file] : call.state.files) {
    if (parent_of(name) == path) entries.push_back(status_of(name, file.get()));
  }
  if (entries.empty() && !call.state.has_directory(path))
    entries.push_back(status_of(path, &file_of(call, path)));
  return json_reply({{"files", entries}});
}

Reply make_directories(Call& call) {
  for (std::string path = path_of(call); path.size() > 6; path = parent_of(path))
    call.state.directories.insert(path);
  return json_reply(Json::object());
}

// As the service: no error when nothing is there.
Reply erase(Call& call) {
  const std::string path = path_of(call);
  const auto below = [&](const std::string& name) { return name.starts_with(path + "/"); };
  const bool used = std::any_of(call.state.files.begin(), call.state.files.end(),
                                [&](const auto& file) { return below(file.first); });
  if (used && !flag_of(call, "recursive")) throw Refusal{400, "IO_ERROR", path + " is not empty"};
  std::erase_if(call.state.files, [&](const auto& file) { return below(file.first) || file.first == path; });
  std::erase_if(call.state.directories, [&](const auto& name) { return below(name) || name == path; });
  return json_reply(Json::object());
}

Reply move(Call& call) {
  const std::string from = path_of(call, "source_path"), to = path_of(call, "destination_path");
  const auto found = call.state.files.find(from);
  if (found == call.state.files.end()) {
    throw Refusal{404, "RESOURCE_DOES_NOT_EXIST", "No file or directory exists on path " + from + "."};
  }
  if (call.state.files.contains(to) || call.state.has_directory(to)) {
    throw Refusal{400, "RESOURCE_ALREADY_EXISTS",
                  "A file or directory already exists at the input path " + to + "."};
  }
  call.state.files[to] = found->second;
  call.state.files.erase(found);
  return json_reply(Json::object());
}

constexpr auto routes = std::to_array<Route>({{"POST", "/api/2.0/dbfs/put", put},
                                              {"POST", "/api/2.0/dbfs/create", create},
                                              {"POST", "/api/2.0/dbfs/add-block", add_block},
                                              {"POST", "/api/2.0/dbfs/close", close},
                                              {"GET", "/api/2.0/dbfs/read", read},
                                              {"GET", "/api/2.0/dbfs/get-status", get_status},
                                              {"GET", "/api/2.0/dbfs/list", list},
                                              {"POST", "/api/2.0/dbfs/mkdirs", make_directories},
                                              {"POST", "/api/2.0/dbfs/move", move},
                                              {"POST", "/api/2.0/dbfs/delete", erase}});

}  // namespace

std::span<const Route> dbfs_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
