#include "tests/support/git_server.h"

#include <map>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "tests/support/source_folder.h"

namespace mlship::testing {
namespace {

std::string run(const std::vector<std::string>& argv) {
  ProcessRequest request;
  request.argv = argv;
  const auto result = system_process()->run(request);
  if (result.exit != 0) throw Error(ErrorCode::internal, argv[0] + " failed: " + result.err);
  return result.out.substr(0, result.out.find('\n'));
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

bool answers(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool up = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return up;
}

}  // namespace

void make_bare_repository(const Path& repository) {
  run({"git", "init", "-q", "--bare", "-b", "main", repository.string()});
  for (const auto* name : {"http.receivepack", "receive.denyNonFastForwards", "receive.denyDeletes"}) {
    run({"git", "-C", repository.string(), "config", name, "true"});
  }
}

GitServer::GitServer(const Path& root) : repository_(root / "repos/ledger.git"), port_(free_port()) {
  fs::make_folders(root / "repos");
  fs::make_folders(root / "empty");
  make_bare_repository(repository_);
  run({"htpasswd", "-bc", (root / "htpasswd").string(), "u", "p"});
  std::string text = fs::read_file(test::source_folder() / "tests/support/git-server.conf");
  const std::map<std::string, std::string> values{
      {"@ROOT@", root.string()}, {"@PORT@", std::to_string(port_)}, {"@CORE@", run({"git", "--exec-path"})}};
  for (const auto& [name, value] : values) {
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
      text.replace(at, name.size(), value);
    }
  }
  fs::write_atomic(root / "lighttpd.conf", text);
  ProcessRequest request;
  request.argv = {"lighttpd", "-D", "-f", (root / "lighttpd.conf").string()};
  server_ = std::make_unique<RunningProgram>(request);
  for (int i = 0; i < 600 && !answers(port_); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

std::string GitServer::url() const {
  return "http://u@127.0.0.1:" + std::to_string(port_) + "/git/ledger.git";
}

void GitServer::remember_password(const Path& home) const {
  fs::make_folders(home);
  fs::write_atomic(home / ".gitconfig", "[credential]\n\thelper = store\n");
  fs::write_atomic(home / ".git-credentials", "http://u:p@127.0.0.1:" + std::to_string(port_) + "\n", 0600);
}

}  // namespace mlship::testing
