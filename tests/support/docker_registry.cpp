#include "tests/support/docker_registry.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base64.h"

namespace mlship::testing {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const bool good = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(probe);
  if (!good) throw std::runtime_error("no port on loopback");
  return ntohs(address.sin_port);
}

bool answers(int port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool good = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return good;
}

// bcrypt of DockerRegistry::password, the cheapest cost: every request is checked.
constexpr auto htpasswd = "robot:$2y$04$abcdefghijklmnopqrstuuHLbglnOOgd5a7UI4bLviJxHmYqSC39G\n";

std::string configuration(const Path& folder, int port, bool basic_auth) {
  std::string out =
      "version: 0.1\nlog: {level: warn}\nstorage:\n  delete: {enabled: true}\n  filesystem: "
      "{rootdirectory: " +
      (folder / "data").string() + "}\nhttp:\n  addr: 127.0.0.1:" + std::to_string(port) + "\n";
  if (basic_auth) out += "auth:\n  htpasswd: {realm: test, path: " + (folder / "htpasswd").string() + "}\n";
  return out;
}

}  // namespace

DockerRegistry::DockerRegistry(const Path& folder, bool basic_auth) : port_(free_port()) {
  fs::make_folders(folder);
  fs::write_atomic(folder / "htpasswd", htpasswd);
  fs::write_atomic(folder / "config.yml", configuration(folder, port_, basic_auth));
  const std::string config = (folder / "config.yml").string();
  const std::string log = (folder / "log").string();
  pid_ = ::fork();
  if (pid_ == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execlp("docker-registry", "docker-registry", "serve", config.c_str(), nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 1000; ++i) {
    if (answers(port_)) return;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw std::runtime_error("docker-registry does not come up; scripts/setup test installs it: " +
                           fs::read_if_exists(log).value_or(""));
}

DockerRegistry::~DockerRegistry() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void write_docker_login(const Path& folder, const std::string& host, const std::string& user,
                        const std::string& password) {
  fs::make_folders(folder);
  fs::write_atomic(
      folder / "config.json",
      R"({"auths": {")" + host + R"(": {"auth": ")" + base64_encode(user + ":" + password) + "\"}}}", 0600);
}

}  // namespace mlship::testing
