// layout:DIR: one OCI image layout per package in DIR/PACKAGE, readable by every OCI tool. Writers hold a
// flock on DIR/PACKAGE/.lock; readers need none, because index.json is replaced by rename and blobs never
// change. A name is visible only through index.json, which is written last: a killed writer leaves at most
// temporary names (removed by the next one) and complete blobs nobody refers to.

#include <algorithm>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/host/fs.h"
#include "core/names.h"
#include "registry/blob_record.h"
#include "registry/blobs.h"
#include "registry/checks.h"
#include "registry/further.h"
#include "registry/registry.h"

namespace mlship {
namespace {

constexpr std::string_view scheme = "layout";
constexpr std::uint32_t blob_mode = 0444;
constexpr std::string_view incoming_prefix = ".incoming-";
// What a killed writer may leave beside index.json: its incoming folder, fs::write_atomic's temporary files.
constexpr std::string_view leftovers[] = {incoming_prefix, ".index.json.mlship-", ".oci-layout.mlship-",
                                          ".blob-stats.json.mlship-"};

using Entries = std::vector<oci::Descriptor>;

std::string name_of(const oci::Descriptor& entry) {
  const auto found = entry.annotations.find(oci::annotation::ref_name);
  return found == entry.annotations.end() ? "" : found->second;
}

oci::Descriptor without_name(oci::Descriptor entry) {
  entry.annotations.erase(oci::annotation::ref_name);
  return entry;
}

oci::Descriptor with_name(oci::Descriptor entry, const std::string& name) {
  entry.annotations[oci::annotation::ref_name] = name;
  return entry;
}

std::optional<oci::Descriptor> find_digest(const Entries& entries, const Digest& digest) {
  for (const auto& entry : entries) {
    if (entry.digest == digest) return without_name(entry);
  }
  return std::nullopt;
}

// Makes `to` with the content of `from`, hashed on the way, durable. Throws Error(verification) and leaves
// nothing when the content is not the blob. Never a hardlink: the other name's owner could change the bytes
// later.
void copy_verified(const Path& from, const oci::Descriptor& blob, const Path& to, std::uint32_t mode,
                   const std::function<void(std::uint64_t)>& copied) {
  Sha256 hasher;
  std::uint64_t size = 0;
  const auto take = [&](std::string_view data) {
    hasher.update(data);
    size += data.size();
    copied(data.size());
  };
  if (fs::reflink(from, to)) {
    fs::read_chunks(to, take);
    fs::set_mode(to, mode);
    fs::sync_file(to);
  } else {
    fs::Writer writer(to, mode);
    fs::read_chunks(from, [&](std::string_view data) {
      take(data);
      writer.write(data);
    });
    writer.close();
  }
  const Digest actual = hasher.finish();
  if (actual == blob.digest && size == blob.size) return;
  fs::remove_file(to);
  throw damaged_blob(blob, from.string(), actual.str(), size);
}

fs::Lock wait_for_lock(const Path& folder, Diagnostics* diagnostics) {
  const Path file = folder / ".lock";
  if (diagnostics != nullptr) {
    if (auto lock = fs::Lock::attempt(file)) return std::move(*lock);
    diagnostics->status("waiting for another publish to " + folder.string());
  }
  return fs::Lock::wait(file);
}

// Makes the caller the one writer of a package, and removes what killed ones left: no living process owns it
// now.
fs::Lock lock_package(const Path& folder, Diagnostics* diagnostics) {
  fs::make_folders_durable(folder);
  fs::Lock lock = wait_for_lock(folder, diagnostics);
  for (const auto& name : fs::list(folder)) {
    const auto starts = [&name](std::string_view prefix) { return name.starts_with(prefix); };
    if (std::any_of(std::begin(leftovers), std::end(leftovers), starts)) fs::remove_tree(folder / name);
  }
  return lock;
}

// The one writer of a package: holds the lock, owns a folder for files that are not yet blobs.
class Writing {
 public:
  Writing(const Path& folder, Diagnostics* diagnostics)
      : lock_(lock_package(folder, diagnostics)),
        layout_(oci::Layout::create(folder)),
        record_(layout_),
        incoming_(folder, incoming_prefix) {}

  [[nodiscard]] const oci::Layout& layout() const { return layout_; }
  [[nodiscard]] bool sound(const oci::Descriptor& blob) { return record_.sound(blob); }

