#include "deployers/file_object.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/digest.h"
#include "core/error.h"
#include "core/host/folder.h"
#include "deployers/file_batch.h"
#include "deployers/file_obstacle.h"
#include "deployers/file_owner.h"
#include "deployers/file_swap.h"
#include "deployers/file_view.h"
#include "deployers/host_destination.h"
#include "deployers/installed_tree.h"
#include "deployers/linked_version.h"
#include "deployers/selectors.h"

namespace mlship {
namespace {

// A file of an operation, read now. `text` is nullopt when nothing is there.
struct Reading {
  std::optional<HostFile> file;
  std::optional<std::string> text;
  std::string conflict;  // set: why the operation cannot be about a file of this target
};

// What a file says, cut into objects and lines. The lines hold views of the text and the objects.
struct Page {
  ParsedDocument document;
  TextLines lines;
};

constexpr std::string_view bad_record = "the record of where it stands cannot be read";
constexpr std::string_view no_file = "the file is not there any more";

class HostFileTarget final : public Target {
 public:
  HostFileTarget(TargetSection section, const Project& project, HostFileKind kind)
      : section_(std::move(section)),
        kind_(std::move(kind)),
        places_(host_places(section_, project)),
        owners_(project.objects),
        in_place_(section_.flag("in-place")),
        roots_(project) {
    for (const auto& pattern : section_.list("files")) {
      patterns_.push_back(file_pattern(project.folder, pattern));
    }
    if (patterns_.empty()) {
      throw Error(ErrorCode::project_file,
                  "cannot use target '" + section_.name + "' of " + section_.at.str() + ": it names no files")
          .hint("add files = [\"GLOB\"] to [targets." + section_.name + "]");
    }
  }

  [[nodiscard]] const std::string& name() const override { return section_.name; }
  [[nodiscard]] const TargetSection& section() const override { return section_; }

  Discovery discover(Scheme scheme) override {
    Discovery out;
    obstacles_.clear();
    FileSet set = expand_files(patterns_);
    for (const auto& problem : set.problems) skip(out, problem);
    for (const auto& pattern : set.unmatched) {
      out.warnings.push_back("target '" + section_.name + "': " + pattern + " names no file (`files` at " +
                             section_.at.line_str() + ")");
    }
    if (kind_.sift) kind_.sift(set.files);
    for (const auto& file : set.files) {
      if (roots_.above(file.resolved)) {
        add_installed(out, file, scheme);
        continue;
      }
      const auto content = read_host_file(file);
      if (!content) continue;  // removed while we looked
      if (const auto* problem = std::get_if<FileProblem>(&*content)) {
        add_unfit(out, file, *problem, scheme);
      } else {
        add_objects(out, file, std::get<std::string>(*content), scheme);
      }
    }
    if (kind_.complete) kind_.complete(out.objects, set.files);
    declare_owners(owners_, out.objects);
    return out;
  }

  Destination destination(const LiveObject& object, const FoundReference& found, const Release& release,
                          ReleaseSource& source) override {
    if (!found.reference.opaque.empty()) {
      Destination out;
      out.skip = Reason::opaque;
      out.detail = found.reference.opaque;
      return out;
    }
    if (const auto obstacle = obstacle_to(object)) {
      Destination out;
      out.skip = obstacle->reason;
      out.detail = obstacle->why;
      out.hint = obstacle->hint;
      return out;
    }
    return host_destination(places_, found, release, source);
  }

  std::string rest(const LiveObject& object, const std::vector<Change>& changes,
                   std::string_view salt) override {
    const auto locator = parse_locator(object.locator);
    // What was read last serves as long as it is what was discovered.
    if (!locator || !kept_ || kept_->path != locator->file || kept_->token != object.token) {
      const Reading reading = locator ? read(locator->file) : Reading{};
      if (!reading.text) return rest_of("", {}, salt);
      (void)kept(locator->file, *reading.text, locator->scheme);
    }
    return rest_of(kept_->text, compare_page(kept_->page, *locator, changes), salt);
  }

  bool place(const Carrier& carrier, const Release& release, ReleaseSource& source,
             const std::string& tag) override {
    return place_host_carrier(places_, carrier, release, source, tag);
  }
  void check_place(const Carrier& carrier) override {
    if (fs::exists(carrier.place)) return;
    const Path folder = Path(carrier.place).parent_path();
    fs::require_writable(folder);
    (void)fs::OpenFolder::through_links(fs::nearest_existing(folder));
  }
  bool carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) override {
    return host_carrier_ok(carrier, release, source);
  }
  std::vector<Destination> own_places(const Release& release) override {
    return host_own_places(places_, release);
  }
  std::string missing(const FoundReference& found) override {
    return host_missing(places_, found.reference, kind_.foreign_paths);
  }
  bool old_place_ok(const Change& change) override { return host_place_exists(places_, change.to); }

