// The Files API: volumes, raw bytes. HEAD tells size and time, no hash.
#include <algorithm>
#include <array>
#include <ctime>

#include "tests/support/databricks/api.h"

namespace mlship::testing::dbx {
namespace {

std::string http_date(std::int64_t milliseconds) {
  const std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

std::string volume_path(const Call& call) {
  std::string path = canonical_path(call.rest);
  if (!path.starts_with("/Volumes/")) {
    throw Refusal{400, "INVALID_PARAMETER_VALUE", "Invalid path: unsupported first path component: " + path};
  }
  return path;
}

// /Volumes/catalog/schema/volume/name at least.
std::string file_path(const Call& call) {
  std::string path = volume_path(call);
  if (std::count(path.begin(), path.end(), '/') < 5) invalid("Invalid path: " + path + " names no file");
  return path;
}

[[noreturn]] void no_file(const std::string& path) {
  throw Refusal{404, "NOT_FOUND", "The file being accessed is not found: " + path};
}
[[noreturn]] void no_directory(const std::string& path) {
  throw Refusal{404, "NOT_FOUND", "The directory being accessed is not found: " + path};
}

Reply empty_reply(int status) {
  Reply reply;
  reply.status = status;
  return reply;
}

Reply put_file(Call& call) {
  const std::string path = file_path(call);
  if (static_cast<std::int64_t>(call.request.body.size()) > call.switches.file_limit) {
    throw Refusal{413, "INVALID_PARAMETER_VALUE", "The file is larger than the Files API takes."};
  }
  if (call.switches.parent_must_exist && !call.state.has_directory(parent_of(path)))
    no_directory(parent_of(path));
  if (call.state.has_directory(path)) throw Refusal{409, "ALREADY_EXISTS", path + " is a directory."};
  if (call.state.files.contains(path) && !flag_of(call, "overwrite")) {
    throw Refusal{409, "ALREADY_EXISTS", "The file being created already exists: " + path};
  }
  call.state.put_file(path, call.request.body, call.now);
  return empty_reply(204);
}

Reply describe(Call& call, bool body) {
  const std::string path = file_path(call);
  const auto found = call.state.files.find(path);
  if (found == call.state.files.end()) no_file(path);
  Reply reply;
  reply.headers.emplace("content-type", "application/octet-stream");
  reply.headers.emplace("content-length", std::to_string(found->second->bytes.size()));
  reply.headers.emplace("last-modified", http_date(found->second->modified));
  if (body) reply.body = found->second->bytes;
  return reply;
}
Reply get_file(Call& call) {
  return describe(call, true);
}
Reply head_file(Call& call) {
  return describe(call, false);
}

Reply delete_file(Call& call) {
  const std::string path = file_path(call);
  if (call.state.files.erase(path) == 0) no_file(path);
  return empty_reply(204);
}

Reply put_directory(Call& call) {
  std::string path = volume_path(call);
  if (call.state.files.contains(path)) throw Refusal{409, "ALREADY_EXISTS", path + " is a file."};
  for (; path.size() > 1; path = parent_of(path)) call.state.directories.insert(path);
  return empty_reply(204);
}

Reply head_directory(Call& call) {
  if (!call.state.has_directory(volume_path(call))) no_directory(volume_path(call));
  return empty_reply(200);
}

Reply list_directory(Call& call) {
  const std::string path = volume_path(call);
  if (!call.state.has_directory(path)) no_directory(path);
  Json entries = Json::array();
  for (const auto& name : call.state.directories) {
    if (parent_of(name) == path) {
      entries.push_back({{"path", name}, {"name", name.substr(path.size() + 1)}, {"is_directory", true}});
    }
  }
  for (const auto& [name, file] : call.state.files) {
    if (parent_of(name) != path) continue;
    entries.push_back({{"path", name},
                       {"name", name.substr(path.size() + 1)},
                       {"is_directory", false},
                       {"file_size", file->bytes.size()},
                       {"last_modified", file->modified}});
  }
  Json answer = Json::object();
  const Page page = page_of(call, entries.size(), "page_size", 1000, 1000, answer);
  answer["contents"] = Json::array();
  for (size_t i = page.begin; i < page.end; ++i) answer["contents"].push_back(entries[i]);
  return json_reply(answer);
}

Reply delete_directory(Call& call) {
  const std::string path = volume_path(call);
  if (!call.state.directories.contains(path)) no_directory(path);
  const auto below = [&](const std::string& name) { return name.starts_with(path + "/"); };
  const bool used = std::any_of(call.state.directories.begin(), call.state.directories.end(), below) ||
                    std::any_of(call.state.files.begin(), call.state.files.end(),
                                [&](const auto& e) { return below(e.first); });
  if (used) throw Refusal{400, "DIRECTORY_NOT_EMPTY", "The directory is not empty: " + path};
  call.state.directories.erase(path);
  return empty_reply(204);
}

constexpr auto routes = std::to_array<Route>({{"PUT", "/api/2.0/fs/files/**", put_file},
                                              {"GET", "/api/2.0/fs/files/**", get_file},
                                              {"HEAD", "/api/2.0/fs/files/**", head_file},
                                              {"DELETE", "/api/2.0/fs/files/**", delete_file},
                                              {"PUT", "/api/2.0/fs/directories/**", put_directory},
                                              {"GET", "/api/2.0/fs/directories/**", list_directory},
                                              {"HEAD", "/api/2.0/fs/directories/**", head_directory},
                                              {"DELETE", "/api/2.0/fs/directories/**", delete_directory}});

}  // namespace

std::span<const Route> file_routes() {
  return routes;
}

}  // namespace mlship::testing::dbx
