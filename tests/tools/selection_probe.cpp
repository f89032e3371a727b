// Answers questions about wheel choice, one JSON line each, for tests/e2e/selection_test.py.
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/json_library.h"
#include "packager/platform.h"

namespace mlship {
namespace {

using Question = nlohmann::json;

class Probe {
 public:
  nlohmann::json answer(const Question& q) {
    const auto what = q.at("ask").get<std::string>();
    if (what == "specifier") {
      return specifier_matches(q.at("specifier").get<std::string>(), q.at("version").get<std::string>(),
                               q.at("prereleases").get<bool>());
    }
    if (what == "marker") return marker_holds(q.at("marker").get<std::string>(), platform(q).environment);
    if (what == "environment") return platform(q).environment;
    if (what == "tags") return platform(q).tags;
    if (what == "wheel_name") return wheel_name(q.at("file").get<std::string>());
    if (what == "choice") return choice(q);
    throw std::invalid_argument("unknown question " + what);
  }

 private:
  const Platform& platform(const Question& q) {
    const auto name = q.at("platform").get<std::string>();
    const auto found = platforms_.find(name);
    return found != platforms_.end() ? found->second
                                     : platforms_.emplace(name, load_platform(name, "")).first->second;
  }

  static nlohmann::json wheel_name(const std::string& file) {
    const auto wheel = parse_wheel_name(file);
    if (!wheel) return nullptr;
    return {
        {"name", wheel->name}, {"version", wheel->version}, {"build", wheel->build}, {"tags", wheel->tags}};
  }

  nlohmann::json choice(const Question& q) {
    const auto files = q.at("files").get<std::vector<std::string>>();
    std::vector<WheelName> names;
    for (const auto& file : files) names.push_back(parse_wheel_name(file).value());
    const auto best = choose_wheel(names, platform(q));
    return best ? nlohmann::json(files[*best]) : nlohmann::json();
  }

  std::map<std::string, Platform> platforms_;
};

int serve() {
  Probe probe;
  std::string line;
  while (std::getline(std::cin, line)) {
    nlohmann::json reply;
    try {
      reply = {{"answer", probe.answer(Question::parse(line))}};
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