  Remark check_places() override {
    for (const auto& folder : {places_.install_root, places_.library_path}) {
      if (!folder.empty()) fs::require_writable(folder);
    }
    return {};
  }

  Observation observe(const Operation& operation, std::string_view salt) override {
    const auto locator = parse_locator(operation.locator);
    if (!locator) return {ObjectState::conflict, std::string(bad_record), "", true, {}};
    return observe_in(read(locator->file), *locator, operation, salt);
  }

  // Each file is read once for all of its objects.
  std::vector<Observation> observe_all(std::span<const Operation* const> operations,
                                       std::string_view salt) override {
    std::vector<Observation> seen(operations.size());
    std::map<std::string, std::vector<size_t>> by_file;
    for (size_t i = 0; i < operations.size(); ++i) by_file[written_with(*operations[i])].push_back(i);
    for (const auto& [file, members] : by_file) {
      try {
        const Reading reading = read(file);
        for (const size_t i : members) {
          const auto locator = parse_locator(operations[i]->locator);
          seen[i] = locator ? observe_in(reading, *locator, *operations[i], salt)
                            : Observation{ObjectState::conflict, std::string(bad_record), "", true, {}};
        }
      } catch (const Error& e) {
        for (const size_t i : members) seen[i] = {ObjectState::unreadable, e.message(), "", true, {}};
      }
    }
    return seen;
  }

  // A file is itself whatever else changed in it; an entry is the line where it stands now; a service goes by
  // its name.
  [[nodiscard]] std::string place_of(const nlohmann::json& json) const override {
    const auto locator = parse_locator(json);
    if (!locator || locator->anchors.empty()) return "";
    const Anchor& first = locator->anchors.front();
    const bool line = first.key.empty() && by_line(locator->file);
    return locator->file + '\0' + first.key + '\0' + (line ? std::to_string(first.line) : "");
  }

  [[nodiscard]] std::string written_with(const Operation& operation) const override {
    const auto file =
        operation.locator.is_object() ? operation.locator.find("file") : operation.locator.end();
    return file != operation.locator.end() && file->is_string() ? file->get<std::string>() : "";
  }

  ApplyResult apply(const Operation& operation, const std::string& tag) override {
    const Sending one{&operation, tag};
    return apply_all({&one, 1}).front();
  }

  // One write of the file. What does not fit it keeps no other from being written; when somebody else writes
  // it at the same time it is read again.
  std::vector<ApplyResult> apply_all(std::span<const Sending> sendings) override {
    constexpr int most_readings = 3;
    FileBatch batch(sendings);
    for (int i = 1; !batch.done(); ++i) {
      const Reading reading = read(batch.file());
      if (!reading.text) {
        batch.end(ApplyResult::Kind::conflict,
                  reading.conflict.empty() ? std::string(no_file) : reading.conflict);
        break;
      }
      const SwapResult swapped = write_once(batch, reading);
      if (swapped.kind == SwapResult::Kind::conflict && !swapped.kept_aside && i < most_readings) continue;
      const bool written = swapped.kind == SwapResult::Kind::swapped;
      batch.end(kind_of(swapped.kind), swapped.detail, written ? pending_of(reading.file->path) : "");
    }
    return batch.take();
  }

  std::string pending(const Operation& operation, std::int64_t since) override {
    const auto locator = parse_locator(operation.locator);
    std::string step = locator ? pending_of(locator->file) : "";
    if (step.empty() || !kind_.waits) return step;
    return kind_.waits(locator->file, operation.object, since).value_or(true) ? step : "";
  }

  std::optional<std::int64_t> next_run(const LiveObject& object, std::int64_t now) override {
    return kind_.next_run ? kind_.next_run(object.info, now) : std::nullopt;
  }

  void recover(const Operation& operation, const std::string& tag) override {
    const Sending one{&operation, tag};
    recover_all({&one, 1});
  }

  void recover_all(std::span<const Sending> sendings) override {
    std::map<std::string, std::set<std::string>> tags;  // by file
    for (const auto& sending : sendings) tags[written_with(*sending.operation)].insert(sending.tag);
    for (const auto& [file, of_file] : tags) {
      const Reading reading = read(file);
      if (reading.file) recover_swaps(reading.file->resolved, of_file);
    }
  }

