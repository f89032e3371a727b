#include "packager/build_layers.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "core/error.h"
#include "core/json_library.h"
#include "core/names.h"
#include "packager/build_outputs.h"
#include "packager/bundle_paths.h"
#include "packager/bundle_writer.h"
#include "packager/byte_file.h"
#include "packager/member_path.h"
#include "packager/pickle.h"
#include "packager/tar.h"

namespace mlship {
namespace {

constexpr std::uint64_t small_duplicate = 1U << 20U;  // bytes; larger ones have a tar of their own

// One file on its way into the bundle: where its bytes are, and where they go.
struct Candidate {
  std::string kind;
  const char* media = oci::media::code_raw;
  std::string path;
  Digest digest;
  std::uint64_t size = 0;
  bool executable = false;
  std::string bytes;  // when `file` is empty
  PlacedFile placed;  // else
};

// docs/bundle.md: configurations are weight.config; KitOps and modctl sort by the same endings.
bool is_configuration(const std::string& path) {
  constexpr std::string_view endings[] = {".json", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".ini"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view e) { return path.ends_with(e); });
}

std::vector<Candidate> candidates(const BuildInputs& inputs) {
  std::vector<Candidate> out;
  for (const auto& d : inputs.dependencies) {
    Candidate c{
        "dependency", oci::media::code_raw, bundle_path::dependency(d.file), d.digest, d.size, false, {}, {}};
    c.placed = {d.file, d.cached, d.digest, {}, false, false};
    out.push_back(std::move(c));
  }
  const auto by_path = [](const Candidate& a, const Candidate& b) { return a.path < b.path; };
  std::sort(out.begin(), out.end(), by_path);
  const auto models = static_cast<std::ptrdiff_t>(out.size());
  for (const auto& model : inputs.models) {
    for (const auto& f : model.files) {
      Candidate c{
          "model",     is_configuration(f.path) ? oci::media::weight_config_raw : oci::media::weight_raw,
          f.path,      f.digest,
          f.stat.size, f.stat.executable(),
          {},          {f.shown, f.file, f.digest, f.stat, false, true}};
      out.push_back(std::move(c));
    }
  }
  std::sort(out.begin() + models, out.end(), by_path);
  if (!inputs.readme.path.empty()) {
    const auto& readme = inputs.readme;
    out.push_back({"document",
                   oci::media::doc_raw,
                   readme.path,
                   sha256(readme.text),
                   readme.text.size(),
                   false,
                   readme.text,
                   {}});
  }
  return out;
}

// No path twice, whatever kind of layer holds it: readers lose one of the two.
void check_paths(const BuildInputs& inputs, const std::vector<Candidate>& files) {
  std::map<std::string, std::string, std::less<>> seen{
      {std::string(bundle_path::info), "mlship's own metadata"},
      {std::string(bundle_path::code_tar), "the code archive"},
      {std::string(bundle_path::files_tar), "the second archive"}};
  const auto add = [&seen](const std::string& path, const std::string& what) {
    check_member_path(path, what);
    const auto [at, fresh] = seen.emplace(path, what);
    if (fresh) return;
    throw Error(ErrorCode::duplicate_path, "cannot bundle " + what + ": the path " + path + " is taken")
        .fact("first", at->second)
        .fact("second", what)
        .hint("rename one of the two, or leave it out");
  };
  for (const auto& c : files)
    add(c.path, c.placed.shown.empty() ? c.kind + " " + c.path : c.kind + " " + c.placed.shown);
  if (!inputs.code) return;
  for (const auto& f : inputs.code->files()) {
    // Tens of thousands, each path once: no text is made for one that is fine.
    const bool fine = path_fault(f.path).empty() && is_nfc(f.path) && !seen.contains(f.path);
    if (!fine) add(std::string(f.path), "code " + std::string(f.path));
  }
}

TarMember member_of(const Candidate& c) {
  TarMember member{c.path, c.executable, c.size, {}};
  if (c.placed.file.empty()) {
    member.content = [&c](const auto& sink) { sink(c.bytes); };
  } else {
    member.content = [&c](const auto& sink) { fs::read_chunks(c.placed.file, sink); };
  }
  return member;
}

class Assembly {
 public:
  Assembly(const Project& project, BuildInputs& inputs, const Path& folder)
      : project_(project), inputs_(inputs), writer_(folder), outputs_(project, inputs, folder) {}

