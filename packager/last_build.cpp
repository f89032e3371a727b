// A build that nothing has changed for: stats, and opens no content.
#include <algorithm>

#include "core/error.h"
#include "core/json_library.h"
#include "packager/build_outputs.h"
#include "packager/build_record.h"
#include "packager/replace_file.h"

namespace mlship {
namespace {

constexpr std::string_view schema = "mlship.last-build/2";

Json to_json(const BuildResult& r) {
  Json layers = Json::array();
  for (const auto& l : r.layers)
    layers.push_back({{"digest", l.digest.str()}, {"size", l.size}, {"path", l.path}, {"kind", l.kind}});
  Json outputs = Json::array();
  for (const auto& o : r.outputs) {
    outputs.push_back(
        {{"kind", o.kind}, {"filename", o.filename}, {"digest", o.digest.str()}, {"size", o.size}});
  }
  return {{"name", r.name},
          {"scheme", to_string(r.version.scheme())},
          {"version", r.version.str()},
          {"digest", r.digest.str()},
          {"layout", r.layout.string()},
          {"layers", layers},
          {"outputs", outputs}};
}

Digest digest_of(const Json& json) {
  return Digest::parse(json.at("digest").get<std::string>()).value_or(Digest());
}

BuildResult result_of(const Json& json) {
  BuildResult r;
  r.name = json.at("name").get<std::string>();
  const auto scheme = parse_scheme(json.at("scheme").get<std::string>()).value_or(Scheme::pep440);
  r.version = Version::require(json.at("version").get<std::string>(), scheme, "the last build");
  r.digest = digest_of(json);
  r.layout = json.at("layout").get<std::string>();
  for (const auto& l : json.at("layers")) {
    r.layers.push_back({digest_of(l), l.at("size").get<std::uint64_t>(), l.at("path").get<std::string>(),
                        l.at("kind").get<std::string>()});
  }
  for (const auto& o : json.at("outputs")) {
    r.outputs.push_back({o.at("kind").get<std::string>(), o.at("filename").get<std::string>(), digest_of(o),
                         o.at("size").get<std::uint64_t>()});
  }
  return r;
}

// Another mlship may build something else of the same input.
Json program() {
  const auto s = fs::stat("/proc/self/exe");
  return s ? Json{s->device, s->inode, s->size, s->mtime_ns} : Json();
}

// The blobs as they lie there. Without ctime: a wheel of the shared cache gains links from other projects.
Json blob_identities(const BuildResult& result) {
  const oci::Layout blobs(result.layout);
  Json out = Json::array();
  for (const auto& layer : result.layers) {
    const auto s = fs::stat(blobs.blob_path(layer.digest));
    out.push_back(s ? Json{s->inode, s->size, s->mtime_ns} : Json());
  }
  return out;
}

// The youngest of the times it is given; those in the future are somebody's own choice.
class Youngest {
 public:
  void add(std::int64_t mtime_ns, std::int64_t ctime_ns) {
    for (const std::int64_t time : {mtime_ns, ctime_ns}) {
      if (time < limit_) time_ = std::max(time_, time);
    }
  }
  [[nodiscard]] std::int64_t time() const { return time_; }

 private:
  std::int64_t limit_ = file_clock() + 1'000'000'000;
  std::int64_t time_ = 0;
};

// Until the clock has left the tick of the youngest file.
template <typename Files>
void wait_past_all(const Files& files) {
  Youngest youngest;
  for (const auto& s : files) {
    if (s.stat) youngest.add(s.stat->mtime_ns, s.stat->ctime_ns);
  }
  wait_past(youngest.time());
}

// Feeds a digest with many small things at once.
class Gathered {
 public:
  void add(std::string_view data) {
    buffer_ += data;
    if (buffer_.size() >= (16U << 10U)) flush();
  }
  Digest finish() {
    flush();
    return hasher_.finish();
  }

