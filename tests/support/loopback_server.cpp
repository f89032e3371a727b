#include "tests/support/loopback_server.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mlship::testing {
namespace {

// Reads one request; keeps what follows it in `buffer`. nullopt when the client hung up.
std::optional<WireRequest> read_request(int socket, std::string& buffer) {
  const auto more = [&] {
    char piece[65536];
    const ssize_t n = ::recv(socket, piece, sizeof piece, 0);
    if (n > 0) buffer.append(piece, static_cast<size_t>(n));
    return n > 0;
  };
  size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  WireRequest out;
  const size_t first = buffer.find(' ');
  out.method = buffer.substr(0, first);
  out.target = buffer.substr(first + 1, buffer.find(' ', first + 1) - first - 1);
  for (size_t at = buffer.find("\r\n") + 2; at < end;) {
    const size_t line_end = buffer.find("\r\n", at);
    const size_t colon = buffer.find(':', at);
    std::string name = buffer.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const size_t value = buffer.find_first_not_of(' ', colon + 1);
    out.headers[name] = buffer.substr(value, line_end - value);
    at = line_end + 2;
  }
  const size_t length = out.has("content-length") ? std::stoul(out.headers["content-length"]) : 0;
  while (buffer.size() < end + 4 + length) {
    if (!more()) return std::nullopt;
  }
  out.body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return out;
}

}  // namespace

Reply reply(int status, const std::string& body, const std::string& extra) {
  return {"HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n" + extra + "\r\n" + body,
          false,
          {},
          {}};
}

LoopbackServer::LoopbackServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

std::string LoopbackServer::url(const std::string& target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + target;
}

std::vector<WireRequest> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void LoopbackServer::accept_all() {
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void LoopbackServer::serve(int socket) {
  std::string buffer;
  while (const auto request = read_request(socket, buffer)) {
    const int busy = ++busy_;
    for (int most = most_at_once_; busy > most && !most_at_once_.compare_exchange_weak(most, busy);) {
    }
    Reply answer;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      answer = handler_(*request);
    }
    std::this_thread::sleep_for(answer.delay);
    (void)::send(socket, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
    for (auto left = answer.silence; left.count() > 0 && !stopping_; left -= std::chrono::milliseconds(10)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    --busy_;
    if (answer.close) {
      ::shutdown(socket, SHUT_RDWR);
      return;
    }
  }
}

}  // namespace mlship::testing
