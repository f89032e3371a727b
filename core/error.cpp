#include "core/error.h"

#include <array>
#include <utility>

namespace mlship {
namespace {

using enum ErrorCode;
constexpr auto rows = std::to_array<ErrorCodeRow>({
    {internal, "internal", ExitCode::internal, "a bug in mlship"},
    {usage, "usage", ExitCode::usage, "the command line cannot be understood"},
    {environment_ambiguous, "environment-ambiguous", ExitCode::usage, "several environments and no --env"},
    {confirmation_needed, "confirmation-needed", ExitCode::usage, "nobody to ask and no --yes"},
    {project_file, "project-file", ExitCode::bad_input, "mlship.toml cannot be used as it is"},
    {version, "version", ExitCode::bad_input, "a text is not a version in the package's scheme"},
    {reference, "reference", ExitCode::bad_input, "a REF cannot be parsed"},
    {lock, "lock", ExitCode::bad_input, "a lock file is unreadable, unpinned or without sha256"},
    {wheel, "wheel", ExitCode::bad_input, "no wheel in the lock fits the target, or a wheel is malformed"},
    {archive, "archive", ExitCode::bad_input, "a zip or tar breaks the strict rules"},
    {model, "model", ExitCode::bad_input, "a model file is malformed or of a refused kind"},
    {source_tree, "source-tree", ExitCode::bad_input,
     "the source tree holds something that cannot be shipped"},
    {dirty_tree, "dirty-tree", ExitCode::bad_input, "files that would be shipped differ from the commit"},
    {lfs_pointer, "lfs-pointer", ExitCode::bad_input, "a Git LFS pointer stands where content was meant"},
    {duplicate_path, "duplicate-path", ExitCode::bad_input, "two members of the bundle have one path"},
    {bundle, "bundle", ExitCode::bad_input, "a bundle or OCI layout is malformed"},
    {no_target, "no-target", ExitCode::bad_input, "no target is configured"},
    {dependency_cycle, "dependency-cycle", ExitCode::bad_input, "objects wait for each other in a circle"},
    {unauthorized, "unauthorized", ExitCode::auth, "HTTP 401: the credentials are missing or wrong"},
    {forbidden, "forbidden", ExitCode::auth, "HTTP 403: the credentials do not allow it"},
    {not_found, "not-found", ExitCode::not_found, "HTTP 404, or a named thing that does not exist"},
    {package_not_found, "package-not-found", ExitCode::not_found, "the registry has no such package"},
    {version_not_found, "version-not-found", ExitCode::not_found, "the registry has no such version"},
    {tag_not_found, "tag-not-found", ExitCode::not_found, "the package has no such tag"},
    {rollout_not_found, "rollout-not-found", ExitCode::not_found, "the ledger has no such rollout"},
    {no_project, "no-project", ExitCode::not_found, "no mlship.toml here or above"},
    {version_exists, "version-exists", ExitCode::conflict, "the version exists with another digest"},
    {tag_moved, "tag-moved", ExitCode::conflict, "somebody else moved the tag meanwhile"},
    {stale_plan, "stale-plan", ExitCode::conflict, "the plan no longer fits what is live"},
    {bad_plan, "bad-plan", ExitCode::conflict, "a plan file is malformed or does not match its own digest"},
    {version_held, "version-held", ExitCode::conflict, "the version is under a hold"},
    {ledger_busy, "ledger-busy", ExitCode::conflict, "another process holds the ledger"},
    {ledger, "ledger", ExitCode::conflict, "the ledger cannot be used as it is"},
    {changed_since_build, "changed-since-build", ExitCode::conflict, "a file changed after the build"},
    {file_exists, "file-exists", ExitCode::conflict, "something else stands where a file was to be written"},
    {http_conflict, "http-conflict", ExitCode::conflict, "HTTP 409"},
    {http_precondition, "http-precondition", ExitCode::conflict, "HTTP 412"},
    {http_refused, "http-refused", ExitCode::conflict,
     "HTTP 400 or another 4xx: the service does not take it"},
    {network, "network", ExitCode::network, "no answer, retries spent"},
    {rate_limited, "rate-limited", ExitCode::network, "HTTP 429, retries spent"},
    {server_error, "server-error", ExitCode::network, "HTTP 5xx, retries spent"},
    {tls, "tls", ExitCode::network, "the server's certificate is not trusted"},
    {partial, "partial", ExitCode::partial, "at least one operation fell short"},
    {verification, "verification", ExitCode::verification, "something is not what it claims to be"},
    {hash_mismatch, "hash-mismatch", ExitCode::verification, "a file's sha256 is not the expected one"},
    {disk_full, "disk-full", ExitCode::local, "no space left on the device or in the quota"},
    {read_only, "read-only", ExitCode::local, "the file system is read-only"},
    {file_permission, "file-permission", ExitCode::local,
     "the operating system denies access to a local file"},
    {io, "io", ExitCode::local, "another error of the local system"},
    {interrupted, "interrupted", ExitCode::interrupted, "ended by Ctrl-C or SIGTERM"},
});

}  // namespace

std::span<const ErrorCodeRow> error_codes() {
  return rows;
}

const ErrorCodeRow& row_of(ErrorCode code) {
  return rows.at(static_cast<size_t>(code));
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

Error& Error::operator=(Error&& other) noexcept {
  if (this == &other) return *this;
  code_ = other.code_;
  message_ = std::move(other.message_);
  facts_ = std::move(other.facts_);
  hint_ = std::move(other.hint_);
  return *this;
}

Error&& Error::fact(std::string name, std::string value) && {
  facts_.push_back({std::move(name), std::move(value)});
  return std::move(*this);
}

Error&& Error::hint(std::string text) && {
  hint_ = std::move(text);
  return std::move(*this);
}

Error&& Error::with_message(std::string message) && {
  message_ = std::move(message);
  return std::move(*this);
}

ExitCode Error::exit_code() const {
  return row_of(code_).exit;
}

}  // namespace mlship
