#include "cli/arguments.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/names.h"

namespace mlship {
namespace {

// What a flag with an optional value holds when it stands alone; no shell word can contain it.
constexpr auto alone = "\x01";

}  // namespace

Arguments::Arguments(CLI::App& app) : app_(app) {}
Arguments::~Arguments() = default;

void Arguments::required(std::string& value, const std::string& name, const std::string& help) {
  app_.add_option(name, value);
  rows_.push_back({name, help, true});
  required_.push_back({name, &value});
}

void Arguments::positional(std::optional<std::string>& value, const std::string& name,
                           const std::string& help) {
  app_.add_option(name, value);
  rows_.push_back({"[" + name + "]", help, true});
}

void Arguments::flag(bool& value, const std::string& names, const std::string& help) {
  app_.add_flag(names, value)->disable_flag_override()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  rows_.push_back({names, help});
}

void Arguments::option(std::optional<std::string>& value, const std::string& names,
                       const std::string& value_name, const std::string& help) {
  app_.add_option(names, value);
  rows_.push_back({names + " " + value_name, help});
}

void Arguments::list(std::vector<std::string>& values, const std::string& names,
                     const std::string& value_name, const std::string& help) {
  // One value per occurrence, or the option would swallow the positional arguments behind it.
  app_.add_option(names, values)->allow_extra_args(false);
  rows_.push_back({names + " " + value_name, help});
}

void Arguments::choice(std::optional<std::string>& value, const std::string& name,
                       const std::vector<std::string>& words, const std::string& help) {
  app_.add_option_function<std::string>(name, [&value, name, words](const std::string& given) {
    if (std::find(words.begin(), words.end(), given) == words.end()) {
      throw Error(ErrorCode::usage, fmt::format("cannot read {} {}: not one of {}{}", name, given,
                                                fmt::join(words, ", "), did_you_mean(given, words)));
    }
    value = given;
  });
  rows_.push_back({fmt::format("{} {}", name, fmt::join(words, "|")), help});
}

void Arguments::optional_value(std::optional<std::string>& value, const std::string& name,
                               const std::string& value_name, const std::string& help) {
  auto& held = *owned_.emplace_back(std::make_unique<std::string>());
  app_.add_flag(name + "{" + alone + "}", held)->each([&value](const std::string& given) {
    value = given == alone ? "" : given;
  });
  rows_.push_back({name + "[=" + value_name + "]", help});
}

void Arguments::check(std::string_view command) const {
  for (const auto& row : required_) {
    if (!row.value->empty()) continue;
    throw Error(ErrorCode::usage, fmt::format("cannot {}: {} is missing", command, row.name))
        .hint(fmt::format("mlship {} --help", command));
  }
}

}  // namespace mlship
