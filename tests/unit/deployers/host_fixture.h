// A folder with target files in it, a target over them, and a release whose registry is a map.
#pragma once

#include <fstream>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/fs.h"
#include "deployers/target.h"

namespace mlship {

class NoHttp : public Http {
 public:
  HttpResponse send(const HttpRequest&) override { throw Error(ErrorCode::internal, "no HTTP in this test"); }
  void run(std::vector<Transfer>, int) override { throw Error(ErrorCode::internal, "no HTTP in this test"); }
};

// The tree of a release is one file with its version; what an index lists is a set of versions.
class FakeSource : public ReleaseSource {
 public:
  std::vector<std::string> indexed;  // "url version"

  std::optional<Release> find(const std::string&, const Version&) override { return std::nullopt; }
  void write_output(const Release& release, const Output&, const std::filesystem::path& file) override {
    fs::Writer writer(file);
    writer.write(content(release));
    writer.close();
  }
  void make_tree(const Release& release, const std::filesystem::path& dir) override {
    fs::make_folders(dir / "bin");
    fs::write_atomic(dir / "bin/score", content(release), 0755);
  }
  std::string check_tree(const Release& release, const std::filesystem::path& dir) override {
    const auto found = fs::read_if_exists(dir / "bin/score");
    return found == content(release) ? "" : "bin/score differs";
  }
  bool index_serves(const std::string& url, const Release& release) override {
    return std::find(indexed.begin(), indexed.end(), url + " " + release.version.str()) != indexed.end();
  }
  static std::string content(const Release& release) { return "churn " + release.version.str() + "\n"; }
};

class HostTest : public ::testing::Test {
 protected:
  using Values = decltype(TargetSection::values);

  [[nodiscard]] Path at(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::make_folders(at(name).parent_path());
    std::ofstream(at(name), std::ios::binary | std::ios::trunc) << text;
  }
  [[nodiscard]] std::string text(const std::string& name) const { return fs::read_file(at(name)); }
  [[nodiscard]] std::string root() const { return folder_.path().string(); }

  static Release release(const std::string& version) {
    Release r;
    r.package = "churn";
    r.version = Version::require(version, Scheme::pep440, "test");
    r.digest = sha256("bundle " + version);
    r.has_tree = true;
    const std::string bytes = FakeSource::content(r);
    r.outputs.push_back({"wheel", "churn-" + version + "-py3-none-any.whl", sha256(bytes), bytes.size()});
    return r;
  }

  std::unique_ptr<Target> target(const std::string& kind, std::vector<std::string> files, Values more = {}) {
    TargetSection section;
    section.name = "edge";
    section.kind = kind;
    section.values = std::move(more);
    section.values["files"] = std::move(files);
    section.values.try_emplace("install-root", root() + "/opt");
    project_.folder = folder_.path();
    project_.targets["edge"] = section;
    return make_target(section, project_, host_);
  }

  // One operation per object with references to churn, as a plan would make it.
  std::vector<Operation> plan(Target& target, const Release& to, std::string_view salt = "salt") {
    std::vector<Operation> out;
    for (const auto& object : target.discover(Scheme::pep440).objects) {
      Operation op;
      op.id = "op-" + std::to_string(out.size() + 1);
      op.target = target.name();
      op.object = object.info;
      op.token = object.token;
      op.locator = object.locator;
      for (const auto& found : object.references) {
        if (found.reference.package != "churn" || !found.reference.version) continue;
        const Destination d = target.destination(object, found, to, source_);
        if (d.skip) continue;
        op.changes.push_back({found.path, found.text, d.text, found.reference.form,
                              found.reference.version->str(), to.version.str(), d.warnings});
      }
      if (op.changes.empty()) continue;
      op.rest = target.rest(object, op.changes, salt);
      out.push_back(std::move(op));
    }
    return out;
  }

  static Operation inverse(Operation op) {
    for (auto& change : op.changes) {
      std::swap(change.from, change.to);
      std::swap(change.from_version, change.to_version);
    }
    return op;
  }

  // "outcome" of applying everything: one word per operation.
  static std::string apply_all(Target& target, const std::vector<Operation>& plan) {
    std::string out;
    for (const auto& op : plan) out += (out.empty() ? "" : " ") + word(target.apply(op, "r1." + op.id).kind);
    return out;
  }
  static std::string word(ApplyResult::Kind kind) {
    static const std::vector<std::string> words = {"written", "already", "conflict",
                                                   "refused", "failed",  "unknown"};
    return words.at(static_cast<size_t>(kind));
  }
  static std::string word(ObjectState state) {
    static const std::vector<std::string> words = {"pre", "post", "conflict", "gone"};
    return words.at(static_cast<size_t>(state));
  }

  fs::TempFolder folder_{std::filesystem::canonical(std::filesystem::temp_directory_path())};
  FakeSource source_;
  Project project_;
  Env env_;
  std::unique_ptr<Clock> clock_ = system_clock();
  NoHttp http_;
  std::unique_ptr<Process> process_ = system_process();
  Host host_{env_, *clock_, http_, *process_};
};

}  // namespace mlship