  void add_file(const Path& from, const oci::Descriptor& blob,
                const std::function<void(std::uint64_t)>& copied) {
    const Path temporary = incoming_.path() / blob.digest.hex();
    copy_verified(from, blob, temporary, blob_mode, copied);
    fs::rename(temporary, layout_.blob_path(blob.digest));
    record_.wrote(blob.digest);
  }

  // Nothing is written when the bytes are there.
  void add_bytes(std::string_view content, const Digest& digest) {
    if (sound({"", digest, content.size(), {}, ""})) return;
    const Path temporary = incoming_.path() / digest.hex();
    fs::Writer writer(temporary, blob_mode);
    writer.write(content);
    writer.close();
    fs::rename(temporary, layout_.blob_path(digest));
    record_.wrote(digest);
  }

  // After this the blobs added so far survive a crash under their names.
  void settle() {
    fs::sync_folder(layout_.folder() / "blobs" / "sha256");
    record_.save();
  }

 private:
  fs::Lock lock_;
  oci::Layout layout_;
  BlobRecord record_;
  fs::TempFolder incoming_;
};

class LayoutRegistry : public Registry {
 public:
  explicit LayoutRegistry(Path root) : root_(std::move(root)) {}

  [[nodiscard]] std::string url() const override { return std::string(scheme) + ":" + root_.string(); }
  [[nodiscard]] bool atomic() const override { return true; }

  std::optional<oci::Descriptor> stat(const std::string& package, const std::string& reference) override;
  std::string get_manifest(const std::string& package, const Digest& digest) override;
  std::string read_blob(const std::string& package, const oci::Descriptor& blob) override;
  void get_blob(const std::string& package, const oci::Descriptor& blob, const Path& to) override;
  PutResult put_if_absent(const std::string& package, const std::string& tag, const oci::Layout& from,
                          const oci::Descriptor& manifest, Diagnostics& diagnostics) override;
  std::vector<std::string> packages() override;
  std::vector<TagInfo> list(const std::string& package) override;
  std::optional<Digest> resolve_tag(const std::string& package, const std::string& tag) override;
  void move_tag(const std::string& package, const std::string& tag, const oci::Descriptor& to,
                const std::optional<Digest>& expected) override;
  void put_referrer(const std::string& package, const oci::Manifest& manifest,
                    const std::vector<std::string>& blobs) override;
  std::vector<Referrer> referrers(const std::string& package, const Digest& subject,
                                  const UnreadableReferrer& unreadable) override;
  void copy_referrer(const std::string& package, const std::string& bytes,
                     const std::vector<std::string>& blobs) override;
  std::vector<oci::Descriptor> missing(const std::string& package,
                                       const std::vector<oci::Descriptor>& blobs) override;
  std::vector<Error> damage() override;

 private:
  // One reading of an index.json, good while the file is the same one.
  struct Cached {
    fs::Stat at;
    Entries entries;
  };

  [[nodiscard]] Path folder(const std::string& package) const {
    require_package(package);
    return root_ / package;
  }
  std::optional<oci::Layout> existing(const std::string& package) const;
  const Entries& entries(const std::string& package);
  // Throws Error(bundle) when the index gives one name to two manifests.
  std::optional<oci::Descriptor> find_name(const Entries& entries, const std::string& name) const;
  void refuse_other(const std::string& package, const std::string& tag, const Digest& local,
                    const Entries& entries) const;
  Path blob_file(const std::string& package, const oci::Descriptor& blob) const;
  const std::optional<Digest>& subject_of(const std::string& package, const oci::Descriptor& manifest);

