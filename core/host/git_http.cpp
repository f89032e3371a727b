// Git's smart protocol over HTTP (gitprotocol-http(5)): one GET for the references, one POST for each
// exchange.
#include <algorithm>
#include <optional>

#include "core/host/git_transport.h"

namespace mlship::git2 {
namespace {

constexpr std::uint64_t largest_answer = 512U << 20U;  // bytes of a pack

// What a URL says of who and where, for git's credential helpers (git-credential(1)).
struct Place {
  std::string base;  // without userinfo
  std::string protocol, host, path, user;
};

Place place_of(const std::string& url) {
  Place place;
  const size_t start = url.find("://") + 3;
  const size_t slash = std::min(url.find('/', start), url.size());
  const size_t at = url.rfind('@', slash);
  const bool named = at != std::string::npos && at >= start;
  place.protocol = url.substr(0, start - 3);
  place.host = url.substr(named ? at + 1 : start, slash - (named ? at + 1 : start));
  place.path = slash < url.size() ? url.substr(slash + 1) : "";
  place.user = named ? url.substr(start, at - start) : "";
  if (place.user.find(':') != std::string::npos) {
    throw Error(ErrorCode::project_file, "cannot use " + printable_url(url) + ": it holds a password")
        .hint("take it out of the URL; git credential approve keeps it");
  }
  place.base = place.protocol + "://" + place.host + "/" + place.path;
  while (place.base.ends_with('/')) place.base.pop_back();
  return place;
}

class HttpWire final : public Wire {
 public:
  HttpWire(const std::string& url, Http& http, Process& process)
      : place_(place_of(url)), http_(http), process_(process) {}

  Stream& open(git_smart_service_t service) override;
  void shut() override {}
  [[nodiscard]] bool stateless() const override { return true; }

  // 2xx or an Error.
  std::string exchange(HttpRequest request, const std::string& doing, const std::string& wanted_type) {
    request.max_body = largest_answer;
    request.basic = credentials_;
    HttpResponse response = http_.send(request);
    if (response.status == 401) {
      if (!credentials_) credentials_ = ask();
      request.basic = credentials_;
      response = http_.send(request);
    }
    if (response.status == 401) wrong(doing);
    if (response.status < 200 || response.status > 299) throw http_error(response, doing);
    if (credentials_ && !approved_) tell("approve");
    approved_ = true;
    if (response.header("content-type").value_or("") != wanted_type) {
      throw Error(ErrorCode::not_found, "cannot " + doing + ": the server has no git repository there")
          .fact("content-type", response.header("content-type").value_or("none"));
    }
    return std::move(response.body);
  }

  [[nodiscard]] const Place& place() const { return place_; }

 private:
  [[nodiscard]] std::string description() const {
    std::string text =
        "protocol=" + place_.protocol + "\nhost=" + place_.host + "\npath=" + place_.path + "\n";
    if (credentials_) {
      return text + "username=" + credentials_->user + "\npassword=" + credentials_->password.reveal() +
             "\n\n";
    }
    if (!place_.user.empty()) text += "username=" + place_.user + "\n";
    return text + "\n";
  }

  ProcessResult helper(const std::string& verb) {
    ProcessRequest request;
    request.argv = {"git", "credential", verb};
    // Nobody is at the terminal: it is not this program's to ask at.
    request.environment = {{"GIT_TERMINAL_PROMPT", "0"}, {"LC_ALL", "C"}};
    request.input = description();
    return process_.run(request);
  }

  void tell(const std::string& verb) { helper(verb); }

  Credentials ask() {
    const ProcessResult answer = helper("fill");
    Credentials found;
    std::optional<std::string> password;
    size_t at = 0;
    while (answer.exit == 0 && at < answer.out.size()) {
      const size_t end = std::min(answer.out.find('\n', at), answer.out.size());
      const std::string line = answer.out.substr(at, end - at);
      if (line.starts_with("username=")) found.user = line.substr(9);
      if (line.starts_with("password=")) password = line.substr(9);
      at = end + 1;
    }
    if (!password) {
      throw Error(ErrorCode::unauthorized,
                  "cannot use " + place_.base + ": the server wants a user and a password")
          .hint("git credential approve  (or a credential.helper in git's settings)");
    }
    found.password = Secret(*password);
    return found;
  }

  [[noreturn]] void wrong(const std::string& doing) {
    tell("reject");
    throw Error(ErrorCode::unauthorized,
                "cannot " + doing + ": the server wants other credentials (HTTP 401)")
        .fact("user", credentials_->user)
        .hint("git credential approve  (git credential fill gave what the server does not accept)");
  }

  Place place_;
  Http& http_;
  Process& process_;
  std::optional<Credentials> credentials_;
  bool approved_ = false;
};

// Collects what is written, sends it when the answer is read.
class HttpStream final : public Wire::Stream {
 public:
  HttpStream(HttpWire& wire, git_smart_service_t service) : Stream(wire), wire_(wire), service_(service) {}

  std::size_t get(char* to, std::size_t size) override {
    if (!sent_) send();
    const size_t count = std::min(size, answer_.size() - at_);
    std::copy_n(answer_.data() + at_, count, to);
    at_ += count;
    return count;
  }
  void put(std::string_view data) override { request_ += data; }

 private:
  void send() {
    sent_ = true;
    const bool first = service_ == GIT_SERVICE_UPLOADPACK_LS || service_ == GIT_SERVICE_RECEIVEPACK_LS;
    const std::string program = program_of(service_);
    const std::string& base = wire_.place().base;
    const std::string doing =
        (program == "git-upload-pack" ? "read the repository " : "write to the repository ") + base;
    HttpRequest request;
    if (first) {
      request.url = base + "/info/refs?service=" + program;
      answer_ = wire_.exchange(request, doing, "application/x-" + program + "-advertisement");
      return;
    }
    request.method = "POST";
    request.url = base + "/" + program;
    request.headers = {{"Content-Type", "application/x-" + program + "-request"},
                       {"Accept", "application/x-" + program + "-result"}};
    request.body = std::move(request_);
    answer_ = wire_.exchange(std::move(request), doing, "application/x-" + program + "-result");
  }

  HttpWire& wire_;
  git_smart_service_t service_;
  std::string request_, answer_;
  size_t at_ = 0;
  bool sent_ = false;
};

Wire::Stream& HttpWire::open(git_smart_service_t service) {
  return keep(std::make_unique<HttpStream>(*this, service));
}

}  // namespace

std::unique_ptr<Wire> http_wire(const std::string& url, Http& http, Process& process) {
  return std::make_unique<HttpWire>(url, http, process);
}

}  // namespace mlship::git2
