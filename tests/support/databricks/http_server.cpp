#include "tests/support/databricks/http_server.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mlship::testing::dbx {
namespace {

// What one connection has sent and nobody has read yet.
class Wire {
 public:
  explicit Wire(int socket) : socket_(socket) {}

  std::optional<Request> next() {
    const auto head = until("\r\n\r\n");
    if (!head) return std::nullopt;
    const size_t first = head->find(' '), second = head->find(' ', first + 1);
    if (second == std::string::npos) return std::nullopt;
    Headers headers = read_headers(*head);
    Request request =
        make_request(head->substr(0, first), head->substr(first + 1, second - first - 1), std::move(headers));
    if (request.header("expect") == "100-continue") send_all("HTTP/1.1 100 Continue\r\n\r\n");
    const bool chunked = request.header("transfer-encoding").find("chunked") != std::string::npos;
    const std::string length = request.header("content-length");
    auto body = chunked ? chunks() : exactly(length.empty() ? 0 : std::stoul(length));
    if (!body) return std::nullopt;
    request.body = std::move(*body);
    return request;
  }

  bool send_all(const std::string& bytes) const {
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t n = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += static_cast<size_t>(n);
    }
    return true;
  }

 private:
  static Headers read_headers(const std::string& head) {
    Headers headers;
    for (size_t at = head.find("\r\n"); at != std::string::npos;) {
      const size_t begin = at + 2;
      at = head.find("\r\n", begin);
      const std::string line = head.substr(begin, at == std::string::npos ? at : at - begin);
      const size_t colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      const size_t value = line.find_first_not_of(' ', colon + 1);
      headers.emplace(name, value == std::string::npos ? "" : line.substr(value));
    }
    return headers;
  }

  bool more() {
    char piece[65536];
    const ssize_t n = ::recv(socket_, piece, sizeof piece, 0);
    if (n > 0) buffer_.append(piece, static_cast<size_t>(n));
    return n > 0;
  }

  std::optional<std::string> until(const std::string& mark) {
    size_t at = 0;
    while ((at = buffer_.find(mark)) == std::string::npos) {
      if (!more()) return std::nullopt;
    }
    std::string out = buffer_.substr(0, at);
    buffer_.erase(0, at + mark.size());
    return out;
  }

  std::optional<std::string> exactly(size_t length) {
    while (buffer_.size() < length) {
      if (!more()) return std::nullopt;
    }
    std::string out = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }

  std::optional<std::string> chunks() {
    std::string out;
    while (true) {
      const auto size = until("\r\n");
      if (!size) return std::nullopt;
      const auto piece = exactly(std::stoul(*size, nullptr, 16));
      if (!piece || !until("\r\n")) return std::nullopt;
      if (piece->empty()) return out;
      out += *piece;
    }
  }

  int socket_;
  std::string buffer_;
};

std::string wire_text(const Request& request, const Reply& reply) {
  std::string out =
      "HTTP/1.1 " + std::to_string(reply.status) + " " + (reply.status < 400 ? "OK" : "Refused") + "\r\n";
  for (const auto& [name, value] : reply.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (reply.status != 204 && !reply.headers.contains("content-length")) {
    out += "content-length: " + std::to_string(reply.body.size()) + "\r\n";
  }
  return out + "\r\n" + (request.method == "HEAD" ? "" : reply.body);
}

}  // namespace

HttpServer::HttpServer(Handle handle, const std::atomic<std::int64_t>& client, int port)
    : handle_(std::move(handle)), client_(client) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener_ < 0) throw std::runtime_error("no socket");
  const int on = 1;
  (void)::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& [number, thread] : threads_) thread.join();
  ::close(listener_);
}

void HttpServer::accept_all() {
  for (int number = 1; !stopping_; ++number) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::vector<std::thread> finished;
    {
      const std::lock_guard lock(mutex_);
      for (const int each : ended_) finished.push_back(std::move(threads_.extract(each).mapped()));
      ended_.clear();
      open_.push_back(socket);
      threads_[number] = std::thread([this, socket, number] { serve(socket, number); });
    }
    for (auto& thread : finished) thread.join();
  }
}

void HttpServer::serve(int socket, int number) {
  Wire wire(socket);
  while (auto request = wire.next()) {
    request->connection = number;
    const Reply reply = handle_(*request);
    if (reply.delay.count() > 0) std::this_thread::sleep_for(reply.delay);
    if (reply.cut == Cut::kill) {
      const std::int64_t pid = reply.kill_pid != 0 ? reply.kill_pid : client_.load();
      if (pid > 1) ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
    if (reply.cut != Cut::none || !wire.send_all(wire_text(*request, reply))) break;
    if (request->header("connection") == "close") break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, socket);
  ended_.push_back(number);
  ::close(socket);
}

}  // namespace mlship::testing::dbx
