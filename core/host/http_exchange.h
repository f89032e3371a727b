// One request of libcurl with its redirects and tries: the state machine behind core/host/http_curl.cpp.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "core/host/http.h"
#include "core/host/http_curl_api.h"

namespace mlship {

// How one try ended.
struct TryResult {
  CURLcode code = CURLE_OK;
  std::string detail;
};

// What is done with an exchange whose try has ended.
enum class Next { finished, again_now, again_later };

// One request with its redirects and tries.
class Exchange {
 public:
  Exchange(const CurlApi& curl, const Env& env, Clock& clock, const HttpOptions& options, Transfer transfer);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] CURL* easy() const { return easy_; }
  // Sets the handle up for the current hop.
  void prepare();
  Next ended(const TryResult& result, double jitter);
  [[nodiscard]] bool stalled() const;
  [[nodiscard]] TryResult stall() const;
  // Whoever asked waits no longer, and has not for a while.
  [[nodiscard]] bool abandoned();
  [[nodiscard]] std::chrono::milliseconds wake() const { return wake_; }
  [[nodiscard]] TryResult explained(CURLcode code) const;  // for people
  void deliver() { transfer_.done(std::move(response_)); }
  // Hands the error of a spent exchange to whoever asked for it; false: nobody did.
  bool deliver(const Error& error) const;

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_read(char* data, size_t size, size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);
  static int on_send(void* self, char* to, char* from, int to_port, int from_port);

  void go_to(const ParsedUrl& url);
  void start_try();
  void set_method();
  void set_headers();
  void set_connection();
  void header(std::string_view line);
  void headers_complete();
  void body(std::string_view data);
  bool redirect();
  [[nodiscard]] RetryInput outcome(const TryResult& result, double jitter) const;
  Next try_again(const TryResult& result, double jitter);
  [[noreturn]] void give_up(const TryResult& result) const;
  [[nodiscard]] bool repeats_itself() const;
  [[nodiscard]] bool uploads() const {
    return body_size() > 0 || method_ == "PUT" || method_ == "POST" || method_ == "PATCH";
  }
  [[nodiscard]] std::uint64_t body_size() const;
  template <typename Value>
  void set(CURLoption option, Value value) const {
    curl_.easy_setopt(easy_, option, value);
  }

  const CurlApi& curl_;
  const Env& env_;
  Clock& clock_;
  const HttpOptions& options_;
  Transfer transfer_;
  CURL* easy_;
  curl_slist* list_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};

  ParsedUrl start_, url_;    // of the request; of this hop
  bool credentials_ = true;  // false for ever after a hop to another origin
  int redirects_ = 0;
  std::string method_;
  bool with_body_ = true;   // false after a redirect that drops it
  std::uint64_t read_ = 0;  // bytes of the body handed to libcurl
  int sends_ = 0;           // of this try, by libcurl

  int attempt_ = 1;
  int resumes_ = 0;
  std::chrono::milliseconds failing_since_{0};
  std::chrono::milliseconds wake_{0};
  std::chrono::milliseconds activity_{0};
  std::optional<std::chrono::milliseconds> unwanted_since_;

  HttpResponse response_;
  bool headers_done_ = false;
  std::uint64_t taken_ = 0;         // bytes the sink has
  std::uint64_t at_try_start_ = 0;  // taken_ when this try began
  std::uint64_t resume_from_ = 0;
  std::string validator_;      // the strong ETag of what the sink has
  std::exception_ptr thrown_;  // in a callback
  bool fatal_ = false;         // what ended() throws is that, and no failure to get an answer
};

}  // namespace mlship
