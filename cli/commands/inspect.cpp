// `mlship inspect`: what is in a bundle.
#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/render.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "packager/bundle_diff.h"

namespace mlship {
namespace {

struct Options {
  std::optional<std::string> subject;
  bool files = false, dependencies = false, models = false;
};

OrderedJson files_json(const std::vector<BundleFile>& files) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& file : files) {
    rows.push_back({{"path", file.path},
                    {"size", file.size},
                    {"digest", file.digest.str()},
                    {"executable", file.executable}});
  }
  return rows;
}

OrderedJson dependencies_json(const BundleInfo& info) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& d : info.dependencies) {
    rows.push_back({{"name", d.name},
                    {"version", d.version},
                    {"file", d.file},
                    {"size", d.size},
                    {"digest", d.digest.str()},
                    {"marker", d.marker},
                    {"platforms", d.platforms}});
  }
  return rows;
}

OrderedJson models_json(const BundleInfo& info) {
  OrderedJson rows = OrderedJson::array();
  for (const auto& model : info.models) {
    rows.push_back({{"name", model.name}, {"paths", model.paths}, {"header", OrderedJson(model.header)}});
  }
  return rows;
}

std::vector<Output> outputs_of(const NamedBundle& named) {
  std::vector<Output> outputs = named.bundle.info.outputs;
  for (const Bundle* bundle : named.further) {
    outputs.insert(outputs.end(), bundle->info.outputs.begin(), bundle->info.outputs.end());
  }
  return outputs;
}

OrderedJson document(const NamedBundle& named, const std::vector<BundleFile>& files) {
  const auto& info = named.bundle.info;
  OrderedJson layers = OrderedJson::array(), outputs = OrderedJson::array(), platforms = OrderedJson::array();
  for (const auto& layer : named.bundle.manifest.layers) {
    layers.push_back({{"path", layer.title()},
                      {"size", layer.size},
                      {"digest", layer.digest.str()},
                      {"media_type", layer.media_type}});
  }
  for (const auto& output : outputs_of(named)) {
    outputs.push_back({{"kind", output.kind},
                       {"filename", output.filename},
                       {"size", output.size},
                       {"digest", output.digest.str()}});
  }
  OrderedJson further = OrderedJson::array();
  for (const Bundle* bundle : named.further) further.push_back(bundle->digest.str());
  for (const auto& platform : info.platforms) platforms.push_back(platform.name);
  return {{"schema", "mlship.inspect/1"},
          {"name", info.name},
          {"package", info.package},
          {"version", info.version.str()},
          {"scheme", to_string(info.scheme)},
          {"digest", named.bundle.digest.str()},
          {"where", named.where},
          {"description", info.description},
          {"license", info.license},
          {"entry_points", info.entry_points},
          {"platforms", platforms},
          {"layers", layers},
          {"files", files_json(files)},
          {"dependencies", dependencies_json(info)},
          {"models", models_json(info)},
          {"outputs", outputs},
          {"further", further}};
}

std::string header_line(const Json& header) {
  std::string out;
  for (const auto& [key, value] : header.items()) {
    if (key == "globals") {
      std::string names;
      for (const auto& name : value) names += (names.empty() ? "" : ",") + printable(name.get<std::string>());
      out += fmt::format("{}imports={}", out.empty() ? "" : " ", names.empty() ? "nothing" : names);
    }
    if (value.is_structured()) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", key,
                       value.is_string() ? value.get<std::string>() : value.dump());
  }
  return out;
}

std::string overview(const NamedBundle& named) {
  const auto& info = named.bundle.info;
  std::uint64_t bytes = 0;
  for (const auto& layer : named.bundle.manifest.layers) bytes += layer.size;
  std::string out = fmt::format("{} {} {}\n", info.name, info.version.str(), named.bundle.digest.str());
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("  {:<13} {}\n", name, printable(value));
  };
  row("where", named.where);
  row("about", info.description);
  row("license", info.license);
  row("size",
      fmt::format("{} in {}", human_bytes(bytes), human_count(named.bundle.manifest.layers.size(), "layer")));
  for (const auto& platform : info.platforms) row("platform", platform.name);
  for (const auto& [name, target] : info.entry_points) row("entry point", name + " = " + target);
  row("dependencies", std::to_string(info.dependencies.size()));
  row("models", std::to_string(info.models.size()));
  for (const auto& output : outputs_of(named))
    row("output", fmt::format("{}  {}  {}", output.kind, output.filename, human_bytes(output.size)));
  return out;
}

std::string dependency_table(const BundleInfo& info, Stdout& out) {
  Table table({"DEPENDENCY", "VERSION", "SIZE", "FILE"});
  for (const auto& d : info.dependencies) table.add({d.name, d.version, human_bytes(d.size), d.file});
  return table.empty() ? "no dependencies\n" : table.render(out.width(), out.style());
}

std::string model_table(const BundleInfo& info, Stdout& out) {
  Table table({"MODEL", "PATH", "HEADER"});
  for (const auto& model : info.models) {
    const Json files = model.header.value("files", Json::object());
    for (const auto& path : model.paths)
      table.add({model.name, path, header_line(files.value(path, model.header))});
  }
  return table.empty() ? "no models\n" : table.render(out.width(), out.style());
}

std::string file_table(const std::vector<BundleFile>& files, Stdout& out) {
  Table table({"SIZE", "DIGEST", "FILE"});
  for (const auto& file : files) table.add({human_bytes(file.size), file.digest.brief(), file.path});
  return table.render(out.width(), out.style());
}

ExitCode run(const Options& options, Services& services) {
  const NamedBundle named = open_named(services, options.subject);
  auto& out = services.out();
  std::vector<BundleFile> files;
  if (options.files || out.json()) {
    files = bundle_files(named.bundle, [&](const auto& layer) { fetch(named, layer); });
  }
  const bool details = options.files || options.dependencies || options.models;
  if (!details) out.text(overview(named));
  if (options.files) out.text(file_table(files, out));
  if (options.dependencies) out.text(dependency_table(named.bundle.info, out));
  if (options.models) out.text(model_table(named.bundle.info, out));
  out.document(document(named, files));
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.positional(options->subject, "REF|PATH",
                       "a bundle in the registry, a layout folder or an archive");
  arguments.flag(options->files, "--files", "every file with size and digest");
  arguments.flag(options->dependencies, "--dependencies", "the locked dependencies");
  arguments.flag(options->models, "--models", "the models and what their headers say");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory inspect_factory{"inspect", CommandGroup::bundle, "show what is in a bundle",
                                            "  mlship inspect                   what was built here\n"
                                            "  mlship inspect churn:stable --dependencies\n"
                                            "  mlship inspect dist/churn-1.4.0 --files",
                                            setup};

}  // namespace mlship