  std::vector<std::string> clear_abandoned() override {
    std::vector<Path> files;
    for (const auto& file : expand_files(patterns_).files) files.push_back(file.resolved);
    return clear_abandoned_swaps(files);
  }

 private:
  struct Kept {
    std::string path;
    Scheme scheme;
    std::string text;
    std::string token;
    Page page;  // of `text`, into which it looks
  };

  // What keeps the object's file from being changed, whoever runs mlship.
  [[nodiscard]] std::optional<FileObstacle> obstacle_to(const LiveObject& object) {
    const std::string file = object.locator.at("file");
    const auto known = obstacles_.find(file);
    if (known != obstacles_.end()) return known->second;
    const auto resolved = resolve_links(file);
    auto obstacle = resolved ? obstacle_of(*resolved) : std::nullopt;
    if (obstacle && obstacle->mount_point) {
      obstacle->hint = "set in-place = true in [targets." + section_.name + "] to edit it where it is";
      if (in_place_) obstacle.reset();
    }
    return obstacles_[file] = obstacle;
  }

  [[nodiscard]] std::string pending_of(const Path& path) const {
    return kind_.pending == nullptr ? "" : std::string(kind_.pending(path));
  }

  static ApplyResult::Kind kind_of(SwapResult::Kind kind) {
    switch (kind) {
      case SwapResult::Kind::swapped: return ApplyResult::Kind::written;
      case SwapResult::Kind::conflict: return ApplyResult::Kind::conflict;
      case SwapResult::Kind::refused: return ApplyResult::Kind::refused;
      case SwapResult::Kind::failed: return ApplyResult::Kind::failed;
      case SwapResult::Kind::unknown: break;
    }
    return ApplyResult::Kind::unknown;
  }

  void skip(Discovery& out, const FileProblem& problem) const {
    Skipped row;
    row.target = section_.name;
    row.object.id = problem.path;
    row.object.name = Path(problem.path).filename().string();
    row.object.kind = "file";
    row.reason = problem.reason;
    row.detail = problem.detail;
    row.hint = problem.hint;
    out.skipped.push_back(std::move(row));
  }

  // A pattern may name files that nobody meant by it: those that name a package are listed with it.
  void add_unfit(Discovery& out, HostFile file, const FileProblem& problem, Scheme scheme) {
    using Unfit = FileProblem::Unfit;
    if (!file.idle.empty()) return;
    if (file.by_name || problem.unfit == Unfit::other) return skip(out, problem);
    const auto text = begin_of_file(file);
    if (!text) return;
    const bool binary = text->find('\0') != std::string::npos;
    if (problem.unfit == Unfit::large && !binary) return skip(out, problem);
    if (binary && section_.kind == "files") file.idle = "the file holds NUL bytes and is no text";
    obstacles_[file.path.string()] = FileObstacle{false, problem.detail, problem.hint, problem.reason};
    add_objects(out, file, *text, scheme);
  }

  [[nodiscard]] bool by_line(const Path& path) const {
    return kind_.by_line != nullptr && kind_.by_line(path);
  }

  [[nodiscard]] Grammar grammar(Scheme scheme) const {
    Grammar out{scheme, {}};
    if (!places_.install_root.empty()) out.roots.push_back(places_.install_root);
    if (!places_.library_path.empty()) out.folders.push_back(places_.library_path);
    return out;
  }

  [[nodiscard]] ObjectInfo info(const HostFile& file, const TextLine& line,
                                const DocumentObject& object) const {
    ObjectInfo out;
    out.id = file.path.string();
    out.name = file.path.filename().string();
    if (!object.key.empty()) {
      out.id += ":" + object.key;
    } else if (by_line(file.path)) {
      out.id += ":" + std::to_string(line.number);
    }
    if (!object.name.empty()) out.name += ":" + object.name;
    out.kind = object.kind;
    out.schedule = object.schedule;
    out.cls = kind_.cls;
    return out;
  }

