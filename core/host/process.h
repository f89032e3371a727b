// Runs other programs without a shell.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlship {

struct ProcessRequest {
  std::vector<std::string> argv;                   // argv[0] is looked up in PATH
  std::filesystem::path folder;                    // empty: the current one
  std::map<std::string, std::string> environment;  // added to the inherited one
  std::string input;                               // standard input, then end of file
  std::chrono::seconds timeout{60};
};

struct ProcessResult {
  int exit = 0;  // 128 + signal when killed by one
  std::string out;
  std::string err;
};

class Process {
 public:
  virtual ~Process() = default;
  // Throws Error(not_found) when argv[0] does not exist, Error(io) on a timeout (the child's group is
  // killed).
  virtual ProcessResult run(const ProcessRequest& request) = 0;
};

std::unique_ptr<Process> system_process();

}  // namespace mlship
