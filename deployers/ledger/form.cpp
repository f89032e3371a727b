#include "deployers/ledger/form.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "core/json_library.h"
#include "core/names.h"
#include "deployers/record.h"
#include "deployers/strict_json.h"

namespace mlship {
namespace {

constexpr std::int64_t format_version = 1;
constexpr std::uint32_t file_mode = 0600;
constexpr size_t longest_id = 64;

RolloutRecord head(const Json& entry, const std::string& id) {
  StrictObject o(entry, ErrorCode::ledger, "the first entry of rollout " + id);
  if (o.text("type") != "begin" || o.text("id") != id) o.fail("it belongs to another rollout");
  RolloutRecord record;
  record.id = id;
  record.command = o.text("command");
  record.environment = o.text("environment");
  record.package = o.text("package");
  record.who = o.bytes("who");
  record.host = o.bytes("host");
  record.started = o.integer("started");
  record.commits = o.texts("commits");
  if (o.has("execution")) record.execution = o.at("execution");
  if (o.has("after")) {
    StrictObject after = o.object("after");
    record.after = {after.text("rollout"), after.text("line")};
  }
  if (o.has("holds")) record.holds = o.text("holds");
  if (o.has("open")) record.open = o.texts("open");
  return record;
}

}  // namespace

std::string format_text() {
  return canonical_json({{"version", format_version}}) + "\n";
}

void check_format(std::string_view text, const std::string& ledger, const std::string& why,
                  const std::string& mend) {
  const std::string what = ledger + "/format.json";
  std::int64_t version = 0;
  try {
    if (!why.empty()) throw Error(ErrorCode::ledger, why);
    const Json json = parse_json(text, ErrorCode::ledger, what);
    version = StrictObject(json, ErrorCode::ledger, what).integer("version");
  } catch (const Error& e) {
    throw Error(ErrorCode::ledger, "cannot use the ledger " + ledger + ": its format.json is damaged")
        .fact("found", e.message())
        .fact("way on", "when no newer mlship has written to it, put format.json right")
        .hint(mend);
  }
  if (version == format_version) return;
  throw Error(ErrorCode::ledger, "cannot use the ledger " + ledger + ": it has format " +
                                     std::to_string(version) + ", this mlship knows format " +
                                     std::to_string(format_version))
      .hint("install a newer mlship");
}

void check_ledger_size(std::uint64_t size, const std::string& what) {
  if (size <= largest_ledger_text) return;
  throw Error(ErrorCode::ledger, "cannot write " + what + ": it would be larger than 1 GiB")
      .hint("roll out in parts: mlship rollout --jobs=GLOB");
}

std::string read_ledger_file(const Path& path) {
  const auto unusable = [&](const std::string& cause) {
    return Error(ErrorCode::ledger, "cannot use " + path.string() + ": " + cause)
        .hint("restore it from a backup, or move its folder away");
  };
  try {
    const auto stat = fs::lstat(path);
    if (!stat) throw unusable("it is not there");
    if (stat->kind != fs::Kind::file) throw unusable("it is no file");
    return fs::read_file(path, largest_ledger_text);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::internal || e.code() == ErrorCode::ledger) throw;
    throw unusable(e.message());
  }
}

bool valid_rollout_id(std::string_view name) {
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= longest_id && std::all_of(name.begin(), name.end(), good);
}

void no_such_rollout(const std::string& id, Ledger& ledger) {
  throw Error(ErrorCode::rollout_not_found, "cannot read rollout " + id + ": the ledger " + ledger.url() +
                                                " has none of that name" +
                                                did_you_mean(id, ledger.rollouts()))
      .hint("mlship history");
}

namespace {

// How far the holds go; "" when there are none, or they cannot be read.
std::string newest_hold(Ledger& ledger) {
  try {
    const auto lines = ledger.hold_lines();
    return lines.empty() ? "" : lines.back();
  } catch (const Error& e) {
    if (e.code() != ErrorCode::ledger) throw;
    return "";
  }
}

}  // namespace

