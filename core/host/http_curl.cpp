// Http over libcurl's multi interface.
#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <utility>

#include "core/host/clock.h"
#include "core/host/env.h"
#include "core/host/http.h"
#include "core/host/http_curl_api.h"
#include "core/host/http_exchange.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;

class CurlHttp : public Http {
 public:
  CurlHttp(const Env& env, Clock& clock, const HttpOptions& options)
      : env_(env), clock_(clock), options_(options), random_(std::random_device{}()) {}
  ~CurlHttp() override {
    for (CURLM* multi : idle_) curl_->multi_cleanup(multi);
  }
  CurlHttp(const CurlHttp&) = delete;
  CurlHttp& operator=(const CurlHttp&) = delete;

  HttpResponse send(const HttpRequest& request) override;
  void run(std::vector<Transfer> transfers, int parallel) override;
  void drive(const NextTransfer& next, int parallel) override;
  std::unique_ptr<Http> another(const RetryPolicy& retry) override {
    HttpOptions options = options_;
    options.retry = retry;
    return std::make_unique<CurlHttp>(env_, clock_, options);
  }

 private:
  class Batch;
  double jitter() { return std::uniform_real_distribution<>(0, 1)(random_); }

  const Env& env_;
  Clock& clock_;
  HttpOptions options_;
  std::mt19937 random_;
  std::unique_ptr<CurlApi> curl_;
  // Multi handles own the connections; a nested run() takes another one.
  std::vector<CURLM*> idle_;
};

// One drive(): at most `parallel` exchanges active or waiting for their next try.
class CurlHttp::Batch {
 public:
  Batch(CurlHttp& http, const NextTransfer& next, int parallel)
      : http_(http), curl_(*http.curl_), next_(next), parallel_(static_cast<size_t>(std::max(1, parallel))) {
    if (http_.idle_.empty()) {
      multi_ = curl_.multi_init();
    } else {
      multi_ = http_.idle_.back();
      http_.idle_.pop_back();
    }
    curl_.multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(parallel_));
  }
  ~Batch() {
    for (const auto& exchange : active_) curl_.multi_remove_handle(multi_, exchange->easy());
    http_.idle_.push_back(multi_);
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void run() {
    for (;;) {
      fill();
      if (active_.empty() && sleeping_.empty()) return;
      if (active_.empty()) {
        http_.clock_.sleep(std::max(milliseconds(0), next_wake() - http_.clock_.monotonic()));
        continue;
      }
      int running = 0;
      curl_.multi_perform(multi_, &running);
      if (collect()) continue;
      milliseconds wait(200);
      if (!sleeping_.empty())
        wait = std::clamp(next_wake() - http_.clock_.monotonic(), milliseconds(0), wait);
      curl_.multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
    }
  }

 private:
  using Exchanges = std::vector<std::unique_ptr<Exchange>>;

  [[nodiscard]] milliseconds next_wake() const {
    return (*std::min_element(sleeping_.begin(), sleeping_.end(),
                              [](const auto& a, const auto& b) { return a->wake() < b->wake(); }))
        ->wake();
  }

  void start(std::unique_ptr<Exchange> exchange) {
    exchange->prepare();
    curl_.multi_add_handle(multi_, exchange->easy());
    active_.push_back(std::move(exchange));
  }

  void fill() {
    for (size_t i = 0; i < sleeping_.size();) {
      if (sleeping_[i]->wake() > http_.clock_.monotonic()) {
        ++i;
        continue;
      }
      auto exchange = std::move(sleeping_[i]);
      sleeping_.erase(sleeping_.begin() + static_cast<std::ptrdiff_t>(i));
      start(std::move(exchange));
    }
    while (active_.size() + sleeping_.size() < parallel_) {
      auto transfer = next_();
      if (!transfer) return;
      start(
          std::make_unique<Exchange>(curl_, http_.env_, http_.clock_, http_.options_, std::move(*transfer)));
    }
  }

  // True when a try ended.
  bool collect() {
    std::vector<std::pair<CURL*, TryResult>> ended;
    int left = 0;
    while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE)
        ended.emplace_back(message->easy_handle, TryResult{message->data.result, ""});
    }
    for (const auto& exchange : active_) {
      const bool listed =
          std::any_of(ended.begin(), ended.end(), [&](const auto& e) { return e.first == exchange->easy(); });
      if (listed) continue;
      if (exchange->stalled()) {
        ended.emplace_back(exchange->easy(), exchange->stall());
      } else if (exchange->abandoned()) {
        ended.emplace_back(exchange->easy(), TryResult{CURLE_ABORTED_BY_CALLBACK, "the run was stopped"});
      }
    }
    for (auto& [easy, result] : ended) settle(easy, std::move(result));
    return !ended.empty();
  }

  void settle(CURL* easy, TryResult result) {
    const auto found =
        std::find_if(active_.begin(), active_.end(), [&](const auto& e) { return e->easy() == easy; });
    curl_.multi_remove_handle(multi_, easy);
    auto exchange = std::move(*found);
    active_.erase(found);
    if (result.detail.empty()) result = exchange->explained(result.code);
    Next next = Next::finished;
    try {
      next = exchange->ended(result, http_.jitter());
    } catch (const Error& error) {
      if (!exchange->deliver(error)) throw;
      return;
    }
    switch (next) {
      case Next::finished: exchange->deliver(); break;
      case Next::again_now: start(std::move(exchange)); break;
      case Next::again_later: sleeping_.push_back(std::move(exchange)); break;
    }
  }

  CurlHttp& http_;
  const CurlApi& curl_;
  CURLM* multi_ = nullptr;
  const NextTransfer& next_;
  Exchanges active_, sleeping_;
  size_t parallel_;
};

HttpResponse CurlHttp::send(const HttpRequest& request) {
  HttpResponse out;
  std::vector<Transfer> one;
  one.push_back({request, [&out](HttpResponse response) { out = std::move(response); }});
  run(std::move(one), 1);
  return out;
}

void CurlHttp::run(std::vector<Transfer> transfers, int parallel) {
  std::deque<Transfer> waiting(std::make_move_iterator(transfers.begin()),
                               std::make_move_iterator(transfers.end()));
  const auto next = [&waiting]() -> std::optional<Transfer> {
    if (waiting.empty()) return std::nullopt;
    Transfer transfer = std::move(waiting.front());
    waiting.pop_front();
    return transfer;
  };
  drive(next, parallel);
}

void CurlHttp::drive(const NextTransfer& next, int parallel) {
  if (!curl_) curl_ = std::make_unique<CurlApi>();
  Batch(*this, next, parallel).run();
}

}  // namespace

std::unique_ptr<Http> Http::another(const RetryPolicy&) {
  return nullptr;
}

void Http::drive(const NextTransfer& next, int /*parallel*/) {
  while (const auto transfer = next()) {
    std::optional<HttpResponse> response;
    try {
      response = send(transfer->request);
    } catch (const Error& error) {
      if (!transfer->failed) throw;
      transfer->failed(error);
      continue;
    }
    transfer->done(std::move(*response));
  }
}

std::optional<UrlParts> read_url(const std::string& base, const std::string& reference) {
  const CurlApi curl;
  const auto url = parse_url(curl, base, reference);
  if (!url) return std::nullopt;
  return UrlParts{
      url->text,      url->scheme, url->host, url->port, !url->user.empty() || !url->password.empty(),
      url->loopback()};
}

std::unique_ptr<Http> curl_http(const Env& env, Clock& clock, const HttpOptions& options) {
  return std::make_unique<CurlHttp>(env, clock, options);
}

}  // namespace mlship
