#include "packager/build_record.h"

#include "core/error.h"
#include "core/host/fs_list.h"
#include "core/json_library.h"
#include "packager/build_inputs.h"
#include "packager/replace_file.h"

namespace mlship {
namespace {

constexpr std::string_view record_schema = "mlship.build/1";

Json identity(const fs::Stat& s) {
  return {s.device, s.inode, s.size, s.mtime_ns, s.ctime_ns};
}

// nullopt: absent, or written by something else.
std::optional<Json> read_record(const Path& layout) {
  const auto text = fs::read_if_exists(record_path(layout));
  if (!text) return std::nullopt;
  Json json = parse_json(*text, ErrorCode::bundle, record_path(layout).string());
  if (!json.is_object() || json.value("schema", "") != record_schema) return std::nullopt;
  return json;
}

}  // namespace

Path record_path(const Path& layout) {
  Path plain = layout.lexically_normal();
  if (!plain.has_filename()) plain = plain.parent_path();
  return plain.parent_path() / (plain.filename().string() + ".build.json");
}

void write_build_record(const Path& layout, const Path& work, const BuildRecord& record,
                        const Assembled& assembled) {
  const oci::Layout blobs(layout);
  Json shared = Json::array();
  for (const auto& placed : assembled.placed) {
    if (!placed.shared) continue;
    const auto s = fs::stat(blobs.blob_path(placed.digest));
    if (!s) continue;
    shared.push_back({{"path", placed.shown}, {"digest", placed.digest.str()}, {"stat", identity(*s)}});
  }
  const Json json{{"schema", record_schema},     {"digest", assembled.digest.str()},
                  {"commit", record.commit},     {"remote", record.remote},
                  {"dirty", record.dirty},       {"started", record.started},
                  {"finished", record.finished}, {"shared", shared}};
  const Path made = work / "record";
  fs::Writer out(made);
  out.write(canonical_json(json) + "\n");
  out.close(false);
  fs::rename(made, record_path(layout));
}

std::string newer_commit(const Project& project, const BuildRecord& record) {
  if (record.dirty || record.commit.empty()) return "";
  const GitState git = git_state(project.folder, nullptr);
  if (!git.present || git.commit.empty() || git.commit == record.commit) return "";
  std::vector<std::string> read = read_files(project);
  for (const auto& model : project.models) read.push_back(model.path);
  const TreeSelection nothing{".", {"/"}, {}, true};
  const TreeSelection code = project.code ? code_selection(project, true) : nothing;
  return git_same_since(project.folder, record.commit, code, read) ? "" : git.commit;
}

void forget_build(const Path& layout) {
  try {
    fs::remove_file(record_path(layout));
  } catch (const Error&) {
    // Then it is somebody else's, and its owner's to build again.
  }
}

std::optional<BuildRecord> read_build_record(const Path& layout) {
  const auto json = read_record(layout);
  if (!json) return std::nullopt;
  // A record that is older than the layout beside it says nothing about it.
  const auto index = oci::Layout::open(layout).index();
  if (index.size() != 1 || index.front().digest.str() != json->value("digest", "")) return std::nullopt;
  BuildRecord record;
  record.commit = json->value("commit", "");
  record.remote = json->value("remote", "");
  record.dirty = json->value("dirty", false);
  record.started = json->value("started", std::int64_t{0});
  record.finished = json->value("finished", std::int64_t{0});
  return record;
}

void check_unchanged(const Path& layout) {
  const auto json = read_record(layout);
  if (!json) return;
  const oci::Layout blobs(layout);
  for (const auto& entry : json->value("shared", Json::array())) {
    const auto digest = Digest::parse(entry.value("digest", ""));
    if (!digest) continue;
    const Path blob = blobs.blob_path(*digest);
    const auto s = fs::stat(blob);
    if (!s || entry.value("stat", Json()) == identity(*s) || fs::hash_file(blob) == *digest) continue;
    const std::string path = entry.value("path", "");
    forget_build(layout);
    throw Error(ErrorCode::changed_since_build,
                "cannot publish " + layout.string() + ": " + path + " changed since the build; build again")
        .fact("expected", digest->str())
        .hint("mlship build");
  }
}

bool layout_complete(const BuildResult& result) {
  const oci::Layout blobs(result.layout);
  // A machine that stopped may have left names without content: dist/ is not flushed. No blob is empty by
  // itself.
  for (const auto& [name, s] : fs::list_stats(result.layout / "blobs" / "sha256")) {
    if (s.size == 0) return false;
  }
  const auto filled = [](const Path& file) {
    const auto s = fs::stat(file);
    return s && s->size > 0;
  };
  for (const auto& layer : result.layers) {
    const auto s = fs::stat(blobs.blob_path(layer.digest));
    if (!s || s->size != layer.size) return false;
  }
  return blobs.has_blob(result.digest) && filled(result.layout / "index.json") &&
         filled(result.layout / "oci-layout") && filled(record_path(result.layout));
}

}  // namespace mlship
