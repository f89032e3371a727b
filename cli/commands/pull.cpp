// `mlship pull`: a bundle to disk, as a runnable tree or as one of its output files.
#include <algorithm>
#include <functional>
#include <memory>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/open_bundle.h"
#include "cli/release_source.h"
#include "cli/render.h"
#include "cli/resolve_ref.h"
#include "cli/services.h"
#include "core/json_library.h"
#include "packager/bundle.h"

namespace mlship {
namespace {

struct Options {
  std::string ref;
  std::optional<std::string> into, kind, file;
};

// What is pulled, whatever it comes from: a registry, or a bundle on this disk.
struct Origin {
  std::string name;
  Release release;
  std::function<void(const Path& dir)> make_tree;
  std::function<void(const Output& output, const Path& file)> write_output;
};

struct Pulled {
  Path path;
  std::string kind;
  bool changed = false;
};

constexpr auto metadata = ".mlship/bundle.json";

// The package whose tree stands at `dir`; "" when it is none of ours.
std::string package_at(const Path& dir) {
  const auto text = fs::read_if_exists(dir / metadata);
  return text ? parse_bundle_info(*text, (dir / metadata).string()).package : "";
}

// The tree is replaced whole, so what somebody put into it (results, a .env) would be gone.
void refuse_files_of_others(const Path& dir, const Origin& origin) {
  constexpr std::size_t shown = 5;
  const auto files = files_of_others(dir);
  if (files.empty()) return;
  std::string names;
  for (std::size_t n = 0; n < std::min(shown, files.size()); ++n)
    names += (n == 0 ? "" : ", ") + files[n].generic_string();
  if (files.size() > shown) names += fmt::format(" and {} more", files.size() - shown);
  throw Error(ErrorCode::file_exists,
              fmt::format("cannot pull {} {} into {}: files that mlship did not put there "
                          "would be removed",
                          origin.name, origin.release.version.str(), dir.string()))
      .fact("files", names)
      .hint("move them out of it, or choose another folder");
}

// Absent, empty or the same package: anything else there is not ours to replace.
void check_place(const Path& dir, const Origin& origin) {
  const auto stat = fs::lstat(dir);
  if (!stat || (stat->kind == fs::Kind::folder && fs::list(dir).empty())) return;
  if (stat->kind == fs::Kind::folder && package_at(dir) == origin.release.package)
    return refuse_files_of_others(dir, origin);
  throw Error(ErrorCode::file_exists, fmt::format("cannot pull {} {} into {}: something else is there",
                                                  origin.name, origin.release.version.str(), dir.string()))
      .hint("choose a folder that is absent or empty");
}

// Complete beside it, then swapped in: a reader sees the old tree or the new one.
Pulled pull_tree(const Origin& origin, const Path& given) {
  const Path dir = std::filesystem::absolute(given).lexically_normal();
  check_place(dir, origin);
  const bool there = fs::exists(dir / metadata);
  if (there && check_tree(dir, origin.release.digest).empty()) return {given, "tree", false};
  fs::make_folders_durable(dir.parent_path());
  const fs::TempFolder temporary(dir.parent_path());
  const Path fresh = temporary.path() / "tree";
  origin.make_tree(fresh);
  check_place(dir, origin);  // a job may have written into it meanwhile
  if (!fs::exists(dir)) {
    fs::rename(fresh, dir);
  } else if (!fs::exchange(fresh, dir)) {
    fs::rename(dir, temporary.path() / "old");
    fs::rename(fresh, dir);
  }
  fs::sync_folder(dir.parent_path());
  return {given, "tree", true};
}

std::string joined(const std::vector<const Output*>& outputs, std::string Output::* field) {
  std::string out;
  for (const Output* output : outputs) out += (out.empty() ? "" : ", ") + output->*field;
  return out.empty() ? "none" : out;
}

// The one output of that kind or with that name.
const Output& wanted_output(const Origin& origin, const Options& options) {
  const auto& release = origin.release;
  std::vector<const Output*> all, wanted;
  for (const auto& output : release.outputs) {
    all.push_back(&output);
    if (output.kind == options.kind.value_or(output.kind) &&
        output.filename == options.file.value_or(output.filename))
      wanted.push_back(&output);
  }
  if (wanted.size() == 1) return *wanted.front();
  const std::string what = options.file ? *options.file : "the " + options.kind.value_or("file");
  const std::string of = fmt::format("cannot pull {} of {} {}: ", what, origin.name, release.version.str());
  if (wanted.empty()) {
    throw Error(ErrorCode::not_found, of + "the bundle has no such output")
        .fact("outputs", joined(all, options.file ? &Output::filename : &Output::kind))
        .hint("mlship inspect " + origin.name + ":" + release.version.str());
  }
  throw Error(ErrorCode::usage, fmt::format("{}it has {}", of, human_count(wanted.size(), "such file")))
      .fact("files", joined(wanted, &Output::filename))
      .hint(fmt::format("mlship pull {} --file {}", options.ref, wanted.front()->filename));
}

Pulled pull_output(const Origin& origin, const Options& options, const Path& folder) {
  const Output& output = wanted_output(origin, options);
  const std::string& kind = output.kind;
  const Path file = folder / output.filename;
  if (fs::exists(file)) {
    if (fs::hash_file(file) == output.digest) return {file, kind, false};
    throw Error(ErrorCode::file_exists,
                fmt::format("cannot pull {}: it is there with other content", file.string()))
        .fact("there", fs::hash_file(file).str())
        .fact("bundle", output.digest.str())
        .hint("remove it, or choose another folder with --into");
  }
  fs::make_folders_durable(folder);
  const fs::TempFolder temporary(folder);
  origin.write_output(output, temporary.path() / output.filename);
  fs::sync_file(temporary.path() / output.filename);
  fs::rename(temporary.path() / output.filename, file);
  fs::sync_folder(folder);
  return {file, kind, true};
}

Origin in_registry(Services& services, const std::string& ref) {
  const Resolved resolved = resolve_ref(services, ref);
  RegistrySource& source = services.source();
  const Release release = resolved.release;
  return {resolved.name, release, [&source, release](const Path& dir) { source.make_tree(release, dir); },
          [&source, release](const Output& output, const Path& file) {
            source.write_output(release, output, file);
          }};
}

// Verified as what a registry sends.
Origin on_disk(Services& services, const Path& path) {
  const auto bundle = std::make_shared<const Bundle>(open_path(services, path));
  (void)verify_bundle(*bundle);
  Host& host = services.host();
  return {bundle->info.name, bundle->release(),
          [bundle, &host](const Path& dir) { make_tree(*bundle, dir, host.env, host.process); },
          [bundle](const Output& output, const Path& file) {
            fs::place(bundle->layout.blob_path(output.digest), file, false);
            fs::set_mode(file, 0644);
          }};
}

ExitCode run(const Options& options, Services& services) {
  const bool output = options.kind || options.file;
  if (!options.into && !output) {
    throw Error(ErrorCode::usage,
                fmt::format("cannot pull {}: neither --into nor --kind says what to make", options.ref))
        .hint(fmt::format("mlship pull {} --into DIR", options.ref));
  }
  const auto path = named_path(options.ref);
  const Origin origin = path ? on_disk(services, *path) : in_registry(services, options.ref);
  const Path into = options.into.value_or(".");
  const Pulled pulled = output ? pull_output(origin, options, into) : pull_tree(origin, into);
  const std::string status = pulled.changed ? "pulled" : "unchanged";
  services.out().text(fmt::format("{} {} {}\n{}: {}\n", origin.name, origin.release.version.str(),
                                  origin.release.digest.str(), status, pulled.path.string()));
  services.out().document({{"schema", "mlship.pull/1"},
                           {"name", origin.name},
                           {"version", origin.release.version.str()},
                           {"digest", origin.release.digest.str()},
                           {"kind", pulled.kind},
                           {"path", pulled.path.string()},
                           {"status", status}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(
      options->ref, "REF|PATH",
      "a version, tag or digest in the registry; or a layout folder or archive that `build` made");
  arguments.option(
      options->into, "--into", "DIR",
      "make the runnable tree there (absent, empty, or the same package); with --kind the file's folder");
  arguments.choice(options->kind, "--kind", {"wheel", "egg", "jar"}, "one output file instead of the tree");
  arguments.option(options->file, "--file", "NAME",
                   "the output file of that name, where there are several of one kind");
  return [options](Services& services) { return run(*options, services); };
}

}  // namespace

extern const CommandFactory pull_factory{
    "pull", CommandGroup::registry, "a bundle to disk: the runnable tree, or one of its files",
    "Every byte is verified before it appears under its name.\n"
    "\n"
    "  mlship pull churn:stable --into /opt/churn && /opt/churn/bin/score data.csv\n"
    "  mlship pull churn:1.4.0 --kind wheel\n"
    "  mlship pull ./dist/churn-1.4.0 --into try\n"
    "  mlship pull churn:1.4.0 --file churn-1.4.0-cp312-cp312-manylinux_2_17_aarch64.whl",
    setup};

}  // namespace mlship