Json begin_entry(const RolloutRecord& record, Ledger& ledger) {
  const ChainLink after = newest_link(ledger);
  Json entry = {{"type", "begin"},
                {"id", record.id},
                {"command", record.command},
                {"environment", record.environment},
                {"package", record.package},
                {"who", bytes_to_json(record.who)},
                {"host", bytes_to_json(record.host)},
                {"started", record.started},
                {"commits", record.commits},
                {"execution", record.execution},
                {"open", open_rollouts(ledger, record.environment, record.package)},
                {"holds", newest_hold(ledger)}};
  if (!after.rollout.empty()) entry["after"] = {{"rollout", after.rollout}, {"line", after.line}};
  return entry;
}

std::string seed_of(std::string_view plan) {
  return sha256(plan).hex();
}

ChainLink newest_link(Ledger& ledger) {
  const auto ids = ledger.rollouts();
  if (ids.empty()) return {};
  try {
    return {ids.back(), ledger.read(ids.back()).hashes.back()};
  } catch (const Error& e) {
    if (e.code() != ErrorCode::ledger) throw;
    return {ids.back(), ""};
  }
}

RolloutRecord parse_rollout(const std::string& id, std::string plan, std::string_view entries,
                            const std::string& what) {
  Chain chain = read_chain(entries, seed_of(plan), what);
  if (chain.entries.empty())
    throw Error(ErrorCode::ledger, "cannot read rollout " + id + ": it has no entries");
  RolloutRecord record = head(chain.entries[0], id);
  record.plan = std::move(plan);
  record.entries = std::move(chain.entries);
  record.entries.drop_first();
  record.hashes = std::move(chain.hashes);
  record.torn = chain.torn;
  return record;
}

Json hold_entry(const Hold& hold) {
  return {{"type", "hold"},
          {"package", hold.package},
          {"version", hold.version.str()},
          {"scheme", to_string(hold.version.scheme())},
          {"why", hold.why},
          {"since", hold.since}};
}

namespace {

Json release_entry(const std::string& package, const Version& version, const std::string& who) {
  return {{"type", "release"},
          {"package", package},
          {"version", version.str()},
          {"scheme", to_string(version.scheme())},
          {"who", bytes_to_json(who)}};
}

}  // namespace

std::vector<Hold> parse_holds(std::string_view text, const std::string& what) {
  std::vector<Hold> held;
  const Chain chain = read_chain(text, "", what);
  for (const Json entry : chain.entries) {
    StrictObject o(entry, ErrorCode::ledger, what);
    const bool release = o.text("type") == "release";
    const std::string package = o.text("package");
    const Scheme scheme = parse_scheme(o.text("scheme")).value_or(Scheme::pep440);
    const auto version = Version::parse(o.text("version"), scheme);
    if (!version) o.fail("a hold has no version");
    std::erase_if(held, [&](const Hold& h) { return h.package == package && h.version == *version; });
    if (!release) held.push_back({package, *version, o.text("why"), o.integer("since")});
  }
  return held;
}

std::vector<Json> release_entries(const std::vector<Hold>& held, const std::string& package,
                                  const Version& version, const std::string& who) {
  std::vector<Json> out;
  for (const Hold& hold : held) {
    if (holds(hold, package, version)) out.push_back(release_entry(package, hold.version, who));
  }
  if (!out.empty()) return out;
  throw Error(ErrorCode::not_found,
              "cannot release the hold on " + package + " " + version.str() + ": there is none")
      .hint("mlship history " + package);
}

void append_durable(const Path& file, std::string_view text, std::uint64_t whole) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode);
  if (fd < 0) fs::fail(errno, "open", file);
  // Cuts a torn tail that a killed writer left.
  int failed = ::ftruncate(fd, static_cast<off_t>(whole)) == 0 ? 0 : errno;
  size_t done = 0;
  while (failed == 0 && done < text.size()) {
    const auto n = ::pwrite(fd, text.data() + done, text.size() - done, static_cast<off_t>(whole + done));
    if (n > 0) done += static_cast<size_t>(n);
    if (n < 0 && errno != EINTR) failed = errno;
    if (n == 0) failed = EIO;
  }
  if (failed == 0 && ::fsync(fd) != 0) failed = errno;
  if (failed != 0) (void)!::ftruncate(fd, static_cast<off_t>(whole));
  ::close(fd);
  if (failed != 0) fs::fail(failed, "write to", file);
}

}  // namespace mlship
