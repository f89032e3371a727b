// An HTTP/1.1 server on a free port of 127.0.0.1 whose replies are raw bytes: what a well-behaved library
// would never send (half a body, silence) is a line of a test.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlship::testing {

struct WireRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  [[nodiscard]] bool has(const std::string& name) const { return headers.contains(name); }
};

struct Reply {
  std::string bytes;
  bool close = false;                    // after the bytes
  std::chrono::milliseconds silence{0};  // after the bytes, before anything else
  std::chrono::milliseconds delay{0};    // before the bytes
};

// A complete answer; `extra` are header lines, each ended by \r\n.
Reply reply(int status, const std::string& body = "", const std::string& extra = "");

class LoopbackServer {
 public:
  // Called on the connections' threads, one at a time.
  using Handler = std::function<Reply(const WireRequest&)>;
  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::string url(const std::string& target = "/") const;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::vector<WireRequest> requests() const;
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int most_at_once() const { return most_at_once_; }

 private:
  void accept_all();
  void serve(int socket);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<WireRequest> requests_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::atomic<int> busy_ = 0;
  std::atomic<int> most_at_once_ = 0;
  std::thread acceptor_;
};

}  // namespace mlship::testing
