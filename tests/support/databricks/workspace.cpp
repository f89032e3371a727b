#include "tests/support/databricks/workspace.h"

#include <algorithm>

#include "core/base64.h"
#include "tests/support/databricks/api.h"
#include "tests/support/databricks/path.h"

namespace mlship::testing::dbx {
namespace {

constexpr std::int64_t epoch = 1'795'253'934'000;
const Access everything_allowed;

// Who holds the token of the request; throws Refusal when nobody does.
const Access& identify(const State& state, const Switches& switches, const Request& request,
                       std::int64_t now) {
  std::string header = request.header("authorization");
  // Basic with the user `token` and the token as password: what old clients send.
  if (header.starts_with("Basic ")) {
    const std::string plain = base64_decode(header.substr(6)).value_or("");
    if (plain.starts_with("token:")) header = "Bearer " + plain.substr(6);
  }
  if (!header.starts_with("Bearer ") || header.size() == 7) {
    throw Refusal{401, "UNAUTHENTICATED",
                  "Credential was not sent or was of an unsupported type for this API."};
  }
  const auto found = state.tokens.find(header.substr(7));
  if (found == state.tokens.end()) {
    if (state.tokens.empty() && state.clients.empty()) return everything_allowed;
    throw Refusal{switches.bad_token_status, "UNAUTHENTICATED", "Invalid access token."};
  }
  if (found->second.expires != 0 && found->second.expires <= now) {
    throw Refusal{401, "UNAUTHENTICATED",
                  "Access token expired at " + std::to_string(found->second.expires) + "."};
  }
  return found->second;
}

// The fields of a multipart form; those that the JSON form holds as base64 are encoded.
Json read_multipart(const Request& request, const std::string& type) {
  Json out = Json::object();
  const size_t at = type.find("boundary=");
  if (at == std::string::npos) throw Refusal{400, "MALFORMED_REQUEST", "multipart without boundary"};
  std::string mark = type.substr(at + 9);
  if (mark.size() > 1 && mark.front() == '"') mark = mark.substr(1, mark.size() - 2);
  mark = "--" + mark;
  const std::string& body = request.body;
  for (size_t begin = body.find(mark); begin != std::string::npos;) {
    begin += mark.size() + 2;
    const size_t end = body.find("\r\n" + mark, begin);
    const size_t blank = body.find("\r\n\r\n", begin);
    if (end == std::string::npos || blank > end) break;
    const std::string head = body.substr(begin, blank - begin);
    const size_t name = head.find(" name=\"") + 7;
    const std::string field = head.substr(name, head.find('"', name) - name);
    const std::string value = body.substr(blank + 4, end - blank - 4);
    out[field] = field == "content" || field == "contents" ? base64_encode(value) : value;
    begin = end + 2;
  }
  return out;
}

Json read_body(const Request& request) {
  const std::string type = request.header("content-type");
  if (request.path.starts_with("/api/2.0/fs/") || request.path.starts_with("/oidc/")) return Json::object();
  if (type.starts_with("multipart/")) return read_multipart(request, type);
  if (request.body.empty()) return Json::object();
  if (type == "application/x-www-form-urlencoded" && request.body.front() != '{')
    return read_form(request.body);
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw Refusal{400, "MALFORMED_REQUEST", "Could not parse request object"};
  return body;
}

// What the writer takes as the object of a request.
std::string object_of(const Request& request) {
  if (request.path.starts_with("/api/2.0/pipelines/")) return request.path.substr(9);
  if (request.path.find("/jobs/") == std::string::npos) return "";
  if (request.query.contains("job_id")) return "jobs/" + request.query.at("job_id");
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("job_id")) return "";
  return "jobs/" + body["job_id"].dump();
}

std::string query_text(const Request& request) {
  std::string out;
  for (const auto& [name, value] : request.query) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string endpoint_of(const Request& request) {
  const Route* route = find_route(request);
  return request.method + " " + (route == nullptr ? request.path : std::string(route->pattern));
}

}  // namespace

Workspace::Workspace(State state, Now now) : state_(std::move(state)), now_(std::move(now)) {}

std::int64_t Workspace::time() {
  if (now_) return now_() + drift_;
  return epoch + ++drift_;
}

Reply Workspace::handle(const Request& request) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = time();
  const std::uint64_t number = log_.size() + 1;
  log_.push_back({number, request.method, request.path, query_text(request), endpoint_of(request), 0,
                  request.connection, now});
  Reply reply = answer(request, number, now);
  reply.delay += latency_;
  if (request.method == "HEAD") reply.body.clear();
  if (reply.cut == Cut::none) log_.back().status = reply.status;
  return reply;
}

Reply Workspace::answer(const Request& request, std::uint64_t number, std::int64_t now) {
  const auto fault = faults_.next(request, number);
  if (fault && fault->before()) return apply(*fault, {});
  if (over_the_rate(now)) {
    Fault limit;
    limit.status = 429;
    limit.code = "REQUEST_LIMIT_EXCEEDED";
    limit.message = "Too many requests";
    limit.retry_after = rate_.retry_after;
    return apply(limit, {});
  }
  writer_.step(state_, object_of(request), request.path, number, now);
  Reply reply = execute(request, number, now);
  return fault ? apply(*fault, std::move(reply)) : reply;
}