 private:
  void flush() {
    hasher_.update(buffer_);
    buffer_.clear();
  }
  Sha256 hasher_;
  std::string buffer_;
};

template <typename Number>
std::string_view raw_bytes(const Number& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

}  // namespace

LastBuild::LastBuild(const Project& project, const BuildOptions& options, const Path& cache)
    : project_(project), options_(options), file_(cache / "last-build.json") {
  try {
    before_ = look();
    const GitState git = git_state(project.folder, nullptr);
    commit_ = git.commit;
    // A dirty tree is built without what git ignores, and rules about that may change alone.
    if (options.allow_dirty && git.present) {
      for (const auto& path : git_ignored(project.folder)) ignored_ += path + '\n';
      ignored_ = sha256(ignored_).hex();
    }
    if (project.code) {
      code_ = folder_tree(project.folder, code_selection(project, git.present));
      seen_code_ = look_at(*code_);
    }
    if (!project.package->version_git_tag.empty()) {
      for (const auto& tag : git_tags_at_head(project.folder, project.package->version_git_tag))
        tag_ += tag + '\n';
    }
    known_ = true;
  } catch (const Error&) {
    code_.reset();  // the build itself will say what is wrong
  }
}

LastBuild::SeenCode LastBuild::look_at(const SourceTree& code) {
  Gathered files;
  Gathered paths;
  Youngest youngest;
  for (const auto& file : code.files()) {
    for (Gathered* to : {&files, &paths}) {
      to->add(file.path);
      to->add({"", 1});
    }
    if (!file.identity) continue;
    const FileIdentity& s = *file.identity;
    files.add(raw_bytes(s));
    files.add(raw_bytes(file.size));
    files.add(raw_bytes(file.executable));
    youngest.add(s.mtime_ns, s.ctime_ns);
  }
  return {files.finish(), paths.finish(), youngest.time()};
}

std::vector<LastBuild::Seen> LastBuild::look() const {
  std::vector<Seen> out;
  for (const auto& path : read_files(project_)) out.push_back({path, fs::stat(project_.folder / path)});
  for (const auto& section : project_.models) {
    for (const auto& file : find_model(project_, section))
      out.push_back({file.file.string(), file.stat, true});
  }
  return out;
}

Json LastBuild::key(const std::vector<Seen>& seen) const {
  Json files = Json::array();
  for (const auto& s : seen) {
    if (!s.stat) {
      files.push_back({s.path, nullptr, nullptr});
      continue;
    }
    files.push_back({s.path, s.stat->device, s.stat->inode, s.stat->size, s.stat->mtime_ns, s.stat->ctime_ns,
                     s.stat->executable()});
  }
  return {{"program", program()},
          {"project", project_facts(project_)},
          {"output", options_.output.string()},
          {"allow_dirty", options_.allow_dirty},
          {"ignored", ignored_},
          {"commit", commit_},
          {"tag", tag_},
          {"code", seen_code_.files.str()},
          {"files", files}};
}

void LastBuild::settle() const {
  wait_past_all(before_);
  wait_past(seen_code_.youngest);
}

// Files that git ignored last time may not be ignored any more.
bool LastBuild::still_clean() const {
  const TreeSelection selection = code_selection(project_, true);
  const std::string root = Path(selection.root).lexically_normal().generic_string();
  const auto state = git_state(project_.folder, [&](const std::string& path) {
    if (root == "." || root.empty()) return selected(selection, path);
    return path.starts_with(root + "/") && selected(selection, path.substr(root.size() + 1));
  });
  return state.dirty.empty() && state.absent.empty();
}

std::optional<BuildResult> LastBuild::reusable() const {
  if (!known_) return std::nullopt;
  try {
    const auto text = fs::read_if_exists(file_, 1ULL << 30U);
    if (!text) return std::nullopt;
    const Json json = parse_json(*text, ErrorCode::io, file_.string());
    if (json.value("schema", "") != schema || json.at("key") != key(before_)) return std::nullopt;
    BuildResult result = result_of(json.at("result"));
    if (!layout_complete(result) || json.at("blobs") != blob_identities(result)) return std::nullopt;
    if (json.at("ask_git").get<bool>() && !still_clean()) return std::nullopt;
    result.reused = true;
    return result;
  } catch (const std::exception&) {
    return std::nullopt;  // damaged or older: build
  }
}

bool LastBuild::doubtful() const {
  try {
    const auto text = fs::read_if_exists(file_, 1ULL << 30U);
    if (!text) return false;
    const Path layout =
        parse_json(*text, ErrorCode::io, file_.string()).at("result").at("layout").get<std::string>();
    return fs::exists(layout / "index.json") && !fs::exists(record_path(layout));
  } catch (const std::exception&) {
    return true;
  }
}

void LastBuild::remember(const BuildResult& result, const SourceTree* code) const {
  if (!known_) return;
  try {
    // Not the code: what changed there since it was listed has another identity when it is listed again.
    const std::vector<Seen> after = look();
    if (after.size() != before_.size()) return;
    for (size_t i = 0; i < after.size(); ++i) {
      if (after[i].stat.has_value() != before_[i].stat.has_value() || after[i].path != before_[i].path)
        return;
      if (!after[i].stat) continue;
      // Only a model's ctime may have moved: it was linked.
      fs::Stat expected = *before_[i].stat;
      if (after[i].model) expected.ctime_ns = after[i].stat->ctime_ns;
      if (!same_identity(expected, *after[i].stat)) return;
    }
    // Ignored files among the code are no part of a commit; whether they are still ignored, only git knows.
    const bool ask_git = code != nullptr && !commit_.empty() && look_at(*code).paths != seen_code_.paths;
    const Json json{{"schema", schema},
                    {"key", key(after)},
                    {"ask_git", ask_git},
                    {"result", to_json(result)},
                    {"blobs", blob_identities(result)}};
    wait_past_all(after);
    fs::make_folders(file_.parent_path());
    replace_file(file_, canonical_json(json));
  } catch (const Error&) {
    // Only speed is lost.
  }
}

}  // namespace mlship
