// A package index on loopback and everything resolve() needs around it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/host/http.h"
#include "packager/resolve.h"
#include "tests/support/fakes.h"
#include "tests/support/loopback_server.h"

namespace mlship {

class RecordedDiagnostics : public Diagnostics {
 public:
  void warning(std::string_view text) override { warnings.emplace_back(text); }
  void status(std::string_view /*text*/) override {}
  void detail(std::string_view /*text*/) override {}
  std::unique_ptr<Progress> progress(std::string_view label, std::uint64_t total, Unit unit) override {
    const char* name = unit == Unit::bytes ? " bytes" : " items";
    started.push_back(std::string(label) + " of " + std::to_string(total) + name);
    class None : public Progress {
      void advance(std::uint64_t /*done*/) override {}
      void finish() override {}
    };
    return std::make_unique<None>();
  }
  std::vector<std::string> warnings, started;
};

struct Served {
  std::string bytes;
  std::string hash_told = "yes";  // "yes", "no", or another hex digest
  bool yanked = false;
};

class ResolveTest : public testing::Test {
 protected:
  ResolveTest() : server_([this](const testing::WireRequest& request) { return answer(request); }) {
    settings_.urls = {server_.url("/simple/")};
    use_http();
  }

  void use_http() {
    http_ = curl_http(env_, clock_);
    host_.emplace(Host{env_, clock_, *http_, *process_});
  }

  // A wheel's bytes do not matter here: only its name and hash do.
  void serve(const std::string& name, const Served& file) { files_[name] = file; }
  static std::string bytes_of(const std::string& name) { return "the bytes of " + name; }
  void serve(const std::string& name) { serve(name, {bytes_of(name), "yes", false}); }
  static std::string pin(const std::string& requirement, const std::vector<std::string>& files,
                         const std::string& marker = "") {
    std::string line = requirement + (marker.empty() ? "" : " ; " + marker);
    for (const auto& file : files) line += " --hash=sha256:" + sha256(bytes_of(file)).hex();
    return line + "\n";
  }

  std::vector<Dependency> run(const std::string& lock,
                              const std::vector<std::string>& platforms = {"cp311-manylinux_2_28_x86_64"}) {
    std::vector<Platform> loaded;
    for (const auto& name : platforms) loaded.push_back(load_platform(name, ""));
    return resolve(read_lock(lock, "requirements.txt"), loaded, settings_, cache_, *host_, diagnostics_);
  }

  std::optional<Error> refusal(const std::string& lock,
                               const std::vector<std::string>& platforms = {"cp311-manylinux_2_28_x86_64"}) {
    try {
      run(lock, platforms);
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "no error";
    return std::nullopt;
  }

  // Every file below the cache, relative.
  std::vector<std::string> cache_files() const {
    std::vector<std::string> all;
    if (!fs::exists(cache_.folder())) return all;
    for (const auto& path : fs::walk(cache_.folder())) {
      if (!path.string().starts_with("names/")) all.push_back(path.string());
    }
    return all;
  }

  std::vector<std::string> asked() const {
    std::vector<std::string> targets;
    for (const auto& request : server_.requests()) targets.push_back(request.target);
    return targets;
  }

  // Overrides the index for one target.
  std::map<std::string, std::function<testing::Reply(const testing::WireRequest&)>> special_;
  bool json_ = false;
  std::map<std::string, Served> files_;

  fs::TempFolder folder_{testing::TempDir()};
  Env env_{{{"HOME", folder_.path().string()}}};
  testing::ManualClock clock_;
  std::unique_ptr<Process> process_ = system_process();
  std::unique_ptr<Http> http_;
  std::optional<Host> host_;
  RecordedDiagnostics diagnostics_;
  BlobCache cache_{folder_.path() / "cache/blobs"};
  IndexSettings settings_;
  testing::LoopbackServer server_;

 private:
  testing::Reply answer(const testing::WireRequest& request) {
    if (const auto found = special_.find(request.target); found != special_.end())
      return found->second(request);
    if (request.target.starts_with("/files/")) {
      const auto found = files_.find(request.target.substr(7));
      return found == files_.end() ? testing::reply(404) : testing::reply(200, found->second.bytes);
    }
    const std::string package = request.target.substr(8, request.target.size() - 9);
    return json_ ? json_page(package) : html_page(package);
  }

  static bool belongs(const std::string& file, const std::string& package) {
    return file.starts_with(package + "-");
  }

  testing::Reply html_page(const std::string& package) const {
    std::string body = "<!DOCTYPE html><html><body>\n";
    bool any = false;
    for (const auto& [name, file] : files_) {
      if (!belongs(name, package)) continue;
      any = true;
      const std::string hash = file.hash_told == "yes" ? sha256(file.bytes).hex() : file.hash_told;
      body += "<a href=\"../../files/" + name + (file.hash_told == "no" ? "" : "#sha256=" + hash) + "\"" +
              (file.yanked ? " data-yanked=\"broken\"" : "") + ">" + name + "</a>\n";
    }
    return any ? testing::reply(200, body, "Content-Type: text/html; charset=utf-8\r\n")
               : testing::reply(404);
  }

  testing::Reply json_page(const std::string& package) const {
    std::string list;
    for (const auto& [name, file] : files_) {
      if (!belongs(name, package)) continue;
      const std::string hash = file.hash_told == "yes" ? sha256(file.bytes).hex() : file.hash_told;
      list += std::string(list.empty() ? "" : ",") + R"({"filename": ")" + name +
              R"(", "url": "../../files/)" + name + R"(", "hashes": {)" +
              (file.hash_told == "no" ? "" : R"("sha256": ")" + hash + "\"") + R"(}, "size": )" +
              std::to_string(file.bytes.size()) + R"(, "yanked": )" + (file.yanked ? "\"broken\"" : "false") +
              "}";
    }
    if (list.empty()) return testing::reply(404);
    return testing::reply(200, R"({"meta": {"api-version": "1.1"}, "files": [)" + list + "]}",
                          "Content-Type: application/vnd.pypi.simple.v1+json\r\n");
  }
};

}  // namespace mlship
