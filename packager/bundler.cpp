#include "packager/bundler.h"

#include <algorithm>

#include <unistd.h>

#include "core/error.h"
#include "packager/build_record.h"
#include "packager/replace_file.h"
#include "packager/work_folder.h"

namespace mlship {
namespace {

// <project>/.mlship/cache, where git never looks; below the user's cache when the project is read-only.
Path cache_folder(const Project& project, const Env& env) {
  const Path own = project.folder / ".mlship" / "cache";
  try {
    fs::make_folders(own);
    if (::access(own.c_str(), W_OK) == 0) {
      const Path ignore = project.folder / ".mlship" / ".gitignore";
      if (!fs::exists(ignore)) replace_file(ignore, "*\n");
      return own;
    }
  } catch (const Error&) {
    // Read-only.
  }
  std::error_code failed;
  const Path real = std::filesystem::canonical(project.folder, failed);
  return env.cache_folder() / "projects" / sha256(real.string()).hex().substr(0, 16);
}

Path without_slash(const Path& path) {
  const Path plain = std::filesystem::absolute(path).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

// What may be replaced: below dist/ any layout, elsewhere a bundle of the same package only; --output could
// name a registry.
void check_destination(const Path& layout, const std::string& package, bool chosen) {
  const auto s = fs::lstat(layout);
  if (!s) return;
  std::string there = "something else than a folder";
  if (s->kind == fs::Kind::folder) {
    if (fs::list(layout).empty() || (!chosen && fs::exists(layout / "oci-layout"))) return;
    try {
      const std::string found = open_bundle(layout).info.package;
      if (found == package) return;
      there = "a bundle of " + found;
    } catch (const Error& e) {
      there = e.message();
    }
  }
  throw Error(ErrorCode::usage, "cannot build into " + layout.string() + ": it holds something else")
      .fact("there", there)
      .hint("remove it, or name another folder with --output");
}

// Whatever happens on the way, `layout` is the old bundle or the new one; after a crash between the two
// renames of the second way it is absent.
void put_in_place(const Path& made, const Path& layout) {
  if (fs::rename_no_replace(made, layout)) return;
  const Path old = made.parent_path() / "old";
  if (fs::exchange(made, layout)) {
    fs::rename(made, old);
  } else {
    fs::rename(layout, old);
    fs::rename(made, layout);
  }
  fs::remove_tree(old);
}

// The stats of linked files moved with the link; their content did not.
void keep_digests(const Assembled& assembled, StatCache& cache) {
  for (const auto& placed : assembled.placed) {
    const auto now = fs::stat(placed.file);
    if (!placed.of_project || !now) continue;
    fs::Stat expected = placed.hashed;
    expected.ctime_ns = now->ctime_ns;
    if (same_identity(expected, *now)) cache.put(*now, placed.digest);
  }
  cache.save();
}

}  // namespace

BuildResult build(const Project& project, const BuildOptions& options, Host& host, Diagnostics& diagnostics) {
  if (!project.package) {
    throw Error(ErrorCode::no_project, "cannot build: there is no mlship.toml here").hint("mlship init");
  }
  const std::int64_t started = host.clock.now();
  const Path cache_at = options.use_stat_cache ? cache_folder(project, host.env) : Path();
  std::optional<LastBuild> last;
  if (options.use_stat_cache) {
    last.emplace(project, options, cache_at);
    if (auto reused = last->reusable()) return std::move(*reused);
    last->settle();
  }
  StatCache cache = options.use_stat_cache ? StatCache(cache_at / "digests") : StatCache();
  if (last && last->doubtful()) cache.forget();
  BuildInputs inputs =
      gather_inputs(project, options, last ? last->take_code() : nullptr, cache, host, diagnostics);

  const bool chosen = !options.output.empty();
  const Path parent = chosen ? without_slash(options.output).parent_path() : project.folder / "dist";
  if (chosen) check_destination(without_slash(options.output), project.package->normal, true);
  fs::make_folders(parent);
  BuildResult result;
  Assembled assembled;
  {
    const WorkFolder work(parent);
    assembled = assemble(project, inputs, work.path() / "layout");
    const std::string name = project.package->name + "-" + assembled.version.str();
    result = {project.package->name,
              assembled.version,
              assembled.digest,
              chosen ? without_slash(options.output) : parent / name,
              assembled.layers,
              assembled.outputs,
              false};
    check_destination(result.layout, project.package->normal, chosen);
    // What no machine can install is no build.
    const Bundle made = open_bundle(work.path() / "layout");
    check_wheels(made, host.env.cache_folder() / "good-wheels");
    for (const auto& line : try_installation(made)) diagnostics.warning(line);
    put_in_place(work.path() / "layout", result.layout);
    write_build_record(result.layout, work.path(),
                       {inputs.git.commit, inputs.git.remote, inputs.dirty(), started, host.clock.now()},
                       assembled);
  }
  keep_digests(assembled, cache);
  // With more of the lock's files at hand the next build may choose others.
  const bool settled = std::none_of(inputs.dependencies.begin(), inputs.dependencies.end(),
                                    [](const Dependency& d) { return d.among_fewer; });
  if (last && settled) last->remember(result, inputs.code.get());
  return result;
}

}  // namespace mlship
