#include "deployers/file_object.h"

#include <algorithm>

#include "core/digest.h"
#include "core/error.h"
#include "core/names.h"
#include "deployers/file_set.h"
#include "deployers/file_swap.h"
#include "deployers/file_view.h"
#include "deployers/host_destination.h"

namespace mlship {
namespace {

// A file of an operation, read now. `text` is nullopt when nothing is there.
struct Reading {
  FileLocator locator;
  std::optional<HostFile> file;
  std::optional<std::string> text;
  std::string conflict;  // set: why the operation cannot be about a file of this target
};

class HostFileTarget final : public Target {
 public:
  HostFileTarget(TargetSection section, const Project& project, const HostFileKind& kind)
      : section_(std::move(section)),
        kind_(kind),
        places_(host_places(section_, project)),
        owners_(project.objects) {
    for (const auto& pattern : section_.list("files")) {
      patterns_.push_back(std::filesystem::absolute(project.folder / pattern).lexically_normal().string());
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
    const FileSet set = expand_files(patterns_);
    for (const auto& problem : set.problems) skip(out, problem);
    for (const auto& file : set.files) {
      if (kind_.ignored != nullptr && kind_.ignored(file.path.filename().native())) continue;
      const auto content = read_host_file(file);
      if (!content) continue;  // removed while we looked
      if (const auto* problem = std::get_if<FileProblem>(&*content)) {
        skip(out, *problem);
      } else {
        add_objects(out, file, std::get<std::string>(*content), scheme);
      }
    }
    return out;
  }

  Destination destination(const LiveObject&, const FoundReference& found, const Release& release,
                          ReleaseSource& source) override {
    return host_destination(places_, found, release, source);
  }

  std::string rest(const LiveObject& object, const std::vector<Change>& changes,
                   std::string_view salt) override {
    const Reading reading = read(object.locator);
    if (!reading.text) return rest_of("", {}, salt);
    return rest_of(*reading.text, view(reading, changes), salt);
  }

  bool place(const Carrier& carrier, const Release& release, ReleaseSource& source,
             const std::string& tag) override {
    return place_host_carrier(places_, carrier, release, source, tag);
  }
  bool carrier_ok(const Carrier& carrier, const Release& release, ReleaseSource& source) override {
    return host_carrier_ok(carrier, release, source);
  }
  bool old_place_ok(const Change& change) override { return host_place_exists(places_, change.to); }

  Observation observe(const Operation& operation, std::string_view salt) override {
    const Reading reading = read(operation.locator);
    if (!reading.conflict.empty()) return {ObjectState::conflict, reading.conflict, "", true, {}};
    if (!reading.text) return {ObjectState::gone, "the file is not there any more", "", true, {}};
    const FileView now = view(reading, operation.changes);
    Observation out;
    out.state = now.state;
    out.detail = now.detail;
    out.token = sha256(*reading.text).str();
    out.locator = to_json(now.locator);
    const bool found = now.edits.size() == operation.changes.size();
    out.rest_equal = !found || operation.rest.empty() || rest_of(*reading.text, now, salt) == operation.rest;
    return out;
  }

  // A file is itself whatever else changed in it; an entry is the line where it stands now.
  [[nodiscard]] bool same_object(const nlohmann::json& a, const nlohmann::json& b) const override {
    const auto first = parse_locator(a), second = parse_locator(b);
    if (!first || !second || first->file != second->file) return false;
    if (!kind_.by_line) return true;
    return first->anchors.size() == 1 && second->anchors.size() == 1 &&
           first->anchors[0].line == second->anchors[0].line;
  }

  ApplyResult apply(const Operation& operation, const std::string& tag) override {
    using Kind = ApplyResult::Kind;
    const Reading reading = read(operation.locator);
    if (!reading.conflict.empty()) return {Kind::conflict, reading.conflict, "", {}};
    if (!reading.text) return {Kind::conflict, "the file is not there any more", "", {}};
    const FileView before = view(reading, operation.changes);
    if (before.state == ObjectState::post) return {Kind::already, "", "", to_json(before.locator)};
    if (before.state != ObjectState::pre) return {Kind::conflict, before.detail, "", {}};

    Reading after = reading;
    after.text = apply_edits(*reading.text, before.edits);
    const FileView then = view(after, operation.changes);
    if (then.state != ObjectState::post) {
      return {Kind::refused, "the new text would not be read as a reference there", "", {}};
    }
    const SwapResult swapped = swap_file({reading.file->resolved, *reading.text, *after.text, tag});
    return {kind_of(swapped.kind), swapped.detail, "", to_json(then.locator)};
  }

  void recover(const Operation& operation, const std::string& tag) override {
    const Reading reading = read(operation.locator);
    if (reading.file) recover_swap(reading.file->resolved, tag);
  }

  std::vector<std::string> clear_abandoned() override {
    std::vector<std::string> told;
    for (const auto& file : expand_files(patterns_).files) {
      const auto lines = clear_abandoned_swaps(file.resolved);
      told.insert(told.end(), lines.begin(), lines.end());
    }
    return told;
  }

 private:
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
    row.object = problem.path;
    row.reason = problem.reason;
    row.detail = problem.detail;
    row.hint = problem.hint;
    out.skipped.push_back(std::move(row));
  }

