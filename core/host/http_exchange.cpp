#include "core/host/http_exchange.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "core/host/clock.h"
#include "core/host/env.h"
#include "core/letters.h"

namespace mlship {
namespace {

constexpr int max_resumes = 100;

using std::chrono::milliseconds;

constexpr milliseconds last_wait{5'000};  // for an answer that nobody waits for any more: it may be a write's

struct CurlErrorRow {
  CURLcode code;
  bool transient;
  ErrorCode error;
};
constexpr auto curl_errors = std::to_array<CurlErrorRow>({
    {CURLE_COULDNT_RESOLVE_PROXY, true, ErrorCode::network},
    {CURLE_COULDNT_RESOLVE_HOST, true, ErrorCode::network},
    {CURLE_COULDNT_CONNECT, true, ErrorCode::network},
    {CURLE_HTTP2, true, ErrorCode::network},
    {CURLE_HTTP2_STREAM, true, ErrorCode::network},
    {CURLE_PARTIAL_FILE, true, ErrorCode::network},
    {CURLE_OPERATION_TIMEDOUT, true, ErrorCode::network},
    {CURLE_GOT_NOTHING, true, ErrorCode::network},
    {CURLE_SEND_ERROR, true, ErrorCode::network},
    {CURLE_RECV_ERROR, true, ErrorCode::network},
    {CURLE_SSL_CONNECT_ERROR, true, ErrorCode::tls},
    {CURLE_PEER_FAILED_VERIFICATION, false, ErrorCode::tls},
    {CURLE_SSL_CERTPROBLEM, false, ErrorCode::tls},
    {CURLE_SSL_CIPHER, false, ErrorCode::tls},
    {CURLE_SSL_CACERT_BADFILE, false, ErrorCode::tls},
    {CURLE_SSL_ISSUER_ERROR, false, ErrorCode::tls},
});

CurlErrorRow row_of(CURLcode code) {
  const auto row =
      std::find_if(curl_errors.begin(), curl_errors.end(), [code](const auto& r) { return r.code == code; });
  return row == curl_errors.end() ? CurlErrorRow{code, false, ErrorCode::network} : *row;
}

bool names_credentials(const std::string& header) {
  const std::string name = letters::lowered(header);
  return name == "authorization" || name == "cookie" || name == "proxy-authorization";
}

}  // namespace

Exchange::Exchange(const CurlApi& curl, const Env& env, Clock& clock, const HttpOptions& options,
                   Transfer transfer)
    : curl_(curl), env_(env), clock_(clock), options_(options), transfer_(std::move(transfer)) {
  const auto url = parse_url(curl_, "", transfer_.request.url);
  if (!url) {
    throw Error(ErrorCode::network,
                "cannot reach '" + printable_url(transfer_.request.url) + "': not an http or https URL");
  }
  start_ = *url;
  if (!start_.user.empty() && !transfer_.request.basic) {
    transfer_.request.basic = Credentials{start_.user, Secret(start_.password)};
  }
  easy_ = curl_.easy_init();
  if (easy_ == nullptr) throw Error(ErrorCode::internal, "libcurl has no memory for a request");
  try {
    start_try();
  } catch (...) {
    curl_.easy_cleanup(easy_);
    throw;
  }
}

Exchange::~Exchange() {
  curl_.slist_free_all(list_);
  curl_.easy_cleanup(easy_);
}

// Every try begins at the request's own URL: what a redirect pointed to may have expired.
void Exchange::start_try() {
  credentials_ = true;
  redirects_ = 0;
  method_ = transfer_.request.method;
  with_body_ = true;
  at_try_start_ = taken_;
  go_to(start_);
}

void Exchange::go_to(const ParsedUrl& url) {
  if (url.scheme == "http" && !url.loopback()) {
    if (!transfer_.request.plain_http) {
      throw Error(ErrorCode::tls,
                  "cannot reach " + printable_url(url.text) + ": plain HTTP is for loopback only")
          .hint("write https:// instead of http://");
    }
    credentials_ = false;
  }
  url_ = url;
}

void Exchange::prepare() {
  curl_.easy_reset(easy_);
  response_ = {};
  response_.url = url_.text;
  headers_done_ = false;
  read_ = 0;
  sends_ = 0;
  error_text_[0] = '\0';
  activity_ = clock_.monotonic();
  set_connection();
  set_method();
  set_headers();
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_ERRORBUFFER, error_text_.data());
}

void Exchange::set_connection() {
  set(CURLOPT_URL, url_.text.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_PIPEWAIT, 1L);  // HTTP/2: wait for a connection to share instead of opening one each
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_PREREQFUNCTION, &Exchange::on_send);
  set(CURLOPT_PREREQDATA, this);
  if (!transfer_.request.repeatable.value_or(true) && !transfer_.request.once) set(CURLOPT_FRESH_CONNECT, 1L);
  const std::string ca_file =
      transfer_.request.ca_file.empty() ? env_.get("SSL_CERT_FILE").value_or("") : transfer_.request.ca_file;
  if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
  if (const auto folder = env_.get("SSL_CERT_DIR")) set(CURLOPT_CAPATH, folder->c_str());
  // As curl(1): HTTP_PROXY in capitals is not read, a CGI client could set it (httpoxy).
  std::optional<std::string> proxy = env_.get(url_.scheme + "_proxy");
  if (!proxy && url_.scheme == "https") proxy = env_.get("HTTPS_PROXY");
  if (!proxy) proxy = env_.get("all_proxy");
  if (!proxy) proxy = env_.get("ALL_PROXY");
  auto no_proxy = env_.get("no_proxy");
  if (!no_proxy) no_proxy = env_.get("NO_PROXY");
  // "" keeps libcurl from looking at the process's own variables; loopback is nobody else's business.
  set(CURLOPT_PROXY, url_.loopback() ? "" : proxy.value_or("").c_str());
  set(CURLOPT_NOPROXY, no_proxy.value_or("").c_str());
}

