#include "tests/support/databricks/state.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/digest.h"

namespace mlship::testing::dbx {
namespace {

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::pair<std::string_view, std::string> split(std::string_view object) {
  const size_t slash = std::min(object.find('/'), object.size());
  return {object.substr(0, slash), std::string(object.substr(std::min(slash + 1, object.size())))};
}

std::map<std::string, Json>* shelf(State& state, std::string_view kind) {
  if (kind == "pipelines") return &state.pipelines;
  if (kind == "clusters") return &state.clusters;
  if (kind == "policies") return &state.policies;
  return nullptr;
}

struct Prefix {
  std::string_view from, to;
};
// The first that fits counts.
constexpr auto spellings = std::to_array<Prefix>({{"dbfs:/Volumes/", "/Volumes/"},
                                                  {"dbfs:///", "dbfs:/"},
                                                  {"/dbfs/Volumes/", "/Volumes/"},
                                                  {"/dbfs/", "dbfs:/"},
                                                  {"/Users/", "/Workspace/Users/"},
                                                  {"/Shared/", "/Workspace/Shared/"},
                                                  {"/Repos/", "/Workspace/Repos/"}});

}  // namespace

std::string canonical_path(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  for (const auto& row : spellings) {
    if (path.starts_with(row.from)) return std::string(row.to) + std::string(path.substr(row.from.size()));
  }
  return std::string(path);
}

std::string parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
}

void State::put_job(Json job) {
  const std::int64_t id = job.at("job_id");
  erase_job(id);
  if (!job.contains("created_time")) job["created_time"] = id;
  if (!job.contains("creator_user_name")) job["creator_user_name"] = "admin@example.invalid";
  normalise_settings(job["settings"]);
  next_id = std::max(next_id, id + 1);
  order.emplace(job["created_time"].get<std::int64_t>(), id);
  jobs[id] = std::move(job);
}

void State::erase_job(std::int64_t id) {
  const auto found = jobs.find(id);
  if (found == jobs.end()) return;
  order.erase({found->second["created_time"].get<std::int64_t>(), id});
  jobs.erase(found);
}

void State::put_file(const std::string& path, std::string bytes, std::int64_t now) {
  const std::string name = canonical_path(path);
  for (std::string folder = parent_of(name); folder.size() > 1; folder = parent_of(folder)) {
    if (!directories.insert(folder).second) break;
  }
  files[name] = std::make_shared<const File>(File{std::move(bytes), now});
}

bool State::has_directory(const std::string& path) const {
  // A volume and what stands above it is there; so are the roots of the other file systems.
  const auto depth = std::count(path.begin(), path.end(), '/');
  if (path.starts_with("/Volumes")) return depth <= 4 || directories.contains(path);
  return path.empty() || path == "dbfs:" || path == "dbfs:/" || path == "/Workspace" ||
         path == "/Workspace/Shared" || path == "/Workspace/Users" || directories.contains(path);
}

const Json* find_object(const State& state, std::string_view object) {
  const auto [kind, id] = split(object);
  if (kind == "jobs") {
    const auto found = state.jobs.find(number(id));
    return found == state.jobs.end() ? nullptr : &found->second;
  }
  const auto* all = shelf(const_cast<State&>(state), kind);
  if (all == nullptr) return nullptr;
  const auto found = all->find(id);
  return found == all->end() ? nullptr : &found->second;
}

void put_object(State& state, const std::string& object, Json value) {
  const auto [kind, id] = split(object);
  if (kind == "jobs") {
    value["job_id"] = number(id);
    state.put_job(std::move(value));
  } else if (auto* all = shelf(state, kind)) {
    (*all)[id] = std::move(value);
  } else {
    throw Refusal{400, "INVALID_PARAMETER_VALUE", "no such object: " + object};
  }
}

void erase_object(State& state, std::string_view object) {
  const auto [kind, id] = split(object);
  if (kind == "jobs") state.erase_job(number(id));
  if (auto* all = shelf(state, kind)) all->erase(id);
}

Json dump(const State& state) {
  Json out = Json::object();
  for (const auto& [id, job] : state.jobs) out["jobs/" + std::to_string(id)] = job;
  for (const auto& [id, value] : state.pipelines) out["pipelines/" + id] = value;
  for (const auto& [id, value] : state.clusters) out["clusters/" + id] = value;
  for (const auto& [id, value] : state.policies) out["policies/" + id] = value;
  for (const auto& [id, libraries] : state.libraries) {
    Json& list = out["libraries/" + id] = Json::array();
    for (const auto& each : libraries) list.push_back({{"library", each.library}, {"status", each.status}});
  }
  for (const auto& [path, file] : state.files) {
    out["files/" + path] = {{"size", file->bytes.size()}, {"sha256", sha256(file->bytes).hex()}};
  }
  return out;
}

}  // namespace mlship::testing::dbx