  [[nodiscard]] Grammar grammar(Scheme scheme) const {
    Grammar out{scheme, {}};
    if (!places_.install_root.empty()) out.roots.push_back(places_.install_root);
    return out;
  }

  [[nodiscard]] ObjectInfo info(const HostFile& file, const TextLine& line,
                                const DocumentObject& object) const {
    ObjectInfo out;
    out.id = file.path.string();
    out.name = file.path.filename().string();
    if (kind_.by_line) {
      out.id += ":" + std::to_string(line.number);
      if (!object.name.empty()) out.name += ":" + object.name;
    }
    out.kind = object.kind;
    out.schedule = object.schedule;
    out.cls = kind_.cls;
    for (const auto& row : owners_) {
      if (glob_match(row.glob, out.name) || glob_match(row.glob, out.id)) out.owner = row.owner;
    }
    return out;
  }

  void add_objects(Discovery& out, const HostFile& file, std::string_view text, Scheme scheme) const {
    const auto objects = kind_.parse(file.path, text);
    const TextLines lines = read_lines(text, objects, grammar(scheme), file.path.string());
    const std::string token = sha256(text).str();
    std::optional<size_t> open;  // the object whose lines are being read
    FileLocator locator;
    const auto close = [&] {
      if (open) out.objects.back().locator = to_json(locator);
    };
    for (size_t i = 0; i < lines.lines.size(); ++i) {
      const TextLine& line = lines.lines[i];
      if (line.references.empty()) continue;
      if (open != line.object) {
        close();
        open = line.object;
        locator = {file.path.string(), scheme, {}};
        LiveObject object;
        object.info = info(file, line, objects[line.object]);
        object.token = token;
        out.objects.push_back(std::move(object));
      }
      locator.anchors.push_back(anchor_of(lines, i));
      add_references(out.objects.back(), lines, line, locator.anchors.back());
    }
    close();
  }

  static void add_references(LiveObject& object, const TextLines& lines, const TextLine& line,
                             const Anchor& anchor) {
    for (size_t i = 0; i < line.references.size(); ++i) {
      FoundReference found;
      found.reference = line.references[i];
      found.path = anchor.paths[i];
      Reference& r = found.reference;
      const size_t begin = r.span.begin;
      found.text = lines.text.substr(begin, r.span.size());
      r.span = {0, found.text.size()};
      for (Span* span : {&r.version_span, &r.digest_span}) {
        if (span->size() > 0) *span = {span->begin - begin, span->end - begin};
      }
      object.references.push_back(std::move(found));
    }
  }

  // Throws when the file is there and cannot be read.
  [[nodiscard]] Reading read(const nlohmann::json& locator_json) const {
    Reading out;
    const auto locator = parse_locator(locator_json);
    if (!locator) {
      out.conflict = "the record of where it stands cannot be read";
      return out;
    }
    out.locator = *locator;
    if (!names_file(patterns_, locator->file)) {
      out.conflict = locator->file + " is not among `files` of target '" + section_.name + "'";
      return out;
    }
    const auto resolved = resolve_links(locator->file);
    if (!resolved) return out;
    out.file = HostFile{locator->file, *resolved};
    const auto content = read_host_file(*out.file);
    if (!content) return out;
    if (const auto* problem = std::get_if<FileProblem>(&*content)) {
      const bool denied = problem->reason == Reason::no_permission;
      throw Error(denied ? ErrorCode::file_permission : ErrorCode::io, problem->detail).hint(problem->hint);
    }
    out.text = std::get<std::string>(*content);
    return out;
  }

  [[nodiscard]] FileView view(const Reading& reading, const std::vector<Change>& changes) const {
    const FileLocator& locator = reading.locator;
    const auto objects = kind_.parse(locator.file, *reading.text);
    const TextLines lines = read_lines(*reading.text, objects, grammar(locator.scheme), locator.file);
    return compare(lines, locator, changes, kind_.by_line);
  }

  TargetSection section_;
  HostFileKind kind_;
  HostPlaces places_;
  std::vector<ObjectSection> owners_;
  std::vector<std::string> patterns_;
};

}  // namespace

std::unique_ptr<Target> make_file_target(const TargetSection& section, const Project& project,
                                         const HostFileKind& kind) {
  return std::make_unique<HostFileTarget>(section, project, kind);
}

}  // namespace mlship
