// Git's smart protocol through ssh, or through git itself for a folder of this machine: real git locks the
// references and runs the hooks, which libgit2's own local transport does not.
#include <algorithm>
#include <array>

#include "core/host/git_transport.h"
#include "core/text.h"

namespace mlship::git2 {
namespace {

constexpr std::chrono::seconds silence{600};  // hooks and large packs take their time

struct ProgramFailure {
  std::string_view words;
  ErrorCode code;
  std::string_view cause, hint;
};
constexpr auto failures = std::to_array<ProgramFailure>({
    {"Permission denied (", ErrorCode::unauthorized, "the server accepts none of your keys", "ssh-add -l"},
    {"Host key verification failed", ErrorCode::tls, "the server's host key is not trusted",
     "connect once with ssh and compare the key, or add it to ~/.ssh/known_hosts"},
    {"does not appear to be a git repository", ErrorCode::not_found, "there is no git repository", ""},
    {"does not exist", ErrorCode::not_found, "there is no git repository", ""},
    {"detected dubious ownership", ErrorCode::file_permission, "the repository belongs to another user",
     "git config --global --add safe.directory FOLDER"},
    {"denied", ErrorCode::forbidden, "the server does not allow it", ""},
});

std::string last_line(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text.substr(0, 300);
}

// "ssh://[user@]host[:port]/path"; a path of /~user is relative to that user's home, as in git.
std::vector<std::string> ssh_argv(const std::string& url, const std::string& program, const Env& env) {
  const size_t start = std::string_view("ssh://").size();
  const size_t slash = std::min(url.find('/', start), url.size());
  std::string place = url.substr(start, slash - start);
  std::string path = url.substr(slash);
  if (path.starts_with("/~")) path.erase(0, 1);
  std::string port;
  const size_t colon = place.rfind(':');
  if (colon != std::string::npos && place.find(']', colon) == std::string::npos) {
    port = place.substr(colon + 1);
    place.resize(colon);
  }
  std::erase_if(place, [](char c) { return c == '[' || c == ']'; });
  if (place.empty() || place.starts_with('-') || path.size() < 2) {
    throw Error(ErrorCode::project_file,
                "cannot use " + printable_url(url) + ": it names no host or no path");
  }
  std::vector<std::string> argv = {"ssh"};
  if (const auto command = env.get("GIT_SSH_COMMAND")) argv = {"sh", "-c", *command + " \"$@\"", *command};
  for (const auto* option :
       {"BatchMode=yes", "ConnectTimeout=30", "ServerAliveInterval=15", "ServerAliveCountMax=4"}) {
    argv.insert(argv.end(), {"-o", option});
  }
  if (!port.empty()) argv.insert(argv.end(), {"-p", port});
  argv.insert(argv.end(), {place, program + " " + shell_quoted(path)});
  return argv;
}

std::vector<std::string> argv_of(const std::string& url, const std::string& program, const Env& env) {
  constexpr std::string_view file = "file://";
  if (!url.starts_with(file)) return ssh_argv(url, program, env);
  return {"git", program.substr(std::string_view("git-").size()), url.substr(file.size())};
}

class ProgramWire final : public Wire {
 public:
  ProgramWire(std::string url, const Env& env) : url_(std::move(url)), env_(env) {}

  Stream& open(git_smart_service_t service) override;
  void shut() override {
    if (program_) program_->finish();
    program_.reset();
  }
  [[nodiscard]] bool stateless() const override { return false; }

  std::size_t get(char* to, std::size_t size) {
    const size_t count = program_->read(to, size);
    if (count == 0) ended();
    return count;
  }
  void put(std::string_view data) {
    if (!program_->write(data)) ended();
  }

 private:
  // The program has closed its output: it says why on standard error.
  void ended() {
    const int status = program_->finish();
    const std::string said = program_->errors();
    program_.reset();
    const std::string what = "cannot use the repository " + printable_url(url_) + ": ";
    const auto row = std::find_if(failures.begin(), failures.end(), [&](const ProgramFailure& f) {
      return said.find(f.words) != std::string::npos;
    });
    if (row != failures.end()) {
      throw Error(row->code, what + std::string(row->cause))
          .fact("said", last_line(said))
          .hint(std::string(row->hint));
    }
    const std::string why = last_line(said);
    throw Error(ErrorCode::network,
                what + (why.empty() ? "it ended with status " + std::to_string(status) : why));
  }

  std::string url_;
  const Env& env_;
  std::unique_ptr<RunningProgram> program_;
  Stream* stream_ = nullptr;
};

class ProgramStream final : public Wire::Stream {
 public:
  explicit ProgramStream(ProgramWire& wire) : Stream(wire), wire_(wire) {}
  std::size_t get(char* to, std::size_t size) override { return wire_.get(to, size); }
  void put(std::string_view data) override { wire_.put(data); }

 private:
  ProgramWire& wire_;
};

// One conversation: after its references the same stream goes on.
Wire::Stream& ProgramWire::open(git_smart_service_t service) {
  if (!program_) {
    ProcessRequest request;
    request.argv = argv_of(url_, program_of(service), env_);
    request.environment = {{"LC_ALL", "C"}};
    request.timeout = silence;
    program_ = std::make_unique<RunningProgram>(request);
    stream_ = &keep(std::make_unique<ProgramStream>(*this));
  }
  return *stream_;
}

}  // namespace

std::unique_ptr<Wire> program_wire(const std::string& url, const Env& env) {
  return std::make_unique<ProgramWire>(url, env);
}

}  // namespace mlship::git2
