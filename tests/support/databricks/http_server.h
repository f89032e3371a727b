// HTTP/1.1 on a free port of 127.0.0.1, a thread for each connection, connections kept alive. The handler is
// called from all of them at once; it can also have the connection cut or the client killed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/databricks/message.h"

namespace mlship::testing::dbx {

class HttpServer {
 public:
  using Handle = std::function<Reply(const Request&)>;
  // `client`: whom Cut::kill ends when the reply names nobody; 0: nobody. Throws std::runtime_error.
  HttpServer(Handle handle, const std::atomic<std::int64_t>& client, int port = 0);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  void accept_all();
  void serve(int socket, int number);

  Handle handle_;
  const std::atomic<std::int64_t>& client_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::map<int, std::thread> threads_;
  std::vector<int> ended_;
  std::atomic<bool> stopping_ = false;
  std::thread acceptor_;
};

}  // namespace mlship::testing::dbx
