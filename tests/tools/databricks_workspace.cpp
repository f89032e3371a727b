// A Databricks workspace for tests in other processes and languages, on loopback.
//   databricks_workspace [--port N] [--port-file FILE] [--log FILE] [--jobs N] [--latency MS] [--rate R]
//                        [--retry-after S] [--kill PID]
// Prints "listening on 127.0.0.1:PORT"; ends on SIGTERM or SIGINT. What can be asked and set while it runs:
// tests/support/databricks/control.h.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "tests/support/databricks/control.h"
#include "tests/support/databricks/http_server.h"

namespace mlship::testing::dbx {
namespace {

std::map<std::string, std::string> read_options(int count, char** words) {
  std::map<std::string, std::string> options{{"port", "0"},         {"port-file", ""}, {"log", ""},
                                             {"jobs", "0"},         {"latency", "0"},  {"rate", "0"},
                                             {"retry-after", "-1"}, {"kill", "0"}};
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i];
    if (!name.starts_with("--") || !options.contains(name.substr(2)) || i + 1 == count) {
      throw std::runtime_error("unknown option or no value: " + name);
    }
    options[name.substr(2)] = words[i + 1];
  }
  return options;
}

void set_up(Workspace& workspace, std::map<std::string, std::string>& options) {
  workspace.set_latency(std::chrono::milliseconds(std::stol(options["latency"])));
  const double rate = std::stod(options["rate"]);
  workspace.set_rate(
      {rate, std::max(1.0, rate), std::stol(options["retry-after"])});  // a second's worth at once
  workspace.edit([&](State& state) {
    for (long id = 1; id <= std::stol(options["jobs"]); ++id) {
      state.put_job({{"job_id", id}, {"settings", {{"name", "job " + std::to_string(id)}}}});
    }
  });
}

int run(int count, char** words) {
  auto options = read_options(count, words);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  Workspace workspace({}, [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  });
  set_up(workspace, options);
  std::atomic<std::int64_t> client = std::stol(options["kill"]);
  const auto handle = [&](const Request& request) {
    if (auto reply = control(workspace, client, request)) return *reply;
    return workspace.handle(request);
  };
  const HttpServer server(handle, client, std::stoi(options["port"]));
  std::printf("listening on 127.0.0.1:%d\n", server.port());
  std::fflush(stdout);
  if (!options["port-file"].empty()) std::ofstream(options["port-file"]) << server.port() << "\n";
  int signal = 0;
  sigwait(&ending, &signal);
  if (options["log"].empty()) return 0;
  std::ofstream log(options["log"]);
  for (const auto& entry : workspace.log()) {
    log << entry.number << ' ' << entry.at << ' ' << entry.connection << ' ' << entry.method << ' '
        << entry.path << (entry.query.empty() ? "" : "?") << entry.query << ' ' << entry.status << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace mlship::testing::dbx

int main(int count, char** words) {
  try {
    return mlship::testing::dbx::run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "databricks_workspace: %s\n", error.what());
    return 2;
  }
}
