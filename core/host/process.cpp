#include "core/host/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

extern char** environ;

namespace mlship {
namespace {

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(ErrorCode::io, "cannot make a pipe: too many open files");
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int operator[](size_t end) const { return ends_.at(end); }
  void close_end(size_t end) {
    if (ends_.at(end) >= 0) close(ends_.at(end));
    ends_.at(end) = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

struct Pipes {
  Pipe in, out, err;
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) result.push_back(text);
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t spawn(const ProcessRequest& request, const Pipes& pipes) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes.in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, pipes.out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes.err[1], 2);
  if (!request.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, request.folder.c_str());
  // A group of its own, so that a timeout ends its children too; default signals, whatever this process
  // ignores.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);

  auto argv = request.argv;
  auto environment = merged_environment(request.environment);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, argv.at(0).c_str(), &actions, &attributes, pointers(argv).data(),
                                  pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    const auto code = failed == ENOENT ? ErrorCode::not_found : ErrorCode::io;
    throw Error(code, "cannot run " + request.argv[0] + ": " + std::strerror(failed));
  }
  return pid;
}

int status_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What is there to read now, into `to`; ends the pipe at its end.
void drain(Pipe& pipe, short events, std::string& to) {
  std::array<char, 65536> buffer{};
  if (events == 0) return;
  const ssize_t n = read(pipe[0], buffer.data(), buffer.size());
  if (n > 0) to.append(buffer.data(), static_cast<size_t>(n));
  if (n <= 0) pipe.close_end(0);
}

// The middle goes when it has become much.
void cap(std::string& text, size_t most) {
  if (most == 0 || text.size() <= 2 * most) return;
  const size_t end = text.size() - most / 2;
  text.replace(most / 2, end - most / 2, "\n");  // what was not one word does not become one
}

// One program from its start to its end.
class Attended {
 public:
  Attended(const ProcessRequest& request, Pipes& pipes, pid_t pid, ProcessResult& result)
      : request_(request), pipes_(pipes), pid_(pid), result_(result), input_(request.input) {
    if (input_.empty()) pipes_.in.close_end(1);
  }

  // False when it had to be killed.
  bool run() {
    while (!has_ended()) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
      if (left.count() <= 0 || (request_.stop && request_.stop())) {
        kill(-pid_, SIGKILL);
        result_.exit = status_of(pid_);
        return false;
      }
      move_bytes(std::min(left, pause()));
    }
    // What it printed last is in the pipes still; what its children go on printing has no end.
    for (int i = 0; i < last_reads && move_bytes(milliseconds(0)); ++i) {
    }
    return true;
  }

 private:
  using milliseconds = std::chrono::milliseconds;
  using steady_clock = std::chrono::steady_clock;
  static constexpr int last_reads = 64;  // of 64 KiB: more than pipes hold

  bool has_ended() {
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(pid_, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (got == 0) return false;
    result_.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }

  // Nothing tells that a program ends but, mostly, the end of its outputs: then it is looked for often.
  milliseconds pause() {
    const bool open = pipes_.out[0] >= 0 || pipes_.err[0] >= 0;
    if (open) return milliseconds(50);
    silent_ = std::min(silent_ * 2, milliseconds(50));
    return silent_;
  }

  // True when something came.
  bool move_bytes(milliseconds wait) {
    std::array<pollfd, 3> fds{
        {{pipes_.in[1], POLLOUT, 0}, {pipes_.out[0], POLLIN, 0}, {pipes_.err[0], POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), static_cast<int>(wait.count())) < 0) return false;
    if (fds[0].revents != 0) feed();
    drain(pipes_.out, fds[1].revents, result_.out);
    drain(pipes_.err, fds[2].revents, result_.err);
    cap(result_.out, request_.most_output);
    cap(result_.err, request_.most_output);
    return fds[1].revents != 0 || fds[2].revents != 0;
  }

  void feed() {
    const ssize_t n = write(pipes_.in[1], input_.data(), std::min<size_t>(input_.size(), PIPE_BUF));
    if (n > 0) input_.remove_prefix(static_cast<size_t>(n));
    if (n < 0 || input_.empty()) pipes_.in.close_end(1);
  }

  const ProcessRequest& request_;
  Pipes& pipes_;
  pid_t pid_;
  ProcessResult& result_;
  std::string_view input_;
  steady_clock::time_point deadline_ = steady_clock::now() + request_.timeout;
  milliseconds silent_{1};
};