  void add_objects(Discovery& out, const HostFile& file, std::string_view text, Scheme scheme) const {
    const Page page = file.idle.empty() ? read_page(file.path, text, scheme) : idle_page(file, text, scheme);
    if (page.document.minor && find_references(text, grammar(scheme)).empty()) return;
    if (!page.document.problem.empty()) return skip(out, problem_of(file.path, page.document));
    const TextLines& lines = page.lines;
    const std::string token = sha256(text).str();
    const Owners owners(text);
    const std::string place = owner_of_place(file.resolved);
    const auto idle = idle_part(file, text);
    std::optional<size_t> open;  // the object whose lines are being read
    FileLocator locator;
    const auto close = [&] {
      if (!open) return;
      out.objects.back().locator = to_json(locator);
      if (idle && lines.objects[*open].extent.end > idle->from) set_aside(out, idle->why);
    };
    for (size_t i = 0; i < lines.lines.size(); ++i) {
      const TextLine& line = lines.lines[i];
      if (line.references.empty() && line.opaque.empty()) continue;
      if (open != line.object) {
        close();
        open = line.object;
        locator = {file.path.string(), scheme, {}};
        LiveObject object;
        object.info = info(file, line, lines.objects[line.object]);
        object.token = token;
        object.foreign_owner = place;
        out.objects.push_back(std::move(object));
      }
      std::string& owner = out.objects.back().foreign_owner;
      if (owner.empty()) owner = owners.of(line.extent.begin);
      for (const auto& seen : line.opaque) add_reference(out.objects.back(), seen, scheme);
      if (line.references.empty()) continue;
      locator.anchors.push_back(anchor_of(lines, i));
      add_references(out.objects.back(), lines, line, scheme);
    }
    close();
  }

  [[nodiscard]] std::optional<IdleText> idle_part(const HostFile& file, std::string_view text) const {
    if (!file.idle.empty()) return IdleText{0, file.idle};
    return kind_.idle_text ? kind_.idle_text(file.path, text) : std::nullopt;
  }

  // The newest object is none that the system acts on: it is listed, and nothing of it moves.
  static void set_aside(Discovery& out, const std::string& why) {
    LiveObject object = std::move(out.objects.back());
    out.objects.pop_back();
    object.info.cls = ObjectClass::both;
    object.info.schedule.clear();
    for (auto& found : object.references) found.reference.opaque = why;
    out.idle.push_back(std::move(object));
  }

  // Whatever it is, a text.
  [[nodiscard]] Page idle_page(const HostFile& file, std::string_view text, Scheme scheme) const {
    Page page = read_page(file.path, text, scheme);
    const bool names_something =
        std::any_of(page.lines.lines.begin(), page.lines.lines.end(),
                    [](const auto& line) { return !line.references.empty() || !line.opaque.empty(); });
    if (page.document.problem.empty() && names_something) return page;
    page.document = {parse_text(text), "", false};
    page.lines = read_lines(text, page.document.objects, grammar(scheme), file.path.string());
    return page;
  }

  // A file of a version's tree, or a link to one, is a reference to that version; any other file below an
  // install-root is reported when it names a package.
  void add_installed(Discovery& out, const HostFile& file, Scheme scheme) const {
    if (auto tree = roots_.tree_of(file.resolved, scheme)) {
      LiveObject object;
      object.info = {file.path.string(), file.path.filename().string(), "installed-file", "", "", kind_.cls};
      object.locator = to_json(FileLocator{file.path.string(), scheme, {}});
      object.references.push_back(std::move(*tree));
      return out.objects.push_back(std::move(object));
    }
    const auto content = read_host_file(file);
    const auto* text = content ? std::get_if<std::string>(&*content) : nullptr;
    if (text == nullptr || find_references(*text, grammar(scheme)).empty()) return;
    skip(out, {file.path.string(), Reason::unresolvable,
               file.path.string() + " stands below an install-root, where nothing is edited",
               "keep it elsewhere, or give the trees an install-root of their own"});
  }

  [[nodiscard]] Page read_page(const Path& path, std::string_view text, Scheme scheme) const {
    Page page{kind_.parse(path, text), {}};
    page.lines = read_lines(text, page.document.objects, grammar(scheme), path.string());
    return page;
  }

  // Objects of one file come one after another: what was read last is kept, so that a file is not parsed anew
  // for each of them while its text is the same.
  [[nodiscard]] const Kept& kept(const std::string& path, const std::string& text, Scheme scheme) const {
    if (!kept_ || kept_->path != path || kept_->scheme != scheme || kept_->text != text) {
      kept_ = std::make_unique<Kept>(Kept{path, scheme, text, sha256(text).str(), {}});
      kept_->page = read_page(path, kept_->text, scheme);
    }
    return *kept_;
  }

  static FileProblem problem_of(const Path& path, const ParsedDocument& document) {
    return {path.string(), Reason::unresolvable, "cannot read " + path.string() + ": " + document.problem,
            "correct the file, or leave it out of `files` of the target"};
  }

  static void add_references(LiveObject& object, const TextLines& lines, const TextLine& line,
                             Scheme scheme) {
    for (size_t i = 0; i < line.references.size(); ++i) {
      const Reference& r = line.references[i];
      add_reference(object,
                    {r, std::string(lines.text.substr(r.span.begin, r.span.size())), line.paths[i], {}},
                    scheme);
    }
  }