  Path root_;
  std::map<std::string, Cached> indexes_;
  std::map<Digest, std::optional<Digest>> subjects_;  // by the manifest's digest: content never changes
};

// nullopt: nothing was ever published there (at most a killed first attempt). Anything half there is an
// error.
std::optional<oci::Layout> LayoutRegistry::existing(const std::string& package) const {
  const Path path = folder(package);
  const auto root = fs::stat(root_);
  if (root && root->kind != fs::Kind::folder) {
    throw Error(ErrorCode::io, "cannot open registry " + url() + ": not a folder");
  }
  const bool marked = fs::exists(path / "oci-layout");
  const bool indexed = fs::exists(path / "index.json");
  if (!marked && (!indexed || oci::Layout(path).index().empty())) return std::nullopt;
  if (!indexed) throw Error(ErrorCode::bundle, "cannot read " + path.string() + ": index.json is missing");
  return oci::Layout::open(path);
}

const Entries& LayoutRegistry::entries(const std::string& package) {
  static const Entries none;
  const auto layout = existing(package);
  if (!layout) return none;
  const auto at = fs::stat(layout->folder() / "index.json");
  const auto same = [&at](const fs::Stat& s) {
    return s.inode == at->inode && s.size == at->size && s.mtime_ns == at->mtime_ns &&
           s.ctime_ns == at->ctime_ns;
  };
  auto found = indexes_.find(package);
  if (at && found != indexes_.end() && same(found->second.at)) return found->second.entries;
  auto fresh = Cached{at.value_or(fs::Stat{}), layout->index()};
  return indexes_.insert_or_assign(package, std::move(fresh)).first->second.entries;
}

std::optional<oci::Descriptor> LayoutRegistry::find_name(const Entries& entries,
                                                         const std::string& name) const {
  std::optional<oci::Descriptor> found;
  for (const auto& entry : entries) {
    if (name_of(entry) != name) continue;
    if (found && found->digest != entry.digest) {
      throw Error(ErrorCode::bundle,
                  "cannot read " + url() + ": its index gives the name '" + name + "' twice")
          .fact("first", found->digest.str())
          .fact("second", entry.digest.str());
    }
    found = without_name(entry);
  }
  return found;
}

std::optional<oci::Descriptor> LayoutRegistry::stat(const std::string& package,
                                                    const std::string& reference) {
  if (!reference.starts_with("sha256:")) {
    require_tag(reference);
    return find_name(entries(package), reference);
  }
  const auto digest = Digest::parse(reference);
  if (!digest) throw Error(ErrorCode::reference, "cannot look for '" + reference + "': not a sha256 digest");
  return find_digest(entries(package), *digest);
}

std::string LayoutRegistry::get_manifest(const std::string& package, const Digest& digest) {
  const auto entry = find_digest(entries(package), digest);
  if (!entry) {
    throw Error(ErrorCode::not_found,
                "cannot get " + package + "@" + digest.str() + " from " + url() + ": not there");
  }
  return read_blob(package, *entry);
}

Path LayoutRegistry::blob_file(const std::string& package, const oci::Descriptor& blob) const {
  const auto layout = existing(package);
  if (!layout || !layout->has_blob(blob.digest)) {
    throw Error(ErrorCode::not_found, "cannot get the blob " + blob.digest.str() + " of " + package +
                                          " from " + url() + ": not there");
  }
  return layout->blob_path(blob.digest);
}

std::string LayoutRegistry::read_blob(const std::string& package, const oci::Descriptor& blob) {
  const Path file = blob_file(package, blob);
  std::string content = fs::read_file(file);
  const Digest actual = sha256(content);
  if (actual != blob.digest || content.size() != blob.size)
    throw damaged_blob(blob, file.string(), actual.str(), content.size());
  return content;
}

void LayoutRegistry::get_blob(const std::string& package, const oci::Descriptor& blob, const Path& to) {
  const Path file = blob_file(package, blob);
  const fs::TempFolder beside(to.has_parent_path() ? to.parent_path() : Path("."));
  const Path temporary = beside.path() / "blob";
  copy_verified(file, blob, temporary, 0644, [](std::uint64_t) {});
  if (fs::rename_no_replace(temporary, to)) return;
  throw Error(ErrorCode::io, "cannot make " + to.string() + ": it exists already");
}

void LayoutRegistry::refuse_other(const std::string& package, const std::string& tag, const Digest& local,
                                  const Entries& entries) const {
  const auto there = find_name(entries, tag);
  if (there && there->digest != local) throw version_exists(package, tag, url(), local, there->digest);
}

PutResult LayoutRegistry::put_if_absent(const std::string& package, const std::string& tag,
                                        const oci::Layout& from, const oci::Descriptor& manifest,
                                        Diagnostics& diagnostics) {
  require_tag(tag);
  const std::string bytes = from.read_blob(manifest.digest);
  const auto parsed = oci::parse_manifest(bytes, from.blob_path(manifest.digest).string());
  const auto blobs = blobs_of(parsed);
  const Entries& seen = entries(package);
  refuse_other(package, tag, manifest.digest, seen);
  PutResult result;
  const oci::Layout target(folder(package));
  BlobRecord record(target);
  std::uint64_t total = 0;
  for (const auto& blob : blobs) {
    const bool there = record.sound(blob);
    (there ? result.reused_blobs : result.uploaded_blobs) += 1;
    (there ? result.reused_bytes : result.uploaded_bytes) += blob.size;
    total += there ? 0 : blob.size;
  }
  const bool whole = result.uploaded_blobs == 0 && record.sound(manifest);
  if (find_name(seen, tag) && whole && !record.news()) return result;

  Writing writing(folder(package), &diagnostics);
  Entries index = writing.layout().index();
  refuse_other(package, tag, manifest.digest, index);
  const auto progress = diagnostics.progress("publish " + package + ":" + tag, total, Unit::bytes);
  std::uint64_t done = 0;
  for (const auto& blob : blobs) {
    if (writing.sound(blob)) continue;
    if (!from.has_blob(blob.digest)) throw incomplete_layout(from, blob);
    writing.add_file(from.blob_path(blob.digest), blob,
                     [&](std::uint64_t n) { progress->advance(done += n); });
  }
  writing.settle();
  writing.add_bytes(bytes, manifest.digest);
  writing.settle();
  progress->finish();
  if (find_name(index, tag)) return result;
  index.push_back(
      with_name({oci::media::manifest, manifest.digest, bytes.size(), {}, parsed.artifact_type}, tag));
  writing.layout().write_index(index);
  result.published = true;
  return result;
}

std::vector<std::string> LayoutRegistry::packages() {
  std::vector<std::string> out;
  if (!fs::exists(root_)) return out;
  for (const auto& name : fs::list(root_)) {
    const auto s = fs::stat(root_ / name);
    if (!s || s->kind != fs::Kind::folder || !valid_name(name) || normalize_name(name) != name) continue;
    if (!entries(name).empty()) out.push_back(name);
  }
  return out;
}

std::vector<TagInfo> LayoutRegistry::list(const std::string& package) {
  std::vector<TagInfo> out;
  for (const auto& entry : entries(package)) {
    const std::string name = name_of(entry);
    if (!name.empty() && !own_tag(name)) out.push_back({name, without_name(entry)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.tag < b.tag; });
  return out;
}

std::optional<Digest> LayoutRegistry::resolve_tag(const std::string& package, const std::string& tag) {
  const auto found = stat(package, tag);
  return found ? std::optional(found->digest) : std::nullopt;
}

void LayoutRegistry::move_tag(const std::string& package, const std::string& tag, const oci::Descriptor& to,
                              const std::optional<Digest>& expected) {
  require_tag(tag);
  const auto layout = existing(package);
  const auto absent = [&] {
    return Error(ErrorCode::not_found,
                 "cannot tag " + package + "@" + to.digest.str() + " in " + url() + ": not there");
  };
  if (!layout) throw absent();
  const fs::Lock lock = lock_package(layout->folder(), nullptr);
  Entries index = layout->index();
  const auto target = find_digest(index, to.digest);
  if (!target) throw absent();
  const auto current = find_name(index, tag);
  const auto shown = [](const std::optional<Digest>& d) { return d ? d->str() : std::string("absent"); };
  const auto actual = current ? std::optional(current->digest) : std::nullopt;
  if (actual != expected) throw tag_moved(package, tag, shown(expected), shown(actual));
  if (actual == to.digest) return;
  std::erase_if(index, [&tag](const auto& entry) { return name_of(entry) == tag; });
  // A manifest that lost its last name stays reachable by digest: nothing but gc deletes.
  if (current && !find_digest(index, current->digest)) index.push_back(*current);
  index.push_back(with_name(*target, tag));
  layout->write_index(index);
}

void LayoutRegistry::put_referrer(const std::string& package, const oci::Manifest& manifest,
                                  const std::vector<std::string>& blobs) {
  copy_referrer(package, oci::serialize(manifest), blobs);
}

std::vector<oci::Descriptor> LayoutRegistry::missing(const std::string& package,
                                                     const std::vector<oci::Descriptor>& blobs) {
  const auto layout = existing(package);
  if (!layout) return blobs;
  BlobRecord record(*layout);
  std::vector<oci::Descriptor> out;
  for (const auto& blob : blobs) {
    if (!record.sound(blob)) out.push_back(blob);
  }
  return out;
}

std::vector<Error> LayoutRegistry::damage() {
  std::vector<Error> out;
  for (const auto& package : packages()) {
    const auto layout = existing(package);
    if (!layout) continue;
    BlobRecord record(*layout);
    for (const auto& name : fs::list(layout->folder() / "blobs" / "sha256")) {
      const auto digest = Digest::from_hex(name);
      const auto at = digest ? fs::lstat(layout->blob_path(*digest)) : std::nullopt;
      const oci::Descriptor blob{"", digest.value_or(Digest{}), at ? at->size : 0, {}, ""};
      if (!at || record.sound(blob)) continue;
      out.push_back(Error(ErrorCode::verification, "the blob " + layout->blob_path(*digest).string() +
                                                       " of " + package + " is damaged")
                        .hint("publish a version that has it again: mlship publish"));
    }
  }
  return out;
}

void LayoutRegistry::copy_referrer(const std::string& package, const std::string& bytes,
                                   const std::vector<std::string>& blobs) {
  const oci::Manifest manifest = oci::parse_manifest(bytes, sha256(bytes).str());
  if (!manifest.subject) throw Error(ErrorCode::internal, "a referrer needs a subject");
  Writing writing(folder(package), nullptr);
  Entries index = writing.layout().index();
  for (const auto& content : blobs) {
    const Digest digest = sha256(content);
    writing.add_bytes(content, digest);
  }
  for (const auto& blob : blobs_of(manifest)) {
    if (!writing.sound(blob)) {
      throw Error(ErrorCode::bundle, "cannot add a referrer to " + package + "@" +
                                         manifest.subject->digest.str() + ": its blob " + blob.digest.str() +
                                         " is missing");
    }
  }
  writing.settle();
  const auto entry = referrer_descriptor(manifest, bytes);
  writing.add_bytes(bytes, entry.digest);
  writing.settle();
  if (find_digest(index, entry.digest)) return;
  index.push_back(entry);
  writing.layout().write_index(index);
}

const std::optional<Digest>& LayoutRegistry::subject_of(const std::string& package,
                                                        const oci::Descriptor& entry) {
  const auto found = subjects_.find(entry.digest);
  if (found != subjects_.end()) return found->second;
  const auto manifest = oci::parse_manifest(read_blob(package, entry), entry.digest.str());
  const auto subject = manifest.subject ? std::optional(manifest.subject->digest) : std::nullopt;
  return subjects_.emplace(entry.digest, subject).first->second;
}

std::vector<Referrer> LayoutRegistry::referrers(const std::string& package, const Digest& subject,
                                                const UnreadableReferrer& unreadable) {
  std::vector<Referrer> out;
  for (const auto& entry : entries(package)) {
    if (entry.annotations.contains(oci::annotation::ref_name) || entry.media_type != oci::media::manifest)
      continue;
    read_referrer(unreadable, [&] {
      if (subject_of(package, entry) == subject) out.push_back({entry, read_blob(package, entry)});
    });
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.descriptor.digest < b.descriptor.digest; });
  return out;
}

// "~" and "~/…" are the home folder, as in a shell; the rest is a path, made absolute so that it can be
// recorded.
Path folder_of(const std::string& url, const Env& env) {
  const std::string path = url.substr(scheme.size() + 1);
  if (path.empty()) {
    throw Error(ErrorCode::project_file, "cannot open registry " + url + ": it names no folder")
        .hint("write layout:DIR, for example layout:/srv/mlship/registry");
  }
  if (path == "~") return env.home();
  if (path.starts_with("~/")) return (env.home() / path.substr(2)).lexically_normal();
  Path out = std::filesystem::absolute(path).lexically_normal();
  return out.has_filename() ? out : out.parent_path();
}

std::unique_ptr<Registry> open(const RegistryOptions& options, Host& host) {
  return std::make_unique<LayoutRegistry>(folder_of(options.url, host.env));
}

}  // namespace

extern const RegistryFactory layout_factory;
const RegistryFactory layout_factory{
    scheme,
    "a folder with one OCI image layout per package",
    "layout:/srv/mlship/registry",
    open,
};

}  // namespace mlship
