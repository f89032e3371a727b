// A workspace in memory and the engine at work on it.
#pragma once

#include <atomic>

#include <gtest/gtest.h>

#include "core/host/fs.h"
#include "deployers/databricks/target.h"
#include "tests/support/databricks/workspace_http.h"
#include "tests/support/memory_ledger.h"

namespace mlship::test {

namespace dbx = testing::dbx;

// Time that several threads may let pass.
class SharedClock : public Clock {
 public:
  std::int64_t now() override { return 1'795'000'000 + milliseconds_++ / 1000; }
  std::chrono::milliseconds monotonic() override { return std::chrono::milliseconds(milliseconds_++); }
  void sleep(std::chrono::milliseconds duration) override { milliseconds_ += duration.count(); }

 private:
  std::atomic<std::int64_t> milliseconds_ = 0;
};

// Versions of churn whose outputs are real bytes.
class BytesSource : public ReleaseSource {
 public:
  const Release& add(const std::string& version, Scheme scheme = Scheme::pep440,
                     const std::vector<std::string>& kinds = {"wheel", "egg", "jar"},
                     const std::string& package = "churn") {
    Release release{package, *Version::parse(version, scheme), sha256("bundle" + version), {}, true};
    for (const auto& kind : kinds) {
      const std::string stem = package + "-" + version;
      const std::string bytes = kind + " of " + package + " " + version;
      const std::string name = kind == "wheel" ? stem + "-py3-none-any.whl"
                               : kind == "egg" ? stem + "-py3.9.egg"
                                               : stem + "." + kind;
      release.outputs.push_back({kind, name, sha256(bytes), bytes.size()});
      bytes_[sha256(bytes)] = bytes;
    }
    return releases_[package + " " + release.version.str()] = release;
  }
  const Release& at(const std::string& version, const std::string& package = "churn") const {
    return releases_.at(package + " " + version);
  }
  std::optional<Release> find(const std::string& package, const Version& version) override {
    const auto found = releases_.find(package + " " + version.str());
    return found == releases_.end() ? std::nullopt : std::optional(found->second);
  }
  void write_output(const Release&, const Output& output, const std::filesystem::path& file) override {
    fs::write_atomic(file, bytes_.at(output.digest), 0644);
  }
  void make_tree(const Release&, const std::filesystem::path&) override {}
  std::string check_tree(const Release&, const std::filesystem::path&) override { return "no trees here"; }
  bool index_serves(const std::string& url, const Release&) override { return url == serving; }

  std::string serving = "https://index.test/simple";

 private:
  std::map<std::string, Release> releases_;
  std::map<Digest, std::string> bytes_;
};

struct DbxWorld {
  fs::TempFolder home{std::filesystem::temp_directory_path()};
  dbx::Workspace workspace;
  SharedClock clock;
  dbx::WorkspaceHttp http{workspace, &clock, {.max_attempts = 1}};
  Env env{{{"HOME", home.path().string()},
           {"XDG_CACHE_HOME", (home.path() / "cache").string()},
           {"DATABRICKS_HOST", "https://w.test"},
           {"DATABRICKS_TOKEN", "dapi1"}}};
  NoProcess process;
  Host host{env, clock, http, process};
  MemoryLedger ledger;
  BytesSource source;
  QuietDiagnostics diagnostics;
  std::atomic<bool> interrupted = false;
  TargetSection section{"dbx", "databricks", {{"library-path", std::string("/Volumes/main/ml/libs")}}, {}};
  Project project;
  Targets targets;

  DbxWorld() {
    for (const auto* version : {"1.2.0", "1.3.0", "1.4.0"}) source.add(version);
    workspace.edit([](dbx::State& state) { state.directories.insert("/Volumes/main/ml/libs"); });
  }

  // As another process would: nothing remembered.
  void restart() {
    targets.clear();
    targets.push_back(databricks::make_workspace(section, project, host));
  }
  std::int64_t add_job(Json settings) {
    std::int64_t id = 0;
    workspace.edit([&](dbx::State& state) {
      id = state.next_id++;
      state.put_job({{"job_id", id},
                     {"created_time", 1'700'000'000'000 + id},
                     {"creator_user_name", "ada@example.invalid"},
                     {"settings", std::move(settings)}});
    });
    return id;
  }
  [[nodiscard]] Json settings(std::int64_t job) const {
    return workspace.read("jobs/" + std::to_string(job)).at("settings");
  }

  Engine engine() { return {targets, ledger, source, host, diagnostics, interrupted}; }
  PlanRequest request(const std::string& version, Direction direction = Direction::up) {
    PlanRequest r;
    r.environment = "prod";
    r.release = source.at(version);
    r.direction = direction;
    r.ledger = direction == Direction::down ? &ledger : nullptr;
    return r;
  }
  Plan plan(const std::string& version) {
    if (targets.empty()) restart();
    return make_plan(request(version), targets, source, diagnostics);
  }
  RolloutReport run(const Plan& p, bool converge = true) {
    Engine e = engine();
    RunContext context{
        p.direction == Direction::up ? "rollout" : "rollback", "ada", "ci-1", {"c0ffee"}, {}, {}};
    if (converge && p.to) context.converge = request(p.to->str());
    return execute(e, p, p.to ? source.at(p.to->str()) : Release{}, context);
  }
  RolloutReport rollout(const std::string& version) { return run(plan(version)); }
  RolloutReport go_on(const std::string& id) {
    Engine e = engine();
    return resume(e, id, {"rollout", "ada", "ci-2", {}, {}, {}});
  }
  RolloutReport rollback() {
    restart();
    const auto id = last_rollout(ledger, "prod", "churn");
    return run(inverse_plan(ledger, id.value(), targets), false);
  }
};

}  // namespace mlship::test
