#include "packager/build_outputs.h"

#include <algorithm>

#include "core/error.h"
#include "core/json_library.h"
#include "core/toml.h"

namespace mlship {
namespace {

bool has_python(const BuildInputs& inputs) {
  if (!inputs.code) return false;
  const auto& files = inputs.code->files();
  return std::any_of(files.begin(), files.end(), [](const SourceFile& f) { return f.path.ends_with(".py"); });
}

// PEP 621: [project] dependencies and requires-python of pyproject.toml.
void read_pyproject(const BuildInputs& inputs, WheelMetadata& metadata) {
  if (inputs.pyproject.empty()) return;
  const toml::Node root =
      toml::parse(inputs.pyproject, "pyproject.toml", ErrorCode::project_file, toml::Dates::strings);
  const toml::Member* project = root.find("project");
  if (project == nullptr) return;
  if (const auto* python = project->value->find("requires-python")) {
    if (const auto* text = python->value->string()) metadata.requires_python = *text;
  }
  const toml::Member* dependencies = project->value->find("dependencies");
  if (dependencies == nullptr || dependencies->value->array() == nullptr) return;
  for (const auto& item : *dependencies->value->array()) {
    if (const auto* text = item->string()) metadata.requires_dist.push_back(*text);
  }
}

void pin(const BuildInputs& inputs, WheelMetadata& metadata) {
  metadata.requires_dist.clear();
  for (const auto& d : inputs.dependencies) {
    std::string line = d.name + "==" + d.version + (d.marker.empty() ? "" : "; " + d.marker);
    // Two targets may take two files of one requirement.
    auto& lines = metadata.requires_dist;
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
  }
}

// PEP 566 and the core metadata specification §Description-Content-Type.
std::string content_type(const std::string& path) {
  if (path.ends_with(".md")) return "text/markdown";
  return path.ends_with(".rst") ? "text/x-rst" : "text/plain";
}

WheelMetadata wheel_metadata(const Project& project, const BuildInputs& inputs, const Version& version) {
  const auto& package = *project.package;
  // A wheel knows PEP 440 only (PEP 427 §File name convention).
  const Version wheel_version = Version::require(version.str(), Scheme::pep440, "the version of the wheel");
  WheelMetadata metadata;
  metadata.name = package.name;
  metadata.version = wheel_version.str();
  metadata.description = package.description;
  metadata.license = package.license;
  metadata.long_description = inputs.readme.text;
  if (!inputs.readme.path.empty()) metadata.long_description_type = content_type(inputs.readme.path);
  if (project.code) metadata.entry_points = project.code->entry_points;
  read_pyproject(inputs, metadata);
  if (project.outputs.wheel_pinned) pin(inputs, metadata);
  return metadata;
}

}  // namespace

OutputMaker::OutputMaker(const Project& project, const BuildInputs& inputs, const Path& folder)
    : project_(project), inputs_(inputs) {
  const bool wheel = project.outputs.present ? project.outputs.wheel : has_python(inputs);
  if (wheel) wheel_ = std::make_unique<Wheel>(folder);
}

void OutputMaker::add(const SourceFile& file, std::string_view content) {
  if (wheel_) wheel_->writer.add(file.path, content, file.executable);
}

std::vector<MadeOutput> OutputMaker::finish(const Version& version) {
  std::vector<MadeOutput> out;
  if (wheel_) out.push_back(finish_wheel(version));
  return out;
}

MadeOutput OutputMaker::finish_wheel(const Version& version) {
  MadeOutput made{"wheel", wheel_->writer.finish(wheel_metadata(project_, inputs_, version)), {}};
  made.content = wheel_->file.finish();
  return made;
}

BundleInfo bundle_info(const Project& project, const BuildInputs& inputs, const Assembled& assembled) {
  BundleInfo info;
  info.package = project.package->normal;
  info.name = project.package->name;
  info.scheme = project.package->scheme;
  info.version = assembled.version;
  info.description = project.package->description;
  info.license = project.package->license;
  if (project.code) info.entry_points = project.code->entry_points;
  info.platforms = inputs.platforms;
  for (const auto& d : inputs.dependencies) {
    info.dependencies.push_back({d.name, d.version, d.file, d.marker, d.size, d.digest, d.platforms});
  }
  for (const auto& model : inputs.models) {
    BundleModel out{model.name, {}, model.header};
    for (const auto& file : model.files) out.paths.push_back(file.path);
    info.models.push_back(std::move(out));
  }
  info.outputs = assembled.outputs;
  return info;
}

Json project_facts(const Project& project) {
  const auto& package = *project.package;
  Json facts{{"package",
              {package.name, to_string(package.scheme), package.version, package.version_git_tag,
               package.version_file, package.description, package.license, package.readme}},
             {"outputs", {project.outputs.present, project.outputs.wheel, project.outputs.wheel_pinned}}};
  if (project.code) {
    facts["code"] = {project.code->root, project.code->include, project.code->exclude,
                     project.code->entry_points};
  }
  if (project.dependencies)
    facts["dependencies"] = {project.dependencies->lock, project.dependencies->targets};
  Json models = Json::array();
  for (const auto& m : project.models) models.push_back({m.name, m.path, m.format});
  facts["models"] = models;
  return facts;
}

}  // namespace mlship
