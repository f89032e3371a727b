// What every registry test needs: a temporary folder, a Host that reaches nothing outside, small bundles in
// layouts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/diagnostics.h"
#include "core/error.h"
#include "core/host/fs.h"
#include "core/host/host.h"
#include "core/oci.h"
#include "registry/registry.h"

namespace mlship::test {

class NoHttp : public Http {
 public:
  HttpResponse send(const HttpRequest& request) override {
    throw Error(ErrorCode::network, "no network in this test: " + request.url);
  }
  void run(std::vector<Transfer> transfers, int) override {
    if (!transfers.empty()) send(transfers.front().request);
  }
};

// Remembers status lines; calls `at_event` with a running number at each step of each progress.
class Recorder : public Diagnostics {
 public:
  std::vector<std::string> statuses;
  std::function<void(int)> at_event = [](int) {};

  void warning(std::string_view) override {}
  void status(std::string_view text) override { statuses.emplace_back(text); }
  void detail(std::string_view) override {}
  std::unique_ptr<Progress> progress(std::string_view, std::uint64_t, Unit) override {
    return std::make_unique<Step>(*this);
  }

 private:
  struct Step : Progress {
    explicit Step(Recorder& r) : recorder(r) { event(); }
    void advance(std::uint64_t) override { event(); }
    void finish() override { event(); }
    void event() { recorder.at_event(recorder.events_++); }
    Recorder& recorder;
  };
  int events_ = 0;
};

struct Surroundings {
  fs::TempFolder temporary{std::filesystem::temp_directory_path(), "mlship-test-"};
  Env env{{{"HOME", (temporary.path() / "home").string()}}};
  std::unique_ptr<Clock> clock = system_clock();
  NoHttp http;
  std::unique_ptr<Process> process = system_process();
  Host host{env, *clock, http, *process};
  Recorder diagnostics;

  [[nodiscard]] Path folder() const { return temporary.path(); }
};

struct SmallBundle {
  oci::Layout layout;
  oci::Descriptor manifest;
  oci::Manifest parsed;
};

// A layout with one manifest: a config and one layer per content. Same contents, same digest.
inline SmallBundle small_bundle(const Path& folder, const std::vector<std::string>& contents) {
  auto layout = oci::Layout::create(folder);
  oci::Manifest manifest;
  manifest.artifact_type = oci::media::model_manifest;
  manifest.config = layout.write_blob(R"({"descriptor":{}})", oci::media::model_config);
  for (const auto& content : contents) {
    auto layer = layout.write_blob(content, oci::media::code_raw);
    const std::string title = "file-" + std::to_string(manifest.layers.size());
    layer.annotations = {{oci::annotation::title, title}, {oci::annotation::filepath, title}};
    manifest.layers.push_back(layer);
  }
  auto descriptor = layout.write_blob(oci::serialize(manifest), oci::media::manifest);
  descriptor.artifact_type = manifest.artifact_type;
  layout.write_index({descriptor});
  return {layout, descriptor, manifest};
}

// The Error that `action` throws; a failed test when it throws none.
template <typename Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "expected an Error";
  return {ErrorCode::internal, "none"};
}

inline std::string fact(const Error& error, std::string_view name) {
  for (const auto& f : error.facts()) {
    if (f.name == name) return f.value;
  }
  return "";
}

}  // namespace mlship::test