  Assembled run() {
    std::vector<Candidate> files = candidates(inputs_);
    check_paths(inputs_, files);
    const bool alone = code_is_alone(files);
    if (alone) add_tar(bundle_path::code_tar, "code", code_members());
    inputs_.finish_hashing();
    files = candidates(inputs_);
    std::vector<const Candidate*> raw;
    std::vector<TarMember> with_code;
    std::vector<TarMember> rest;
    divert(files, raw, with_code, rest);
    if (alone && !with_code.empty()) refuse_changed(std::string(with_code.front().path));
    if (!alone) add_code_with(std::move(with_code));
    add_tar(bundle_path::files_tar, "files", std::move(rest));
    for (const auto* c : raw) add_candidate(*c);
    result_.version = inputs_.dirty() ? dirty_version(inputs_.version, tree_hash()) : inputs_.version;
    require_tag_for(project_, result_.version);
    for (const auto& output : outputs_.finish(result_.version)) add_output(output);
    result_.digest = writer_.finish(bundle_info(project_, inputs_, result_));
    result_.layers = writer_.layers();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::vector<TarMember> code_members() {
    std::vector<TarMember> out;
    if (!inputs_.code) return out;
    out.reserve(inputs_.code->files().size());
    for (const auto& file : inputs_.code->files()) {
      out.push_back({file.path, file.executable, file.size, [this, &file](const auto& sink) {
                       inputs_.code->read(file, content_);
                       refuse_pickle(std::string(file.path));
                       outputs_.add(file, content_);
                       sink(content_);
                     }});
    }
    return out;
  }

  // The rule of models, wherever a file is in the bundle. Python's own text is never one.
  void refuse_pickle(const std::string& path) const {
    const auto& allowed = project_.code->allow_pickle;
    if (path.ends_with(".py") || content_.empty()) return;
    if (std::any_of(allowed.begin(), allowed.end(), [&](const auto& glob) { return glob_match(glob, path); }))
      return;
    const ByteFile bytes{std::string_view(content_)};
    const std::string kind = pickle_kind(bytes, path.substr(path.rfind('/') + 1));
    if (kind.empty()) return;
    throw pickle_refused(bytes, kind, path, "allow-pickle = [\"" + path + "\"] below [code]");
  }

  void add_code_with(std::vector<TarMember> others) {
    std::vector<TarMember> members = code_members();
    std::move(others.begin(), others.end(), std::back_inserter(members));
    add_tar(bundle_path::code_tar, "code", std::move(members));
  }

  // True when divert() is going to put none of them into the code archive, whatever their digests are.
  static bool code_is_alone(const std::vector<Candidate>& files) {
    std::set<std::uint64_t> sizes;
    return std::none_of(files.begin(), files.end(), [&sizes](const Candidate& c) {
      const bool plain = c.size != 0 && !c.executable;
      return c.size < small_duplicate && (!plain || !sizes.insert(c.size).second);
    });
  }

  [[noreturn]] static void refuse_changed(const std::string& shown) {
    throw Error(ErrorCode::changed_since_build, "cannot bundle " + shown + ": it changed during the build")
        .hint("mlship build");
  }

  // Profile rule 2: raw files come out 0644 everywhere, empty ones and equal ones collide.
  static void divert(const std::vector<Candidate>& files, std::vector<const Candidate*>& raw,
                     std::vector<TarMember>& code, std::vector<TarMember>& rest) {
    std::set<Digest> seen;
    for (const auto& c : files) {
      const bool plain = c.size != 0 && !c.executable;
      if (plain && seen.insert(c.digest).second) {
        raw.push_back(&c);
      } else {
        (c.size < small_duplicate ? code : rest).push_back(member_of(c));
      }
    }
  }

  void add_tar(std::string_view path, const std::string& kind, std::vector<TarMember> members) {
    if (members.empty()) return;
    const Spooled made =
        spool(layout().folder(), [&](const auto& sink) { write_tar(std::move(members), sink); });
    layout().adopt_blob(made.file, made.digest);
    writer_.add(oci::media::code_tar, std::string(path), kind, made.digest, made.size);
  }

  void add_candidate(const Candidate& c) {
    if (c.placed.file.empty()) {
      layout().write_blob(c.bytes, c.media);
    } else {
      place(c);
    }
    writer_.add(c.media, c.path, c.kind, c.digest, c.size);
  }

  void place(const Candidate& c) {
    PlacedFile placed = c.placed;
    placed.shared = fs::place(placed.file, layout().blob_path(c.digest), true) == fs::Placed::hardlink;
    const auto now = fs::stat(placed.file);
    // A link changes ctime, and only that.
    const bool same = now && now->size == c.size &&
                      (!placed.of_project ||
                       (now->inode == placed.hashed.inode && now->mtime_ns == placed.hashed.mtime_ns));
    if (!same) refuse_changed(placed.shown);
    result_.placed.push_back(std::move(placed));
  }

  void add_output(const MadeOutput& made) {
    const auto& [file, digest, size] = made.content;
    const Output output{made.kind, made.filename, digest, size};
    writer_.add_output(file, output);
    result_.outputs.push_back(output);
  }

  // Everything but the version and what is made from it.
  [[nodiscard]] Digest tree_hash() const {
    Sha256 hasher;
    for (const auto& layer : writer_.layers()) hasher.update(layer.path + '\0' + layer.digest.str() + '\n');
    hasher.update(inputs_.lock);
    hasher.update(canonical_json(project_facts(project_)));
    return hasher.finish();
  }

  [[nodiscard]] const oci::Layout& layout() const { return writer_.layout(); }

  const Project& project_;
  BuildInputs& inputs_;
  BundleWriter writer_;
  OutputMaker outputs_;
  Assembled result_;
  std::string content_;  // of the code file at hand
};

}  // namespace

Version dirty_version(const Version& version, const Digest& tree) {
  const std::string mark = "dirty." + tree.hex().substr(0, 12);
  std::string base = version.str();
  std::string local;
  if (const size_t plus = base.find('+'); plus != std::string::npos) {
    local = base.substr(plus + 1) + ".";
    base.resize(plus);
  }
  if (version.scheme() == Scheme::semver) {
    // SemVer §11: a numeric identifier sorts below every word, so this is below each pre-release too. §10:
    // what stands behind the `+` tells no two versions apart, so the tree stands before it as well, as a
    // number: a wheel's version is PEP 440's.
    const std::string number = std::to_string(std::stoull(tree.hex().substr(0, 12), nullptr, 16));
    return Version::require(base.substr(0, base.find('-')) + "-0.dev" + number + "+" + local + mark,
                            Scheme::semver, "a dirty version");
  }
  base = base.substr(0, base.find(".dev"));
  return Version::require(base + ".dev0+" + local + mark, Scheme::pep440, "a dirty version");
}

Assembled assemble(const Project& project, BuildInputs& inputs, const Path& folder) {
  return Assembly(project, inputs, folder).run();
}

}  // namespace mlship
