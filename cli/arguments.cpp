#include "cli/arguments.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include "core/error.h"
#include "core/names.h"
#include "core/text.h"

namespace mlship {
namespace {

// What a flag with an optional value holds when it stands alone; no shell word can contain it.
constexpr auto alone = "\x01";

struct KindOfName {
  std::string_view name;
  ValueKind kind;
};
constexpr auto kinds = std::to_array<KindOfName>({
    {"DIR", ValueKind::folder},
    {"FILE", ValueKind::file},
    {"FILE.tar", ValueKind::file},
    {"PATH", ValueKind::path},
    {"REF|PATH", ValueKind::path},
});

ValueKind kind_of(std::string_view value_name) {
  const auto row =
      std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.name == value_name; });
  return row == kinds.end() ? ValueKind::text : row->kind;
}

ArgumentRow row(const std::string& flags, const std::string& value, const std::string& help) {
  ArgumentRow out;
  out.flags = pieces(flags, ",");
  out.value = value;
  out.help = help;
  out.kind = kind_of(value);
  return out;
}

ArgumentRow choice_row(const std::string& flags, const std::vector<std::string>& words,
                       const std::string& help) {
  ArgumentRow out = row(flags, fmt::format("{}", fmt::join(words, "|")), help);
  out.kind = ValueKind::words;
  out.words = words;
  return out;
}

void check_word(const std::string& name, const std::string& given, const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), given) != words.end()) return;
  throw Error(ErrorCode::usage, fmt::format("cannot read {} {}: not one of {}{}", name, given,
                                            fmt::join(words, ", "), did_you_mean(given, words)));
}

}  // namespace

std::string ArgumentRow::shown() const {
  if (positional()) return required ? value : "[" + value + "]";
  std::string names = fmt::format("{}", fmt::join(flags, ", "));
  if (value.empty()) return names;
  return names + (optional_value ? "[=" + value + "]" : " " + value);
}

Arguments::Arguments(CLI::App& app) : app_(app) {}
Arguments::~Arguments() = default;

void Arguments::required(std::string& value, const std::string& name, const std::string& help,
                         std::optional<ValueKind> kind) {
  app_.add_option(name, value);
  rows_.push_back(row("", name, help));
  rows_.back().required = true;
  if (kind) rows_.back().kind = *kind;
  required_.push_back({name, &value});
}

void Arguments::required_choice(std::string& value, const std::string& name,
                                const std::vector<std::string>& words, const std::string& help) {
  app_.add_option_function<std::string>(name, [&value, name, words](const std::string& given) {
    check_word(name, given, words);
    value = given;
  });
  rows_.push_back(choice_row("", words, help));
  rows_.back().required = true;
  required_.push_back({name, &value});
}

void Arguments::positional(std::optional<std::string>& value, const std::string& name,
                           const std::string& help) {
  app_.add_option(name, value);
  rows_.push_back(row("", name, help));
}

void Arguments::flag(bool& value, const std::string& names, const std::string& help) {
  app_.add_flag(names, value)->disable_flag_override()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  rows_.push_back(row(names, "", help));
}

void Arguments::option(std::optional<std::string>& value, const std::string& names,
                       const std::string& value_name, const std::string& help,
                       std::optional<ValueKind> kind) {
  app_.add_option(names, value);
  rows_.push_back(row(names, value_name, help));
  if (kind) rows_.back().kind = *kind;
}

void Arguments::list(std::vector<std::string>& values, const std::string& names,
                     const std::string& value_name, const std::string& help, std::optional<ValueKind> kind) {
  // One value per occurrence, or the option would swallow the positional arguments behind it.
  app_.add_option(names, values)->allow_extra_args(false);
  rows_.push_back(row(names, value_name, help));
  rows_.back().repeats = true;
  if (kind) rows_.back().kind = *kind;
}

void Arguments::choice(std::optional<std::string>& value, const std::string& name,
                       const std::vector<std::string>& words, const std::string& help) {
  app_.add_option_function<std::string>(name, [&value, name, words](const std::string& given) {
    check_word(name, given, words);
    value = given;
  });
  rows_.push_back(choice_row(name, words, help));
}

void Arguments::optional_value(std::optional<std::string>& value, const std::string& name,
                               const std::string& value_name, const std::string& help) {
  auto& held = *owned_.emplace_back(std::make_unique<std::string>());
  app_.add_flag(name + "{" + alone + "}", held)->each([&value](const std::string& given) {
    value = given == alone ? "" : given;
  });
  rows_.push_back(row(name, value_name, help));
  rows_.back().optional_value = true;
}

void Arguments::check(std::string_view command) const {
  for (const auto& missing : required_) {
    if (!missing.value->empty()) continue;
    throw Error(ErrorCode::usage, fmt::format("cannot run 'mlship {}': {} is missing", command, missing.name))
        .hint(fmt::format("mlship {} --help", command));
  }
}

}  // namespace mlship