class SystemProcess : public Process {
 public:
  ProcessResult run(const ProcessRequest& request) override {
    Pipes pipes;
    const pid_t pid = spawn(request, pipes);
    pipes.in.close_end(0);
    pipes.out.close_end(1);
    pipes.err.close_end(1);
    ProcessResult result;
    if (!Attended(request, pipes, pid, result).run()) {
      const bool stopped = request.stop && request.stop();
      throw Error(stopped ? ErrorCode::interrupted : ErrorCode::io,
                  "cannot finish " + request.argv[0] +
                      (stopped ? ": interrupted"
                               : ": no end after " + std::to_string(request.timeout.count()) + " s"));
    }
    return result;
  }
};

}  // namespace

std::unique_ptr<Process> system_process() {
  // A child that ends before it read its input must not end this process.
  std::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<SystemProcess>();
}

struct RunningProgram::State {
  explicit State(const ProcessRequest& asked)
      : name(asked.argv.at(0)), timeout(asked.timeout), pid(spawn(asked, pipes)) {
    pipes.in.close_end(0);
    pipes.out.close_end(1);
    pipes.err.close_end(1);
    // A write must not wait while the program waits to be read.
    fcntl(pipes.in[1], F_SETFL, O_NONBLOCK);
  }

  // Waits until something can be read, or also written; takes what is there to read.
  bool wait(bool writing) {
    std::array<pollfd, 3> fds{
        {{writing ? pipes.in[1] : -1, POLLOUT, 0}, {pipes.out[0], POLLIN, 0}, {pipes.err[0], POLLIN, 0}}};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    const int ready = poll(fds.data(), fds.size(), static_cast<int>(patience));
    if (ready == 0) {
      throw Error(ErrorCode::io, "cannot talk to " + name + ": it said nothing for " +
                                     std::to_string(timeout.count()) + " s");
    }
    if (ready < 0) return false;
    drain(pipes.out, fds[1].revents, out);
    drain(pipes.err, fds[2].revents, err);
    return fds[0].revents != 0;
  }

  Pipes pipes;
  std::string name, out, err;
  std::chrono::seconds timeout;
  pid_t pid;
  bool ended = false;
};

RunningProgram::RunningProgram(const ProcessRequest& request) : state_(std::make_unique<State>(request)) {
  std::signal(SIGPIPE, SIG_IGN);  // as system_process()
}

RunningProgram::~RunningProgram() {
  if (state_->ended) return;
  kill(-state_->pid, SIGKILL);
  status_of(state_->pid);
}

std::size_t RunningProgram::read(char* to, std::size_t size) {
  State& s = *state_;
  while (s.out.empty() && s.pipes.out[0] >= 0) s.wait(false);
  const size_t count = std::min(size, s.out.size());
  std::copy_n(s.out.data(), count, to);
  s.out.erase(0, count);
  return count;
}

bool RunningProgram::write(std::string_view data) {
  State& s = *state_;
  while (!data.empty()) {
    if (s.pipes.in[1] < 0) return false;
    if (!s.wait(true)) continue;
    const ssize_t n = ::write(s.pipes.in[1], data.data(), data.size());
    if (n > 0) data.remove_prefix(static_cast<size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) s.pipes.in.close_end(1);
  }
  return true;
}

int RunningProgram::finish() {
  State& s = *state_;
  s.pipes.in.close_end(1);
  while (s.pipes.out[0] >= 0 || s.pipes.err[0] >= 0) s.wait(false);
  s.ended = true;
  return status_of(s.pid);
}

const std::string& RunningProgram::errors() const {
  return state_->err;
}

}  // namespace mlship
