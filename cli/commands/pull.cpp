// `mlship pull`: a bundle to disk, as a runnable tree or as one of its output files.
#include <algorithm>

#include <fmt/core.h>

#include "cli/arguments.h"
#include "cli/command.h"
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
void refuse_files_of_others(const Path& dir, const Resolved& resolved) {
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
                          resolved.name, resolved.release.version.str(), dir.string()))
      .fact("files", names)
      .hint("move them out of it, or choose another folder");
}

// Absent, empty or the same package: anything else there is not ours to replace.
void check_place(const Path& dir, const Resolved& resolved) {
  const auto stat = fs::lstat(dir);
  if (!stat || (stat->kind == fs::Kind::folder && fs::list(dir).empty())) return;
  if (stat->kind == fs::Kind::folder && package_at(dir) == resolved.release.package)
    return refuse_files_of_others(dir, resolved);
  throw Error(ErrorCode::file_exists,
              fmt::format("cannot pull {} {} into {}: something else is there", resolved.name,
                          resolved.release.version.str(), dir.string()))
      .hint("choose a folder that is absent or empty");
}

// Complete beside it, then swapped in: a reader sees the old tree or the new one.
Pulled pull_tree(Services& services, const Resolved& resolved, const Path& given) {
  const Path dir = std::filesystem::absolute(given).lexically_normal();
  check_place(dir, resolved);
  const bool there = fs::exists(dir / metadata);
  if (there && services.source().check_tree(resolved.release, dir).empty()) return {given, "tree", false};
  fs::make_folders_durable(dir.parent_path());
  const fs::TempFolder temporary(dir.parent_path());
  const Path fresh = temporary.path() / "tree";
  services.source().make_tree(resolved.release, fresh);
  check_place(dir, resolved);  // a job may have written into it meanwhile
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
const Output& wanted_output(const Resolved& resolved, const Options& options) {
  const auto& release = resolved.release;
  std::vector<const Output*> all, wanted;
  for (const auto& output : release.outputs) {
    all.push_back(&output);
    if (output.kind == options.kind.value_or(output.kind) &&
        output.filename == options.file.value_or(output.filename))
      wanted.push_back(&output);
  }
  if (wanted.size() == 1) return *wanted.front();
  const std::string what = options.file ? *options.file : "the " + options.kind.value_or("file");
  const std::string of = fmt::format("cannot pull {} of {} {}: ", what, resolved.name, release.version.str());
  if (wanted.empty()) {
    throw Error(ErrorCode::not_found, of + "the bundle has no such output")
        .fact("outputs", joined(all, options.file ? &Output::filename : &Output::kind))
        .hint("mlship inspect " + resolved.name + ":" + release.version.str());
  }
  throw Error(ErrorCode::usage, fmt::format("{}it has {}", of, human_count(wanted.size(), "such file")))
      .fact("files", joined(wanted, &Output::filename))
      .hint(fmt::format("mlship pull {} --file {}", options.ref, wanted.front()->filename));
}

Pulled pull_output(Services& services, const Resolved& resolved, const Options& options, const Path& folder) {
  const Output& output = wanted_output(resolved, options);
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
  services.source().write_output(resolved.release, output, temporary.path() / output.filename);
  fs::sync_file(temporary.path() / output.filename);
  fs::rename(temporary.path() / output.filename, file);
  fs::sync_folder(folder);
  return {file, kind, true};
}

ExitCode run(const Options& options, Services& services) {
  const bool output = options.kind || options.file;
  if (!options.into && !output) {
    throw Error(ErrorCode::usage,
                fmt::format("cannot pull {}: neither --into nor --kind says what to make", options.ref))
        .hint(fmt::format("mlship pull {} --into DIR", options.ref));
  }
  const Resolved resolved = resolve_ref(services, options.ref);
  const Path into = options.into.value_or(".");
  const Pulled pulled =
      output ? pull_output(services, resolved, options, into) : pull_tree(services, resolved, into);
  const std::string status = pulled.changed ? "pulled" : "unchanged";
  services.out().text(fmt::format("{} {} {}\n{}: {}\n", resolved.name, resolved.release.version.str(),
                                  resolved.release.digest.str(), status, pulled.path.string()));
  services.out().document({{"schema", "mlship.pull/1"},
                           {"name", resolved.name},
                           {"version", resolved.release.version.str()},
                           {"digest", resolved.release.digest.str()},
                           {"kind", pulled.kind},
                           {"path", pulled.path.string()},
                           {"status", status}});
  return ExitCode::done;
}

CommandRun setup(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.required(options->ref, "REF", "a version, tag or digest in the registry");
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
    "  mlship pull churn:1.4.0 --file churn-1.4.0-cp312-cp312-manylinux_2_17_aarch64.whl",
    setup};

}  // namespace mlship
