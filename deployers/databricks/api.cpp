#include "deployers/databricks/api.h"

#include <algorithm>
#include <array>
#include <random>

#include "core/base64.h"
#include "deployers/limiter.h"

namespace mlship::databricks {
namespace {

using std::chrono::milliseconds;

// databricks.md: the retry budget of one call is five minutes.
constexpr milliseconds budget{300'000};
constexpr int first_tries = 3;  // of a workspace that has never answered
constexpr milliseconds first_pause{250};
constexpr milliseconds longest_pause{20'000};
constexpr milliseconds oldest_reading{10'000};         // that a write may be made of
constexpr milliseconds renew_early{60'000};            // before an OAuth token ends
constexpr std::uint64_t largest_answer = 256U << 20U;  // bytes: a page of a hundred large jobs

constexpr auto passing = std::to_array<int>({408, 500, 502, 503, 504});

double jitter() {
  thread_local std::mt19937 random(std::random_device{}());
  return std::uniform_real_distribution<>(0.5, 1)(random);
}

bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string url_encoded(std::string_view text, bool slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (unreserved(c) || (slash && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

// A client out of the pool, given back at the end; waits while as many as may be are out.
class Api::Connection {
 public:
  explicit Connection(Api& api) : api_(api) {
    api.connections_.acquire();
    const std::lock_guard lock(api.mutex_);
    if (!api.idle_.empty()) {
      own_ = std::move(api.idle_.back());
      api.idle_.pop_back();
    } else {
      own_ = api.host_.http.another({.max_attempts = 1});
    }
  }
  ~Connection() {
    const std::lock_guard lock(api_.mutex_);
    if (own_) api_.idle_.push_back(std::move(own_));
    api_.connections_.release();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] Http& http() const { return own_ ? *own_ : api_.host_.http; }

 private:
  Api& api_;
  std::unique_ptr<Http> own_;
};

Api::Api(TargetSection section, Host& host) : section_(std::move(section)), host_(host) {}
Api::~Api() = default;

const Login& Api::login() {
  const std::lock_guard lock(mutex_);
  if (!login_) login_ = find_login(section_, host_.env);
  return *login_;
}

const std::string& Api::host() {
  return login().host;
}

std::string Api::url(const Call& call) {
  std::string out = host() + call.path;
  char mark = '?';
  for (const auto& [name, value] : call.query) {
    out += mark + url_encoded(name) + "=" + url_encoded(value);
    mark = '&';
  }
  return out;
}

std::string Api::authorization() {
  const Login& login = this->login();
  if (!login.token.empty()) return "Bearer " + login.token.reveal();
  {
    const std::lock_guard lock(mutex_);
    if (!bearer_.empty() && host_.clock.monotonic() < bearer_until_) return "Bearer " + bearer_.reveal();
  }
  renew();
  const std::lock_guard lock(mutex_);
  return "Bearer " + bearer_.reveal();
}

// OAuth machine to machine (RFC 6749 §4.4) at the workspace's own token endpoint.
void Api::renew() {
  const Login& login = this->login();
  HttpRequest request;
  request.method = "POST";
  request.url = login.host + "/oidc/v1/token";
  request.headers.emplace("Content-Type", "application/x-www-form-urlencoded");
  request.body = "grant_type=client_credentials&scope=all-apis";
  request.basic = Credentials{login.client_id, login.client_secret};
  request.follow = false;
  request.repeatable = true;
  const std::string doing = "get an OAuth token for " + login.host + " with " + login.origin;
  HttpResponse response;
  for (int attempt = 0;; ++attempt) {
    response = Connection(*this).http().send(request);
    if (response.status < 500 && response.status != 429) break;
    if (attempt == 5) break;
    pause(first_pause * (1 << attempt));
  }
  if (response.status != 200) throw refusal(response, doing);
  if (is_page(response)) throw page_error(response, doing);
  const Json json = parse_json(response.body, ErrorCode::unauthorized, "the answer of " + request.url);
  const auto token = json.find("access_token");
  if (token == json.end() || !token->is_string()) {
    throw Error(ErrorCode::unauthorized, "cannot " + doing + ": the answer holds no access_token");
  }
  const milliseconds life{json.value("expires_in", std::int64_t{3600}) * 1000};
  const std::lock_guard lock(mutex_);
  bearer_ = Secret(token->get<std::string>());
  bearer_until_ = host_.clock.monotonic() + std::max(life - renew_early, life / 2);
}

void Api::pause(milliseconds duration) {
  if (sleep_unless(stop_, host_.clock, duration)) return;
  throw Error(ErrorCode::interrupted, "cannot wait for " + login().host + ": the run was stopped");
}

void Api::take_turn() {
  if (stop_ && stop_()) throw NotSent{true};
  wait_for_turn();
}

void Api::look_before_write(const Call& call) const {
  if (stop_ && stop_()) throw NotSent{true};
  const auto now = host_.clock.monotonic();
  if (now < pacer_.resume() || now - *call.read_at > oldest_reading) throw NotSent{};
}

bool Patience::spent() const {
  return api_.clock().monotonic() - begun_ > budget;
}

void Patience::wait() {
  api_.pause(milliseconds(static_cast<milliseconds::rep>(static_cast<double>(pause_.count()) * jitter())));
  pause_ = std::min(pause_ * 2, longest_pause);
}

void Api::wait_for_turn() {
  auto now = host_.clock.monotonic();
  do {
    const auto start = pacer_.reserve(now);
    if (start > now) pause(start - now);
    now = host_.clock.monotonic();
  } while (now < pacer_.resume());  // somebody was told to slow down meanwhile
}

HttpResponse Api::one_try(const Call& call) {
  HttpRequest request;
  request.method = call.method;
  request.url = url(call);
  request.headers.emplace("Authorization", authorization());
  request.headers.emplace("User-Agent", "mlship");
  if (call.stream || !call.raw.empty()) {
    request.headers.emplace("Content-Type", "application/octet-stream");
    request.stream = call.stream;
    request.body = call.raw;
  } else if (!call.body.is_null()) {
    request.headers.emplace("Content-Type", "application/json");
    request.body = call.body.dump();
  }
  request.follow = false;
  request.repeatable = call.repeat != Repeat::once;  // the tries are made here, where the pace is known
  request.once = call.repeat == Repeat::reread;
  request.abandon = stop_;
  request.max_body = largest_answer;
  request.sink = call.sink;
  request.restart = call.restart;
  const Connection connection(*this);
  if (call.read_at) {
    look_before_write(call);
  } else {
    wait_for_turn();
  }
  const auto sent = host_.clock.monotonic();
  HttpResponse response = connection.http().send(request);
  answered_ = true;
  if (const auto date = read_http_date(response.header("date").value_or(""))) {
    ahead_ = *date - host_.clock.now();
  }
  const auto now = host_.clock.monotonic();
  if (response.status != 429) {
    pacer_.accepted(now);
    return response;
  }
  pacer_.throttled(sent, now, std::min(asked_for(response), budget));
  return response;
}

milliseconds Api::asked_for(const HttpResponse& response) const {
  return parse_retry_after(response.header("retry-after").value_or(""), host_.clock.now())
      .value_or(std::chrono::seconds(0));
}

Error Api::refusal(const HttpResponse& response, const std::string& doing) {
  Error error = api_error(response, doing);
  if (error.code() != ErrorCode::unauthorized) return error;
  const Login& login = this->login();
  return std::move(error).fact("credentials", login.origin).hint(login.remedy);
}

HttpResponse Api::exchange(const Call& call) {
  Patience patience(*this);
  bool renewed = false;
  int unanswered = 0;
  for (;;) {
    HttpResponse response;
    std::optional<Error> lost;
    try {
      response = one_try(call);
    } catch (const Error& e) {
      const bool hopeless = !answered_ && ++unanswered == first_tries;
      if (e.code() != ErrorCode::network || call.repeat != Repeat::any || hopeless) throw;
      lost = e;
    }
    if (!lost && response.status >= 200 && response.status < 300) {
      if (is_page(response)) throw page_error(response, call.doing);
      return response;
    }
    if (!lost && response.status == 401 && !renewed && login().token.empty()) {
      renewed = true;  // the token may have ended early
      renew();
      continue;
    }
    const bool refused = !lost && response.status == 429;
    const bool passes = lost || says_not_now(response) ||
                        std::find(passing.begin(), passing.end(), response.status) != passing.end();
    const bool again = refused ? call.repeat != Repeat::reread && asked_for(response) <= budget
                               : passes && call.repeat == Repeat::any;
    if (!again || patience.spent()) {
      if (lost) throw *lost;
      throw refusal(response, call.doing);
    }
    if (call.restart) call.restart();
    if (refused) continue;  // the pacer says when
    patience.wait();
  }
}

Json Api::call(const Call& call) {
  const HttpResponse response = exchange(call);
  if (response.body.empty()) return nullptr;
  return parse_json(response.body, ErrorCode::server_error, "the answer to '" + call.doing + "'");
}

}  // namespace mlship::databricks