  static void add_reference(LiveObject& object, SiteReference seen, Scheme scheme) {
    Reference& r = seen.reference;
    read_link(r, seen.text, scheme);
    const size_t begin = r.span.begin;
    r.span = {0, seen.text.size()};
    for (Span* span : {&r.version_span, &r.digest_span}) {
      if (span->size() > 0) *span = {span->begin - begin, span->end - begin};
    }
    object.references.push_back({std::move(seen.path), std::move(seen.text), std::move(r)});
  }

  // Throws when the file is there and cannot be read.
  [[nodiscard]] Reading read(const std::string& file) const {
    Reading out;
    if (file.empty()) {
      out.conflict = bad_record;
      return out;
    }
    if (!names_file(patterns_, file)) {
      out.conflict = file + " is not among `files` of target '" + section_.name + "'";
      return out;
    }
    const auto resolved = resolve_links(file);
    if (!resolved) return out;
    if (const auto root = roots_.above(*resolved)) {
      out.conflict = file + " stands below the install-root " + *root + " now";
      return out;
    }
    out.file = HostFile{file, *resolved, false, {}};
    const auto content = read_host_file(*out.file);
    if (!content) return out;
    if (const auto* problem = std::get_if<FileProblem>(&*content)) {
      const bool denied = problem->reason == Reason::no_permission;
      throw Error(denied ? ErrorCode::file_permission : ErrorCode::io, problem->detail).hint(problem->hint);
    }
    out.text = std::get<std::string>(*content);
    return out;
  }

  [[nodiscard]] Observation observe_in(const Reading& reading, const FileLocator& locator,
                                       const Operation& operation, std::string_view salt) const {
    if (!reading.conflict.empty()) return {ObjectState::conflict, reading.conflict, "", true, {}};
    if (!reading.text) return {ObjectState::gone, std::string(no_file), "", true, {}};
    const Kept& page = kept(locator.file, *reading.text, locator.scheme);
    const FileView now = compare_page(page.page, locator, operation.changes);
    Observation out;
    out.state = now.state;
    out.detail = now.detail;
    out.token = page.token;
    out.locator = to_json(now.locator);
    out.parts = now.parts;
    const bool found = now.edits.size() == operation.changes.size();
    out.rest_equal = !found || operation.rest.empty() || rest_of(*reading.text, now, salt) == operation.rest;
    return out;
  }

  // The file as it was read, with what of the batch fits it. `swapped` too when nothing of it is left to be
  // written.
  SwapResult write_once(FileBatch& batch, const Reading& reading) const {
    const Path& path = reading.file->path;
    const Page before = read_page(path, *reading.text, batch.scheme());
    batch.look([&](const FileLocator& locator, const std::vector<Change>& changes) {
      return compare_page(before, locator, changes);
    });
    const auto page_of = [&](const std::string& text,
                             const std::function<void(const FileBatch::Look&)>& use) {
      const Page after = read_page(path, text, batch.scheme());
      use([&](const FileLocator& locator, const std::vector<Change>& changes) {
        return compare_page(after, locator, changes);
      });
    };
    std::string text = batch.edited(*reading.text, page_of);
    if (kind_.refusal && !batch.done()) {
      const auto refusal = [&](const std::string& then) { return kind_.refusal(path, *reading.text, then); };
      text = batch.accepted(*reading.text, std::move(text), refusal);
    }
    if (batch.done()) return {SwapResult::Kind::swapped, ""};
    return swap_file({reading.file->resolved, *reading.text, text, batch.tag(), in_place_});
  }

  static FileView compare_page(const Page& page, const FileLocator& locator,
                               const std::vector<Change>& changes) {
    if (page.document.problem.empty()) return compare(page.lines, locator, changes);
    FileView out;
    out.state = ObjectState::conflict;
    out.detail = "the file cannot be read any more: " + page.document.problem;
    out.locator = locator;
    return out;
  }

  TargetSection section_;
  HostFileKind kind_;
  HostPlaces places_;
  std::vector<ObjectSection> owners_;
  bool in_place_;
  InstallRoots roots_;
  std::vector<std::string> patterns_;
  std::map<std::string, std::optional<FileObstacle>> obstacles_;  // by file, as of the last discovery
  mutable std::unique_ptr<Kept> kept_;
};

}  // namespace

std::unique_ptr<Target> make_file_target(const TargetSection& section, const Project& project,
                                         HostFileKind kind) {
  return std::make_unique<HostFileTarget>(section, project, std::move(kind));
}

}  // namespace mlship
