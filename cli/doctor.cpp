#include "cli/doctor.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "cli/render.h"
#include "cli/run_plan.h"
#include "cli/services.h"
#include "core/names.h"
#include "core/secret.h"
#include "deployers/accepted.h"
#include "deployers/history.h"
#include "deployers/ledger/ledger.h"
#include "deployers/selection.h"
#include "packager/build_inputs.h"
#include "packager/bundler.h"
#include "packager/platform.h"
#include "packager/resolve.h"
#include "registry/registry.h"

namespace mlship {
namespace {

using Status = Finding::Status;

// Names nothing, so that the answer is "not there" from everything that works.
constexpr auto nobody = "mlship-doctor";

class Doctor {
 public:
  explicit Doctor(Services& services) : services_(services) {}
  std::vector<Finding> examine();

 private:
  void ok(std::string area, std::string detail);
  void warn(std::string area, std::string detail, std::string fix);
  void problem(std::string area, const Error& error, std::string_view fix = "");
  // Runs one check; what it throws is the problem. Everything else goes on.
  template <typename Check>
  void check(const std::string& area, Check&& body);

  void check_project();
  void check_inputs();
  void check_netrc();
  void check_indexes();
  void check_index(const std::string& area, const std::string& url);
  void check_environments();
  void check_environment(Services& inner);
  void check_registry(Services& inner);
  void check_ledger(Services& inner);
  void check_rollouts(Services& inner);
  void check_target(Target& target);
  bool check_named(Target& target, const Discovery& found);
  void check_reach(Services& inner);
  void check_space(const std::string& area, const Path& folder);

