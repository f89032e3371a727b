// Runs other programs without a shell.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlship {

struct ProcessRequest {
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH
  std::filesystem::path folder;                    // empty: the current one
  std::map<std::string, std::string> environment;  // added to the inherited one
  std::string input;                               // standard input, then end of file
  std::chrono::seconds timeout{60};
  std::function<bool()> stop{};  // once it says true the program is ended, within a second; empty: never
  // Of each output only about so many bytes are kept, half of them its beginning, the others its end; 0: all.
  std::size_t most_output = 0;
};

struct ProcessResult {
  int exit = 0;  // 128 + signal when killed by one
  std::string out;
  std::string err;
};

class Process {
 public:
  virtual ~Process() = default;
  // Ends when the program does, whatever it did with its outputs: what it leaves in the background goes on,
  // and what that prints is not waited for. Throws Error(not_found) when argv[0] does not exist, Error(io) on
  // a timeout (the program's group is killed).
  virtual ProcessResult run(const ProcessRequest& request) = 0;
};

std::unique_ptr<Process> system_process();

// A program that is talked to while it runs. Killed, with its group, by destruction.
class RunningProgram {
 public:
  // Throws as Process::run. `input` is not used; `timeout` is for each silence of the program.
  explicit RunningProgram(const ProcessRequest& request);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  // Standard output; 0 at its end. Error(io) on a timeout.
  std::size_t read(char* to, std::size_t size);
  // False when the program reads no more.
  bool write(std::string_view data);
  // Ends its input, waits for its end and returns its exit status.
  int finish();
  // Standard error so far.
  [[nodiscard]] const std::string& errors() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mlship
