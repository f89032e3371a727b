// Errors a person can act on. Every failure that reaches the user is an Error; the table in error.cpp gives
// each code its stable word (the JSON "code") and its exit code. Only main() turns an Error into an exit.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlship {

// The closed list of docs/exit-codes.md. If the requested effect did not happen the exit code is not 0.
enum class ExitCode : int {
  done = 0,
  internal = 1,
  usage = 2,
  bad_input = 3,
  auth = 4,
  not_found = 5,
  conflict = 6,
  network = 7,
  partial = 8,
  verification = 9,
  local = 10,
  pending = 11,
  interrupted = 130,
};

enum class ErrorCode {
  internal,
  usage,
  environment_ambiguous,
  confirmation_needed,
  project_file,
  version,
  reference,
  lock,
  wheel,
  archive,
  model,
  source_tree,
  dirty_tree,
  lfs_pointer,
  duplicate_path,
  bundle,
  no_target,
  dependency_cycle,
  unauthorized,
  forbidden,
  not_found,
  package_not_found,
  version_not_found,
  tag_not_found,
  rollout_not_found,
  no_project,
  version_exists,
  tag_moved,
  stale_plan,
  bad_plan,
  version_held,
  ledger_busy,
  ledger,
  changed_since_build,
  file_exists,
  http_conflict,
  http_precondition,
  http_refused,
  network,
  rate_limited,
  server_error,
  tls,
  partial,
  verification,
  hash_mismatch,
  disk_full,
  read_only,
  file_permission,
  io,
  interrupted,
};

struct ErrorCodeRow {
  ErrorCode code;
  std::string_view word;  // as in the JSON error document
  ExitCode exit;
  std::string_view meaning;  // one line for docs/errors.md
};

// All rows, in the order of the enumeration.
std::span<const ErrorCodeRow> error_codes();
const ErrorCodeRow& row_of(ErrorCode code);

struct Fact {
  std::string name;
  std::string value;
};

// message: "cannot <verb> <object>: <cause>", lower case, no full stop, `file:line` when it comes from a
// file. facts: aligned below it. hint: one imperative, runnable line.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);
  Error(const Error&) = default;
  Error(Error&&) noexcept = default;
  Error& operator=(const Error&) = default;
  // `error = std::move(error).fact(…)` assigns to itself; the members' own assignments would leave it empty.
  Error& operator=(Error&& other) noexcept;
  ~Error() override = default;

  Error&& fact(std::string name, std::string value) &&;
  Error&& hint(std::string text) &&;
  // Replaces the message, keeping code, facts and hint: for a caller who knows the object better.
  Error&& with_message(std::string message) &&;

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] ExitCode exit_code() const;
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::vector<Fact>& facts() const { return facts_; }
  [[nodiscard]] const std::string& hint_text() const { return hint_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<Fact> facts_;
  std::string hint_;
};

}  // namespace mlship
