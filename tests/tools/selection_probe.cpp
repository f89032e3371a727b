// Answers questions about wheel choice, one JSON line each, for tests/e2e/selection_test.py.
#include <iostream>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "packager/platform.h"

namespace mlship {
namespace {

using Question = nlohmann::json;

nlohmann::json specifier(const Question& q) {
  return specifier_matches(q.at("specifier").get<std::string>(), q.at("version").get<std::string>(),
                           q.at("prereleases").get<bool>());
}

nlohmann::json marker(const Question& q) {
  const auto environment = load_platform(q.at("platform").get<std::string>(), "").environment;
  return marker_holds(q.at("marker").get<std::string>(), environment);
}

nlohmann::json environment(const Question& q) {
  return load_platform(q.at("platform").get<std::string>(), "").environment;
}

nlohmann::json tags(const Question& q) {
  return load_platform(q.at("platform").get<std::string>(), "").tags;
}

nlohmann::json wheel_name(const Question& q) {
  const auto wheel = parse_wheel_name(q.at("file").get<std::string>());
  if (!wheel) return nullptr;
  return {{"name", wheel->name}, {"version", wheel->version}, {"build", wheel->build}, {"tags", wheel->tags}};
}

nlohmann::json choice(const Question& q) {
  const auto files = q.at("files").get<std::vector<std::string>>();
  std::vector<WheelName> names;
  for (const auto& file : files) names.push_back(parse_wheel_name(file).value());
  const auto best = choose_wheel(names, load_platform(q.at("platform").get<std::string>(), ""));
  return best ? nlohmann::json(files[*best]) : nlohmann::json();
}

nlohmann::json answer(const Question& q) {
  const auto what = q.at("ask").get<std::string>();
  if (what == "specifier") return specifier(q);
  if (what == "marker") return marker(q);
  if (what == "environment") return environment(q);
  if (what == "tags") return tags(q);
  if (what == "wheel_name") return wheel_name(q);
  if (what == "choice") return choice(q);
  throw std::invalid_argument("unknown question " + what);
}

int serve() {
  std::string line;
  while (std::getline(std::cin, line)) {
    nlohmann::json reply;
    try {
      reply = {{"answer", answer(Question::parse(line))}};
    } catch (const std::invalid_argument& e) {
      reply = {{"error", e.what()}};
    }
    std::cout << reply.dump() << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace mlship

int main() {
  try {
    return mlship::serve();
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