Reply Workspace::execute(const Request& request, std::uint64_t number, std::int64_t now) {
  try {
    const Route* route = find_route(request);
    if (route == nullptr) {
      throw Refusal{404, "ENDPOINT_NOT_FOUND",
                    "No API found for '" + request.method + " " + request.path + "'"};
    }
    // A copy: a handler may make tokens.
    const Access who = route->open ? everything_allowed : identify(state_, switches_, request, now);
    Call call{state_, switches_, who, request, read_body(request), now, number, ""};
    if (route->pattern.ends_with("/**")) call.rest = request.path.substr(route->pattern.size() - 3);
    return route->handler(call);
  } catch (const Refusal& refusal) {
    return refusal_reply(refusal, parse_error_form(switches_.error_form).value_or(ErrorForm::json));
  } catch (const Json::exception& error) {
    return refusal_reply({400, "MALFORMED_REQUEST", error.what()}, ErrorForm::json);
  }
}

bool Workspace::over_the_rate(std::int64_t now) {
  if (rate_.per_second <= 0) return false;
  tokens_ = std::min(rate_.burst, tokens_ + static_cast<double>(now - filled_) * rate_.per_second / 1000);
  filled_ = now;
  if (tokens_ < 1) return true;
  tokens_ -= 1;
  return false;
}

void Workspace::edit(const std::function<void(State&)>& change) {
  const std::lock_guard lock(mutex_);
  change(state_);
}

void Workspace::look(const std::function<void(const State&)>& reader) const {
  const std::lock_guard lock(mutex_);
  reader(state_);
}

Json Workspace::read(const std::string& object) const {
  const std::lock_guard lock(mutex_);
  const Json* found = find_object(state_, object);
  return found == nullptr ? Json() : *found;
}

void Workspace::replace(const std::string& object, Json value) {
  const std::lock_guard lock(mutex_);
  put_object(state_, object, std::move(value));
}

Json Workspace::document(const std::string& object) const {
  const std::lock_guard lock(mutex_);
  return document_of(state_, object).value_or(Json());
}

Json Workspace::everything() const {
  const std::lock_guard lock(mutex_);
  return dump(state_);
}

std::optional<std::string> Workspace::file(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = state_.files.find(canonical_path(path));
  if (found == state_.files.end()) return std::nullopt;
  return found->second->bytes;
}

Switches Workspace::switches() const {
  const std::lock_guard lock(mutex_);
  return switches_;
}

void Workspace::set_switches(const Switches& switches) {
  const std::lock_guard lock(mutex_);
  if (!parse_error_form(switches.error_form)) {
    throw Refusal{400, "INVALID_PARAMETER_VALUE", "no such form of errors: " + switches.error_form};
  }
  switches_ = switches;
}

void Workspace::set_latency(std::chrono::milliseconds latency) {
  const std::lock_guard lock(mutex_);
  latency_ = latency;
}

void Workspace::set_rate(const RateLimit& rate) {
  const std::lock_guard lock(mutex_);
  rate_ = rate;
  tokens_ = rate.burst;
  filled_ = time();
}

void Workspace::add_fault(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.add(fault);
}

void Workspace::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

void Workspace::set_writer(const WriterOptions& options) {
  const std::lock_guard lock(mutex_);
  writer_ = Writer(options);
}

std::vector<Edit> Workspace::edits() const {
  const std::lock_guard lock(mutex_);
  return writer_.edits();
}

std::vector<Edit> Workspace::lost_edits() const {
  const std::lock_guard lock(mutex_);
  std::vector<Edit> lost;
  std::copy_if(writer_.edits().begin(), writer_.edits().end(), std::back_inserter(lost),
               [&](const Edit& edit) { return !edit.superseded && !survives(state_, edit); });
  return lost;
}

void Workspace::advance(std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  drift_ += time.count();
}

std::vector<LogEntry> Workspace::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::uint64_t Workspace::requests() const {
  const std::lock_guard lock(mutex_);
  return log_.size();
}

std::map<std::string, std::int64_t> Workspace::counts() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> out;
  for (const auto& entry : log_) ++out[entry.endpoint];
  return out;
}

std::int64_t Workspace::writes() const {
  const std::lock_guard lock(mutex_);
  return std::count_if(log_.begin(), log_.end(),
                       [](const LogEntry& entry) { return entry.method != "GET" && entry.method != "HEAD"; });
}

std::int64_t Workspace::connections() const {
  const std::lock_guard lock(mutex_);
  std::set<int> numbers;
  for (const auto& entry : log_) numbers.insert(entry.connection);
  return static_cast<std::int64_t>(numbers.size());
}

void Workspace::reset_log() {
  const std::lock_guard lock(mutex_);
  log_.clear();
}

int Workspace::new_connection() {
  const std::lock_guard lock(mutex_);
  return ++last_connection_;
}

}  // namespace mlship::testing::dbx
