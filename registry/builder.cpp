#include "registry/builder.h"

#include <string_view>

#include "core/secret.h"

namespace mlship {
namespace {

struct System {
  std::string_view mark;        // the variable only this system sets
  std::string_view id;          // its builder.id
  std::string_view invocation;  // the run's URL; {NAME} is that variable
};

// The variables are each system's documented ones for every job.
constexpr System systems[] = {
    {"GITHUB_ACTIONS", "urn:mlship:builder:github-actions",
     "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"},
    {"GITLAB_CI", "urn:mlship:builder:gitlab-ci", "{CI_JOB_URL}"},
    {"JENKINS_URL", "urn:mlship:builder:jenkins", "{BUILD_URL}"},
};
constexpr std::string_view local = "urn:mlship:builder:local";

// Empty when one of the variables is not set: half a URL leads nowhere.
std::string expand(std::string_view text, const Env& env) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = text.find('}', open);
    const auto value = env.get(text.substr(open + 1, close - open - 1));
    if (!value) return {};
    out += *value;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

Builder detect_builder(const Env& env) {
  for (const auto& system : systems) {
    if (!env.get(system.mark)) continue;
    const std::string url = expand(system.invocation, env);
    return {std::string(system.id), url.empty() ? "" : printable_url(url)};
  }
  return {std::string(local), ""};
}

}  // namespace mlship
