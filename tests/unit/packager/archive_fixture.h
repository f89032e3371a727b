// What every archive test needs: a temporary folder, Python as the ordinary writer, the Error that a call
// ends with.
#pragma once

#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/fs.h"
#include "core/host/process.h"

namespace mlship::test {

class ArchiveTest : public ::testing::Test {
 protected:
  [[nodiscard]] const Path& folder() const { return temporary_.path(); }

  Path put(const std::string& name, std::string_view content) const {
    const Path path = folder() / name;
    fs::make_folders(path.parent_path());
    // No fsync: some tests put thousands of files.
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return path;
  }

  // Runs a script with the folder as its current one; its output.
  std::string python(const std::string& script, const std::vector<std::string>& arguments = {}) const {
    std::vector<std::string> argv{"python3", "-B", "-c", script};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto result = run(argv);
    if (result.exit != 0) throw std::runtime_error(result.err + result.out);
    return result.out;
  }

  ProcessResult run(const std::vector<std::string>& argv, const Path& where = {},
                    const std::map<std::string, std::string>& environment = {}) const {
    ProcessRequest request;
    request.argv = argv;
    request.folder = where.empty() ? folder() : where;
    request.environment = environment;
    request.timeout = std::chrono::seconds(120);
    return process_->run(request);
  }

 private:
  fs::TempFolder temporary_{std::filesystem::temp_directory_path(), "mlship-archive-"};
  std::unique_ptr<Process> process_ = system_process();
};

// The Error that `call` throws; a failure of the test when it throws none.
inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted";
  return Error(ErrorCode::internal, "accepted");
}

}  // namespace mlship::test
