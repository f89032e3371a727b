// How libgit2's smart protocol gets its bytes here: subtransports over our own HTTP client and over the
// programs git runs. For core/host/git*.cpp only.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/git_api.h"
#include "core/host/host.h"

namespace mlship::git2 {

// One connection. Errors cannot pass through libgit2's C: they are kept in `failure` for the caller.
class Wire : public git_smart_subtransport {
 public:
  class Stream;

  Wire();
  virtual ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // The stream of a service; the wire keeps it until reset().
  virtual Stream& open(git_smart_service_t service) = 0;
  virtual void shut() = 0;
  // Each request is answered alone (HTTP), or there is one conversation.
  [[nodiscard]] virtual bool stateless() const = 0;

  void reset();  // before the next session

  std::exception_ptr failure;
  std::string greeting;  // the first bytes of what the server says of its references and of itself

  // 0, or -1 with the exception kept.
  template <typename Act>
  int guard(Act act) {
    try {
      act();
      return 0;
    } catch (...) {
      failure = std::current_exception();
      git().error_set_str(GIT_ERROR_NET, "see the error that was kept");
      return -1;
    }
  }

 protected:
  Stream& keep(std::unique_ptr<Stream> stream);

 private:
  std::vector<std::unique_ptr<Stream>> streams_;
};

class Wire::Stream : public git_smart_subtransport_stream {
 public:
  explicit Stream(Wire& wire);
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual std::size_t get(char* to, std::size_t size) = 0;  // 0 at the end
  virtual void put(std::string_view data) = 0;

 private:
  Wire& wire_;
};

std::unique_ptr<Wire> http_wire(const std::string& url, Http& http, Process& process);
// ssh:// and file://.
std::unique_ptr<Wire> program_wire(const std::string& url, const Env& env);

// "git-upload-pack" or "git-receive-pack".
std::string program_of(git_smart_service_t service);

}  // namespace mlship::git2
