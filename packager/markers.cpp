// PEP 508 §Environment Markers: parsed and evaluated in one pass. Both sides of `and` and `or` are always
// evaluated, so that a mistake in a marker is found whatever the platform.
#include "packager/markers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "core/names.h"

namespace mlship {
namespace {

struct Variable {
  std::string_view spelling;
  std::string_view name;  // the key in the environment
  bool version = false;   // compared by PEP 440 when the other side is a version
};

// PEP 508, with the old spellings of PEP 345 that `packaging` still reads.
constexpr auto variables = std::to_array<Variable>({
    {"python_version", "python_version", true},
    {"python_full_version", "python_full_version", true},
    {"os_name", "os_name"},
    {"os.name", "os_name"},
    {"sys_platform", "sys_platform"},
    {"sys.platform", "sys_platform"},
    {"platform_machine", "platform_machine"},
    {"platform.machine", "platform_machine"},
    {"platform_python_implementation", "platform_python_implementation"},
    {"platform.python_implementation", "platform_python_implementation"},
    {"python_implementation", "platform_python_implementation"},
    {"platform_release", "platform_release", true},
    {"platform_system", "platform_system"},
    {"platform_version", "platform_version"},
    {"platform.version", "platform_version"},
    {"implementation_name", "implementation_name"},
    {"implementation_version", "implementation_version", true},
    {"extra", "extra"},
});

bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

struct Operand {
  const Variable* variable = nullptr;  // null for a literal
  std::string value;
};

using Comparison = bool (*)(const std::string&, const std::string&);
struct TextOperator {
  std::string_view text;
  Comparison holds;  // null: versions only
};
// Texts have no order: the "Dependency specifiers" specification leaves equality of `<=` and `>=` and nothing
// of `<` and `>`, and `packaging` 26 does the same.
constexpr auto text_operators = std::to_array<TextOperator>({
    {"===", nullptr},
    {"~=", nullptr},
    {"==", [](const std::string& a, const std::string& b) { return a == b; }},
    {"!=", [](const std::string& a, const std::string& b) { return a != b; }},
    {"<=", [](const std::string& a, const std::string& b) { return a == b; }},
    {">=", [](const std::string& a, const std::string& b) { return a == b; }},
    {"<", [](const std::string&, const std::string&) { return false; }},
    {">", [](const std::string&, const std::string&) { return false; }},
    {"in", [](const std::string& a, const std::string& b) { return b.find(a) != std::string::npos; }},
    {"not in", [](const std::string& a, const std::string& b) { return b.find(a) == std::string::npos; }},
});

class Evaluation {
 public:
  Evaluation(std::string_view text, const MarkerEnvironment& environment, std::string_view extra)
      : text_(text), rest_(text), environment_(environment), extra_(extra) {}

  bool run() {
    const bool result = disjunction(0);
    skip_space();
    if (!rest_.empty()) fail("unexpected '" + std::string(rest_) + "'");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::invalid_argument("bad marker '" + std::string(text_) + "': " + why);
  }
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  // Takes `word` when it stands here as a whole word.
  bool take_word(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    if (rest_.size() > word.size() && word_character(rest_[word.size()])) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool disjunction(int depth) {
    bool result = conjunction(depth);
    while (take_word("or")) {
      const bool right = conjunction(depth);
      result = result || right;
    }
    return result;
  }

  bool conjunction(int depth) {
    bool result = atom(depth);
    while (take_word("and")) {
      const bool right = atom(depth);
      result = result && right;
    }
    return result;
  }

  bool atom(int depth) {
    constexpr int deepest = 64;  // locks come from elsewhere
    if (depth > deepest) fail("too many parentheses");
    skip_space();
    if (!rest_.starts_with('(')) return comparison();
    rest_.remove_prefix(1);
    const bool result = disjunction(depth + 1);
    skip_space();
    if (!rest_.starts_with(')')) fail("a ')' is missing");
    rest_.remove_prefix(1);
    return result;
  }

  Operand operand() {
    skip_space();
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return literal();
    size_t end = 0;
    while (end < rest_.size() && word_character(rest_[end])) ++end;
    const std::string_view word = rest_.substr(0, end);
    const auto* found = std::find_if(variables.begin(), variables.end(),
                                     [&](const Variable& v) { return v.spelling == word; });
    if (word.empty()) fail("a variable or a quoted text is missing");
    if (found == variables.end()) fail("unknown variable '" + std::string(word) + "'");
    rest_.remove_prefix(end);
    return {found, value_of(found->name)};
  }

  Operand literal() {
    const size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) fail("a quote is missing");
    Operand result{nullptr, std::string(rest_.substr(1, end - 1))};
    // PEP 508 §Grammar: python_str has no escapes.
    if (result.value.find('\\') != std::string::npos) fail("a backslash is not allowed");
    rest_.remove_prefix(end + 1);
    return result;
  }

  std::string value_of(std::string_view name) const {
    if (name == "extra") return std::string(extra_);
    const auto found = environment_.find(name);
    if (found == environment_.end()) fail("the platform does not tell " + std::string(name));
    return found->second;
  }

  const TextOperator& operation() {
    skip_space();
    if (take_word("not")) {
      if (!take_word("in")) fail("'in' is missing after 'not'");
      return text_operators.back();
    }
    for (const auto& row : text_operators) {
      const bool word = word_character(row.text.front());
      if (word ? take_word(row.text) : rest_.starts_with(row.text)) {
        if (!word) rest_.remove_prefix(row.text.size());
        return row;
      }
    }
    fail("a comparison is missing");
  }

  bool comparison() {
    Operand left = operand();
    const TextOperator& row = operation();
    Operand right = operand();
    const Variable* variable = left.variable != nullptr ? left.variable : right.variable;
    if (variable == nullptr) fail("it compares two texts");
    if (left.variable != nullptr && right.variable != nullptr) fail("it compares two variables");
    if (variable->name == "extra") {  // PEP 685
      left.value = normalize_name(left.value);
      right.value = normalize_name(right.value);
    }
    if (const auto answer = as_versions(*variable, left.value, row.text, right.value)) return *answer;
    if (row.holds == nullptr) fail(std::string(row.text) + " compares versions only");
    return row.holds(left.value, right.value);
  }

  // nullopt when it is not a comparison of versions: PEP 508 then falls back to the rules of text.
  static std::optional<bool> as_versions(const Variable& variable, const std::string& left,
                                         std::string_view operation, const std::string& right) {
    if (!variable.version || word_character(operation.front())) return std::nullopt;
    // One specifier: a comma would make two.
    if (right.find(',') != std::string::npos) return std::nullopt;
    try {
      return specifier_matches(std::string(operation) + right, left);
    } catch (const std::invalid_argument&) {
      return std::nullopt;
    }
  }

  std::string_view text_;
  std::string_view rest_;
  const MarkerEnvironment& environment_;
  std::string_view extra_;
};

}  // namespace

bool marker_holds(std::string_view marker, const MarkerEnvironment& environment,
                  const std::set<std::string>& extras) {
  if (marker.find_first_not_of(" \t") == std::string_view::npos) return true;
  // As installers do: one evaluation for each extra, or one with the empty extra.
  if (extras.empty()) return Evaluation(marker, environment, "").run();
  bool result = false;
  for (const auto& extra : extras) result = Evaluation(marker, environment, extra).run() || result;
  return result;
}

}  // namespace mlship
