// What a bundle says of itself, and the files made from it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "packager/build_layers.h"
#include "packager/spool.h"
#include "packager/wheel.h"

namespace mlship {

struct MadeOutput {
  std::string kind;
  std::string filename;
  Spooled content;
};

// What a project wants made of its code (the wheel, by default when there is Python code), as files in
// `folder`: begun before the version is known, so that the code is read once for all that is made of it.
class OutputMaker {
 public:
  OutputMaker(const Project& project, const BuildInputs& inputs, const Path& folder);
  // Every file of the code, in their order.
  void add(const SourceFile& file, std::string_view content);
  std::vector<MadeOutput> finish(const Version& version);

 private:
  struct Wheel {
    explicit Wheel(const Path& folder) : file(folder), writer([this](std::string_view d) { file.add(d); }) {}
    Spool file;
    WheelWriter writer;
  };
  [[nodiscard]] MadeOutput finish_wheel(const Version& version);

  const Project& project_;
  const BuildInputs& inputs_;
  std::unique_ptr<Wheel> wheel_;  // null: not wanted
};

BundleInfo bundle_info(const Project& project, const BuildInputs& inputs, const Assembled& assembled);
// Every value of the project file that decides what is built.
Json project_facts(const Project& project);

}  // namespace mlship