  Services& services_;
  std::string environment_;
  std::set<std::string> seen_;  // endpoints that several environments share
  std::vector<Finding> findings_;
};

void Doctor::ok(std::string area, std::string detail) {
  findings_.push_back({std::move(area), environment_, Status::ok, std::move(detail), "", ExitCode::done});
}

void Doctor::warn(std::string area, std::string detail, std::string fix) {
  findings_.push_back(
      {std::move(area), environment_, Status::warning, std::move(detail), std::move(fix), ExitCode::done});
}

void Doctor::problem(std::string area, const Error& error, std::string_view fix) {
  const std::string how = error.hint_text().empty() ? std::string(fix) : error.hint_text();
  findings_.push_back(
      {std::move(area), environment_, Status::problem, error.message(), how, error.exit_code()});
}

// What to do when the error itself does not say.
struct Remedy {
  ErrorCode code;
  std::string_view text;
};
constexpr auto remedies = std::to_array<Remedy>({
    {ErrorCode::file_permission, "give this user the right to read and write there"},
    {ErrorCode::read_only, "mount it writable, or choose another place"},
    {ErrorCode::disk_full, "make room there"},
});
struct KindOfRemedy {
  ExitCode exit;
  std::string_view text;
};
constexpr auto kinds_of_remedy = std::to_array<KindOfRemedy>({
    {ExitCode::bad_input, "correct it in the project file"},
    {ExitCode::auth, "check the credentials of this host (~/.netrc) and what they allow"},
    {ExitCode::not_found, "create it, or correct its name in the project file"},
    {ExitCode::conflict, "run the command again when the other one has ended"},
    {ExitCode::network, "check the address, the network and HTTPS_PROXY"},
    {ExitCode::verification, "restore it from a copy: its content was changed"},
    {ExitCode::local, "correct the path in the project file, or mend what stands there"},
});

std::string_view remedy_of(const Error& error) {
  for (const auto& row : remedies) {
    if (row.code == error.code()) return row.text;
  }
  for (const auto& row : kinds_of_remedy) {
    if (row.exit == error.exit_code()) return row.text;
  }
  return "";
}

template <typename Check>
void Doctor::check(const std::string& area, Check&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
    problem(area, error, remedy_of(error));
  }
}

void Doctor::check_project() {
  check("project", [&] {
    const Project& project = services_.project();
    if (project.file.empty()) {
      ok("project",
         fmt::format("none here or above, and no {}: built-in defaults", services_.user_file().string()));
    } else {
      ok("project", project.file);
      check_inputs();
    }
  });
}

// What `build` starts from.
void Doctor::check_inputs() {
  const Project& project = services_.project();
  if (!project.package) return;
  check("git", [&] { check_sources(project); });
  check("version",
        [&] { ok("version", fmt::format("{} {}", project.package->name, project_version(project).str())); });
  const auto needed = [&](const std::string& area, const std::string& path, const Where& at) {
    check(area, [&] {
      if (!fs::exists(project.folder / path)) {
        throw Error(ErrorCode::project_file,
                    fmt::format("cannot use {}: {} names it and it is not there", path, at.line_str()))
            .hint(fmt::format("write {}, or correct {}", path, at.line_str()));
      }
      ok(area, path);
    });
  };
  for (const auto& platform :
       project.dependencies ? project.dependencies->targets : std::vector<std::string>{}) {
    check("platform " + platform, [&] { (void)load_platform(platform, project.folder); });
  }
  if (project.dependencies) needed("lock", project.dependencies->lock, project.dependencies->at);
  for (const auto& model : project.models) needed("model " + model.name, model.path, model.at);
}

void Doctor::check_netrc() {
  const auto& env = services_.host().env;
  const auto named = env.get("NETRC");
  const Path file = named ? Path(*named) : env.home() / ".netrc";
  const auto stat = fs::stat(file);
  if (!stat) {
    if (named) warn("credentials", file.string() + " is not there", "unset NETRC, or write the file");
    return;
  }
  check("credentials", [&] {
    (void)fs::read_file(file);
    constexpr std::uint32_t others = 077;
    if ((stat->mode & others) != 0) {
      warn("credentials", file.string() + " can be read by others", "chmod 600 " + file.string());
    } else {
      ok("credentials", file.string());
    }
  });
}

void Doctor::check_index(const std::string& area, const std::string& url) {
  if (!seen_.insert("index " + url).second) return;
  check(area, [&] {
    (void)index_has(url, nobody, Digest{}, services_.host());
    ok(area, printable_url(url));
  });
}

// The declared ones, and those that a build would ask.
void Doctor::check_indexes() {
  const Project& project = services_.project();
  for (const auto& [name, section] : project.indexes) check_index("index " + name, section.url);
  if (!project.dependencies || !project.dependencies->index.empty()) return;
  check("index", [&] {
    const auto settings = index_settings(services_.host().env, "");
    if (settings.offline) return ok("index", "none: pip's settings say no-index");
    for (const auto& url : settings.urls) check_index("index", url);
  });
}

void Doctor::check_environments() {
  const auto& project = services_.project();
  const bool named = !services_.setting("environment", services_.options().environment).value.empty();
  if (named || project.environments.size() < 2) {
    environment_ = services_.environment().name;
    return check_environment(services_);
  }
  for (const auto& [name, section] : project.environments) {
    GlobalOptions options = services_.options();
    options.environment = name;
    environment_ = name;
    Services inner(options, services_.terminal(), services_.host(), services_.diagnostics(), services_.out());
    check_environment(inner);
  }
}

void Doctor::check_environment(Services& inner) {
  check("registry", [&] { check_registry(inner); });
  check("ledger", [&] { check_ledger(inner); });
  if (inner.project().targets.empty()) {
    return warn("targets", "none is configured: nothing can be rolled out",
                "add [targets.NAME] to the project file; mlship targets shows how");
  }
  check("targets", [&] {
    for (const auto& target : inner.targets()) {
      const std::string area = "target " + target->name();
      if (!seen_.insert(area).second) continue;
      check(area, [&] { check_target(*target); });
    }
    check_reach(inner);
  });
}

// What another machine's runs should know must not stay on this one.
void Doctor::check_reach(Services& inner) {
  if (!keeps_to_itself(inner)) return;
  warn("ledger",
       fmt::format("{} is on this machine and the targets are not: other machines cannot resume or roll "
                   "back",
                   inner.ledger().url()),
       fmt::format("set ledger = \"git+https://HOST/PATH.git\" in [environments.{}]", environment_));
}

// Builds, downloads and publishing need room; a full disk is met in the middle of them.
void Doctor::check_space(const std::string& area, const Path& folder) {
  constexpr std::uintmax_t enough = 256U << 20U;  // bytes
  std::error_code failed;
  const auto space = std::filesystem::space(fs::nearest_existing(folder), failed);
  if (failed || space.available >= enough) return;
  warn(area, fmt::format("{} left in {}", human_bytes(space.available), folder.string()),
       std::string(remedy_of(Error(ErrorCode::disk_full, ""))));
}

void Doctor::check_registry(Services& inner) {
  const auto setting = inner.registry_setting();
  if (!seen_.insert("registry " + setting.value).second) return;
  const std::string package = inner.project().package ? inner.project().package->normal : nobody;
  (void)inner.registry().stat(package, nobody);
  for (const auto& damage : inner.registry().damage()) problem("registry", damage, "");
  constexpr std::string_view local = "layout:";
  if (setting.value.starts_with(local)) {
    fs::require_writable(setting.value.substr(local.size()));
    check_space("registry", setting.value.substr(local.size()));
  }
  ok("registry", fmt::format("{} ({})", inner.registry().url(), setting.where));
}

void Doctor::check_ledger(Services& inner) {
  const auto setting = inner.ledger_setting();
  if (!seen_.insert("ledger " + setting.value).second) return;
  auto& ledger = inner.ledger();
  const auto count = ledger.rollouts().size();
  const auto held = ledger.holds().size();
  if (!ledger.shared()) fs::require_writable(setting.value);
  std::string detail = fmt::format("{} ({}), {}", ledger.url(), setting.where, human_count(count, "rollout"));
  if (held > 0) detail += ", " + human_count(held, "hold");
  ok("ledger", detail);
  check_rollouts(inner);
}

void Doctor::check_rollouts(Services& inner) {
  for (const auto& entry : history(inner.ledger(), {})) {
    if (entry.state != "unreadable") continue;
    warn("ledger", entry.problem, "keep a copy for whoever asks; later rollouts do not need it");
  }
  for (const auto& rollout : unfinished_rollouts(inner.ledger(), "", "")) {
    const std::string what = fmt::format("{} {} of {}", rollout.command, rollout.id, rollout.package);
    if (const auto holder = running_now(inner.ledger(), rollout)) {
      ok("ledger", fmt::format("{} is running now: {}", what, *holder));
    } else {
      warn("ledger", what + " did not end", "mlship rollout --resume=" + rollout.id);
    }
  }
}

// Whether what references name is there; true when something is not.
bool Doctor::check_named(Target& target, const Discovery& found) {
  std::map<std::string, std::vector<std::string>> by_what;  // objects
  std::map<std::string, std::string> fixes;
  const Accepted accepted(target.section());
  for (const auto& object : found.objects) {
    for (const auto& reference : object.references) {
      const std::string what = target.missing(reference);
      if (what.empty() || accepted.has(Reason::broken, object.info)) continue;
      by_what[what].push_back(object.info.id);
      const Reference& r = reference.reference;
      fixes[what] = "mlship rollout " + r.package + ":" + r.version->str();
    }
  }
  for (const auto& [what, objects] : by_what) {
    const std::string more =
        objects.size() > 1 ? fmt::format(" and {} more", objects.size() - 1) : std::string();
    problem("target " + target.name(),
            Error(ErrorCode::partial, fmt::format("{} is broken{}: {}", objects.front(), more, what)),
            fixes[what]);
  }
  return !by_what.empty();
}

void Doctor::check_target(Target& target) {
  const std::string area = "target " + target.name();
  const Discovery found = target.discover(Scheme::pep440);
  size_t references = 0;
  for (const auto& object : found.objects) references += object.references.size();
  bool short_of = false;
  for (const auto& row : found.skipped) {
    if (!fell_short(row)) continue;
    short_of = true;
    const bool denied = row.reason == Reason::no_permission;
    const bool sentence = row.detail.starts_with("cannot ");
    const Error error(denied ? ErrorCode::file_permission : ErrorCode::partial,
                      sentence ? row.detail : fmt::format("cannot read {}: {}", row.object.id, row.detail));
    problem(area, error, row.hint.empty() ? std::string(remedy_of(error)) : row.hint);
  }
  for (const auto& warning : found.warnings) {
    warn(area, warning, fmt::format("correct `files` of the target at {}", target.section().at.line_str()));
  }
  check(area, [&] {
    const auto remark = target.check_places();
    if (!remark.text.empty()) warn(area, remark.text, remark.fix);
  });
  if (check_named(target, found) || short_of) return;
  const auto include = target.section().list("include");
  const auto listed = [&](const LiveObject& object) { return means(include, object.info); };
  if (!include.empty() && !found.objects.empty() &&
      std::none_of(found.objects.begin(), found.objects.end(), listed)) {
    return warn(area,
                fmt::format("{}: include matches none of {}", target.section().kind,
                            human_count(found.objects.size(), "object")),
                fmt::format("correct include of the target at {}", target.section().at.line_str()));
  }
  if (found.objects.empty()) {
    if (!found.warnings.empty()) return;
    return warn(area, fmt::format("{}: nothing found", target.section().kind),
                fmt::format("correct the target at {}", target.section().at.line_str()));
  }
  ok(area, fmt::format("{}: {}, {}", target.section().kind, human_count(found.objects.size(), "object"),
                       human_count(references, "reference")));
}

std::vector<Finding> Doctor::examine() {
  check_project();
  const bool readable = std::none_of(findings_.begin(), findings_.end(), [](const Finding& f) {
    return f.area == "project" && f.status == Status::problem;
  });
  if (!readable) return findings_;  // where everything else is said
  check_space("cache", services_.host().env.cache_folder());
  check_netrc();
  check_indexes();
  check("environment", [&] { check_environments(); });
  return findings_;
}

}  // namespace

std::string_view to_string(Finding::Status status) {
  constexpr std::array<std::string_view, 3> words{"ok", "warning", "problem"};
  return words.at(static_cast<size_t>(status));
}

std::vector<Finding> examine(Services& services) {
  return Doctor(services).examine();
}

ExitCode exit_of(const std::vector<Finding>& findings) {
  std::set<ExitCode> codes;
  for (const auto& finding : findings) {
    if (finding.status == Status::problem) codes.insert(finding.exit);
  }
  if (codes.empty()) return ExitCode::done;
  return codes.size() == 1 ? *codes.begin() : ExitCode::partial;
}

}  // namespace mlship