void Exchange::set_method() {
  if (uploads()) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_size()));
    set(CURLOPT_READFUNCTION, &Exchange::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Exchange::on_seek);
    set(CURLOPT_SEEKDATA, this);
    set(CURLOPT_CUSTOMREQUEST, method_.c_str());
  } else if (method_ == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method_ != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method_.c_str());
  }
  // A sink gets the bytes as they are stored: it hashes them, and a range of them can be asked for.
  if (!transfer_.request.sink) set(CURLOPT_ACCEPT_ENCODING, "");
}

void Exchange::set_headers() {
  curl_.slist_free_all(list_);
  list_ = nullptr;
  const auto add = [this](const std::string& line) {
    if (line.find_first_of("\r\n") != std::string::npos) {
      throw Error(ErrorCode::internal, "a header for " + printable_url(url_.text) + " holds a line break");
    }
    list_ = curl_.slist_append(list_, line.c_str());
  };
  for (const auto& [name, value] : transfer_.request.headers) {
    if (!credentials_ && names_credentials(name)) continue;
    if (!with_body_ && letters::lowered(name).starts_with("content-")) continue;
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  add("Expect:");  // 100-continue costs a round trip, and a second where it is not understood
  if (resume_from_ > 0) {
    add("Range: bytes=" + std::to_string(resume_from_) + "-");
    add("If-Range: " + validator_);
  }
  set(CURLOPT_HTTPHEADER, list_);
  set(CURLOPT_USERAGENT, "mlship/" MLSHIP_VERSION);
  if (!credentials_ || !transfer_.request.basic) return;
  set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
  set(CURLOPT_USERNAME, transfer_.request.basic->user.c_str());
  set(CURLOPT_PASSWORD, transfer_.request.basic->password.reveal().c_str());
}

// An exception must not pass through libcurl: it is kept, and the short count ends the transfer.
size_t Exchange::on_header(char* data, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  try {
    exchange.header({data, size * count});
    return size * count;
  } catch (...) {
    exchange.thrown_ = std::current_exception();
    return 0;
  }
}

size_t Exchange::on_body(char* data, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  try {
    exchange.body({data, size * count});
    return size * count;
  } catch (...) {
    exchange.thrown_ = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

size_t Exchange::on_read(char* data, size_t size, size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  const size_t room =
      static_cast<size_t>(std::min<std::uint64_t>(size * count, exchange.body_size() - exchange.read_));
  exchange.activity_ = exchange.clock_.monotonic();
  if (room == 0) return 0;
  const auto& request = exchange.transfer_.request;
  size_t piece = room;
  try {
    if (request.stream) {
      piece = request.stream->read(exchange.read_, data, room);
    } else {
      std::memcpy(data, request.body.data() + exchange.read_, room);
    }
  } catch (...) {
    exchange.thrown_ = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
  exchange.read_ += piece;
  return piece;
}

// libcurl itself sends a request again when a connection that it had kept dies without an answer, though the
// server may have done what was asked (Curl_retry_request).
bool Exchange::repeats_itself() const {
  if (transfer_.request.once) return false;
  return transfer_.request.repeatable.value_or(method_ == "GET" || method_ == "HEAD");
}

int Exchange::on_send(void* self, char*, char*, int, int) {
  auto& exchange = *static_cast<Exchange*>(self);
  return ++exchange.sends_ > 1 && !exchange.repeats_itself() ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int Exchange::on_seek(void* self, curl_off_t offset, int origin) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > exchange.body_size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  exchange.read_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::uint64_t Exchange::body_size() const {
  if (!with_body_) return 0;
  return transfer_.request.stream ? transfer_.request.stream->size : transfer_.request.body.size();
}

bool Exchange::deliver(const Error& error) const {
  if (fatal_ || !transfer_.failed) return false;
  transfer_.failed(error);
  return true;
}

void Exchange::header(std::string_view line) {
  activity_ = clock_.monotonic();
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // also after 100 Continue
    response_.headers.clear();
    const size_t space = line.find(' ');
    response_.status = 0;
    if (space != std::string_view::npos) {
      const std::string_view digits = line.substr(space + 1, 3);
      std::from_chars(digits.data(), digits.data() + digits.size(), response_.status);
    }
    return;
  }
  if (line.empty()) {
    if (response_.status >= 200 && !headers_done_) headers_complete();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  response_.headers.emplace(letters::lowered(line.substr(0, colon)), value);
}

void Exchange::headers_complete() {
  headers_done_ = true;
  if (!transfer_.request.sink || response_.status < 200 || response_.status > 299) return;
  if (resume_from_ > 0) {
    const std::string range = response_.header("content-range").value_or("");
    if (response_.status == 206 && range.starts_with("bytes " + std::to_string(resume_from_) + "-")) {
      response_.status = 200;  // the caller asked for the whole
      return;
    }
    // If-Range: it changed meanwhile, or the server ignores ranges (RFC 9110 §13.1.5).
    if (response_.status == 206)
      throw Error(ErrorCode::network, "cannot fetch " + printable_url(url_.text) +
                                          ": the server sent another range than the one asked for");
    resume_from_ = 0;
    taken_ = 0;
    if (transfer_.request.restart) transfer_.request.restart();
  }
  const std::string etag = response_.header("etag").value_or("");
  const bool ranges = letters::lowered(response_.header("accept-ranges").value_or("")) == "bytes";
  const bool own_range = std::any_of(transfer_.request.headers.begin(), transfer_.request.headers.end(),
                                     [](const auto& h) { return letters::lowered(h.first) == "range"; });
  validator_ = ranges && !own_range && etag.starts_with('"') ? etag : "";
}

void Exchange::body(std::string_view data) {
  activity_ = clock_.monotonic();
  const bool good = response_.status >= 200 && response_.status <= 299;
  if (good && transfer_.request.sink) {
    transfer_.request.sink(data);
    taken_ += data.size();
    return;
  }
  if (response_.body.size() + data.size() <= transfer_.request.max_body) {
    response_.body += data;
  } else if (good) {
    throw Error(ErrorCode::network, "cannot fetch " + printable_url(url_.text) +
                                        ": the answer is larger than " +
                                        std::to_string(transfer_.request.max_body) + " bytes");
  }
}

bool Exchange::stalled() const {
  const bool waits_for_answer = uploads() && read_ == body_size() && !headers_done_;
  const milliseconds limit = waits_for_answer ? options_.answer_timeout : options_.stall_timeout;
  return clock_.monotonic() - activity_ > limit;
}

TryResult Exchange::stall() const {
  const auto silent = std::chrono::duration_cast<std::chrono::seconds>(clock_.monotonic() - activity_);
  return {CURLE_OPERATION_TIMEDOUT, "nothing came for " + std::to_string(silent.count()) + " s"};
}

bool Exchange::abandoned() {
  if (!transfer_.request.abandon || !transfer_.request.abandon()) return false;
  const auto now = clock_.monotonic();
  if (!unwanted_since_) unwanted_since_ = now;
  return now - *unwanted_since_ > last_wait;
}

TryResult Exchange::explained(CURLcode code) const {
  const bool stopped_here = code == CURLE_ABORTED_BY_CALLBACK && sends_ > 1;
  if (stopped_here) return {CURLE_GOT_NOTHING, "the server closed the connection without an answer"};
  std::string text = error_text_[0] != '\0' ? error_text_.data() : curl_.easy_strerror(code);
  if (text.size() > 1 && text[1] >= 'a' && text[1] <= 'z') text[0] = letters::lower(text[0]);
  return {code, text};
}

Next Exchange::ended(const TryResult& result, double jitter) {
  if (thrown_) {
    fatal_ = true;
    std::rethrow_exception(std::exchange(thrown_, nullptr));
  }
  if (result.code == CURLE_OK && redirect()) return Next::again_now;
  return try_again(result, jitter);
}

// RFC 9110 §15.4. False when the answer is not a redirect.
bool Exchange::redirect() {
  static constexpr std::array<int, 5> statuses{301, 302, 303, 307, 308};
  const auto location = response_.header("location");
  const int status = response_.status;
  if (!transfer_.request.follow) return false;
  if (!location || std::find(statuses.begin(), statuses.end(), status) == statuses.end()) return false;
  const std::string from = "cannot fetch " + printable_url(start_.text) + ": ";
  if (++redirects_ > options_.max_redirects) {
    throw Error(ErrorCode::network,
                from + "redirected more than " + std::to_string(options_.max_redirects) + " times");
  }
  const auto next = parse_url(curl_, url_.text, *location);
  if (!next) {
    throw Error(ErrorCode::network,
                from + "redirected to '" + printable_url(*location) + "', which is not an http or https URL");
  }
  if (url_.scheme == "https" && next->scheme == "http") {
    throw Error(ErrorCode::tls, from + "redirected from TLS to plain HTTP at " + printable_url(next->text));
  }
  if (next->origin() != url_.origin()) credentials_ = false;
  if ((status == 303 && method_ != "HEAD") || (status <= 302 && method_ == "POST")) {
    method_ = "GET";
    with_body_ = false;
  }
  go_to(*next);
  return true;
}

RetryInput Exchange::outcome(const TryResult& result, double jitter) const {
  static constexpr std::array<std::string_view, 5> idempotent{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  RetryInput input;
  input.attempt = attempt_;
  input.status = result.code == CURLE_OK ? response_.status : 0;
  input.transient = row_of(result.code).transient;
  const auto& request = transfer_.request;
  const bool may = std::find(idempotent.begin(), idempotent.end(), request.method) != idempotent.end();
  input.idempotent = !request.once && request.repeatable.value_or(may);
  if (const auto after = response_.header("retry-after")) {
    input.retry_after = parse_retry_after(*after, clock_.now());
  }
  input.spent = clock_.monotonic() - failing_since_;
  input.jitter = jitter;
  return input;
}

Next Exchange::try_again(const TryResult& result, double jitter) {
  // A try that brought bytes which can be kept is no failure in a row.
  if (taken_ > at_try_start_ && !validator_.empty() && resumes_ < max_resumes) {
    ++resumes_;
    attempt_ = 1;
  }
  if (attempt_ == 1) failing_since_ = clock_.monotonic();
  const RetryInput input = outcome(result, jitter);
  auto pause = retry_pause(input, options_.retry);
  // 416: what the sink has is not the beginning of what is there now.
  if (resume_from_ > 0 && input.status == 416 && attempt_ < options_.retry.max_attempts) {
    validator_.clear();
    pause = milliseconds(0);
  }
  const bool keep = !validator_.empty() && resumes_ < max_resumes;
  // Without restart() a sink cannot be told that it has too much.
  if (taken_ > 0 && !keep && !transfer_.request.restart) pause.reset();
  if (!pause) {
    if (result.code != CURLE_OK) give_up(result);
    return Next::finished;
  }
  resume_from_ = keep ? taken_ : 0;
  if (resume_from_ == 0) {
    taken_ = 0;
    if (transfer_.request.sink && transfer_.request.restart) transfer_.request.restart();
  }
  ++attempt_;
  start_try();
  wake_ = clock_.monotonic() + *pause;
  return Next::again_later;
}

void Exchange::give_up(const TryResult& result) const {
  const CurlErrorRow row = row_of(result.code);
  throw Error(row.error, "cannot reach " + printable_url(url_.text) + ": " + result.detail)
      .fact("tries", std::to_string(attempt_))
      .hint(row.error == ErrorCode::tls
                ? "set SSL_CERT_FILE to a file with the certificate of the authority that signed the server's"
                : "check the network and HTTPS_PROXY, then run the command again");
}

}  // namespace mlship
