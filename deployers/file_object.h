// Targets whose objects stand in text files of this host: everything but what a file of the kind is made of.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deployers/document/document.h"
#include "deployers/file_set.h"
#include "deployers/target.h"

namespace mlship {

// A key that every kind has.
constexpr KeySpec in_place_key{
    "in-place", KeySpec::Type::boolean,
    "edit files that are mount points where they are; no new file can take their place", "false"};

struct IdleText {
  size_t from = 0;
  std::string why;
};

// What differs between the kinds.
struct HostFileKind {
  ParsedDocument (*parse)(const Path& path, std::string_view text);
  // Whether each object without a key is one line of this file; else the file is the object. null: never.
  bool (*by_line)(const Path& path);
  ObjectClass cls;
  // Leaves out files that are nothing of this kind, and marks those that the system does not act on (backups
  // in a folder of crontabs). What `files` names in full stays.
  std::function<void(std::vector<HostFile>& files)> sift;
  // What is left to do after an edit of the file before it runs ("daemon-reload"), "": nothing; null: never.
  std::string_view (*pending)(const Path& path) = nullptr;

  // What only other files or the system itself know; each may be empty.
  // Schedules and classes of what was discovered. `files`: all that were looked at.
  std::function<void(std::vector<LiveObject>&, const std::vector<HostFile>& files)> complete;
  // Why the system would not take the edited text, though it took the old one; "": it does, or nobody can
  // say.
  std::function<std::string(const Path& file, std::string_view before, std::string_view after)> refusal;
  // Whether an edit made at `since` still waits for `pending`; nullopt: the system does not say.
  std::function<std::optional<bool>(const Path& file, const ObjectInfo& object, std::int64_t since)> waits;
  // When an object runs next after `now`; see Target::next_run.
  std::function<std::optional<std::int64_t>(const ObjectInfo& object, std::int64_t now)> next_run = {};
  // From where on the system does not act on a file's text, and why; nullopt: it does.
  std::function<std::optional<IdleText>(const Path& file, std::string_view text)> idle_text = {};
  // Paths may be those of a container or of another machine, where they are not mlship's own places.
  bool foreign_paths = false;
};

// Object ids are "<file>:<key>", "<file>:<line>" or "<file>"; names, for --jobs=GLOB and `include`, are
// "<file name>:<what the object is called>" ("churn:score") or "<file name>".
std::unique_ptr<Target> make_file_target(const TargetSection& section, const Project& project,
                                         HostFileKind kind);

}  // namespace mlship
