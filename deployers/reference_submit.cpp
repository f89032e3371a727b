// The command line of spark-submit: options, the application, and what belongs to the application.
#include <algorithm>
#include <array>

#include "deployers/reference_forms.h"

namespace mlship::forms {

namespace {

// SparkSubmitOptionParser: options without a value, and those whose value names files or packages.
constexpr auto switches = std::to_array<std::string_view>(
    {"--verbose", "-v", "--supervise", "--help", "-h", "--version", "--usage-error"});
constexpr auto lists =
    std::to_array<std::string_view>({"--jars", "--py-files", "--files", "--archives", "--packages"});

// Those whose value is KEY=VALUE of Spark's configuration.
constexpr auto settings = std::to_array<std::string_view>({"--conf", "-c"});

template <typename Table>
bool listed(const Table& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

// Words of a shell's command, from a position to the end of the command.
class Words {
 public:
  Words(std::string_view text, size_t at, size_t end) : text_(text), at_(at), end_(end) {}

  std::optional<Span> next() {
    at_ = skip_joined(text_.substr(0, end_), at_);
    const size_t begin = at_;
    char open = 0;
    for (; at_ < end_; ++at_) {
      const char c = text_[at_];
      if (open != 0) {
        if (c == open) open = 0;
      } else if (c == '\'' || c == '"') {
        open = c;
      } else if (one_of(c, " \t\r\n;&|<>()`")) {
        break;
      } else if (c == '\\') {
        ++at_;
      }
    }
    at_ = std::min(at_, end_);
    return at_ > begin ? std::optional(Span{begin, at_}) : std::nullopt;
  }
  [[nodiscard]] size_t position() const { return at_; }

 private:
  std::string_view text_;
  size_t at_, end_;
};

// A whole command may stand in quotes, `sh -c "…"`: it ends where they do.
size_t command_end(std::string_view text, size_t at) {
  const size_t floor = at > longest ? at - longest : 0;
  char open = 0;
  for (size_t i = floor; i < at; ++i) {
    if (text[i] == '\n') {
      open = 0;
    } else if (open == 0 ? one_of(text[i], "'\"") : text[i] == open) {
      open = open == 0 ? text[i] : '\0';
    }
  }
  return open == 0 ? text.size() : std::min(text.find(open, at), text.size());
}

// The arguments of the application of the spark-submit whose own arguments begin at `from`.
Span user_arguments(std::string_view text, size_t from) {
  SubmitReader reader;
  Words words(text, from, command_end(text, from));
  std::optional<size_t> begin;
  while (const auto word = words.next()) {
    const bool application = reader.read(text.substr(word->begin, word->size())) == SubmitWord::application;
    if (application && !begin) begin = word->end;
  }
  return {begin.value_or(words.position()), words.position()};
}

}  // namespace

SubmitWord SubmitReader::read(std::string_view word) {
  if (application_) return SubmitWord::user;
  if (value_ != SubmitWord::other || value_is_next_) {
    const SubmitWord out = value_;
    value_ = SubmitWord::other;
    value_is_next_ = false;
    return out;
  }
  if (!word.starts_with('-')) {
    application_ = true;
    return SubmitWord::application;
  }
  const size_t equals = word.find('=');
  const bool list = listed(lists, word.substr(0, equals)), setting = listed(settings, word.substr(0, equals));
  if (word.starts_with("--") && equals != std::string_view::npos) {
    return list      ? SubmitWord::option_with_list
           : setting ? SubmitWord::option_with_setting
                     : SubmitWord::other;
  }
  value_is_next_ = !listed(switches, word);
  value_ = list ? SubmitWord::list : setting ? SubmitWord::setting : SubmitWord::other;
  return SubmitWord::other;
}

void drop_user_arguments(std::string_view text, Found& found) {
  constexpr std::string_view program = "spark-submit";
  std::vector<Span> arguments;
  for (size_t i = text.find(program); i != std::string_view::npos;) {
    const size_t end = i + program.size();
    const bool begins = i == 0 || one_of(text[i - 1], " \t\r\n/;&|('\"`");
    if (begins && end < text.size() && (one_of(text[end], " \t\\") || text.substr(end, 5) == ".cmd "))
      arguments.push_back(user_arguments(text, end));
    const bool any = !arguments.empty() && arguments.back().end > end;
    i = text.find(program, any ? arguments.back().end : end);
  }
  const auto ends_before = [](const Span& span, size_t at) { return span.end < at; };
  std::erase_if(found, [&](const Reference& r) {
    const auto span = std::lower_bound(arguments.begin(), arguments.end(), r.span.end, ends_before);
    return span != arguments.end() && span->begin <= r.span.begin;
  });
}

}  // namespace mlship::forms
