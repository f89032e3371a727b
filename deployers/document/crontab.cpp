// crontab(5). A line is an environment setting, else an entry: five fields or @nickname, in the system format
// a user, and the rest of the line, of which an unescaped `%` ends the command.
#include <algorithm>
#include <optional>

#include "deployers/document/document.h"

namespace mlship {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}

// Reads the fields of one line of a document; offsets are the document's.
class Line {
 public:
  Line(std::string_view text, Span extent) : text_(text), at_(extent.begin), end_(extent.end) {}

  void skip_blanks() {
    while (at_ < end_ && blank(text_[at_])) ++at_;
  }
  Span word() {
    const size_t begin = at_;
    while (at_ < end_ && !blank(text_[at_])) ++at_;
    return {begin, at_};
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] size_t end() const { return end_; }
  [[nodiscard]] bool done() const { return at_ >= end_; }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
  [[nodiscard]] std::string str(Span span) const {
    return std::string(text_.substr(span.begin, span.size()));
  }
  void step() { ++at_; }

 private:
  std::string_view text_;
  size_t at_, end_;
};

std::string unquoted(std::string text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// `NAME = value`; the name may be quoted.
std::optional<DocumentObject> environment(Line line, Span extent) {
  const size_t begin = line.at();
  const char quote = line.peek();
  if (quote == '"' || quote == '\'') {
    do line.step();
    while (!line.done() && line.peek() != quote);
    if (line.done()) return std::nullopt;
    line.step();
  } else {
    while (!line.done() && line.peek() != '=' && !blank(line.peek())) line.step();
  }
  const Span name{begin, line.at()};
  line.skip_blanks();
  if (name.size() == 0 || line.peek() != '=') return std::nullopt;
  line.step();
  const Site value{{line.at(), line.end()}, "", {}, Dialect::shell};
  return DocumentObject{unquoted(line.str(name)), "cron-environment", "", extent, {value}, ""};
}

// cron(8) ends the command at the first `%` that no backslash escapes, whatever the quotes; what follows is
// its standard input.
std::string_view before_input(std::string_view command) {
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i] == '%') return command.substr(0, i);
    if (command[i] == '\\') ++i;
  }
  return command;
}

// What the shell runs: up to an unquoted `#` at the start of a word.
std::string_view before_comment(std::string_view command) {
  char quote = '\0';
  bool word_begins = true;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '#' && word_begins) return command.substr(0, i);
    word_begins = quote == '\0' && (blank(c) || c == ';');
    if (c == '\\' && quote != '\'') {
      ++i;
    } else if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    }
  }
  return command;
}

// A user name, perhaps with a group or login class (FreeBSD); a command has a `/`, `=` or quote sooner or
// later.
bool plausible_user(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:$").find(c) != std::string_view::npos;
  });
}

// The program a person would call the entry by: the last part of the first word that sets no variable.
std::string program_of(std::string_view command) {
  size_t at = 0;
  while (true) {
    while (at < command.size() && blank(command[at])) ++at;
    size_t end = at;
    while (end < command.size() && !blank(command[end])) ++end;
    const std::string word = unquoted(std::string(command.substr(at, end - at)));
    const size_t equals = word.find('=');
    const bool assignment = equals != std::string::npos && equals > 0 && word.find('/') > equals;
    if (!assignment || end == command.size()) return word.substr(word.rfind('/') + 1);
    at = end;
  }
}

bool of(std::string_view word, std::string_view more, bool letters) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (c >= '0' && c <= '9') || (letters && letter) || more.find(c) != std::string_view::npos;
  });
}

// Whether it can be a field of a schedule; only months and days of the week have names. `~`: a random minute.
bool plausible_field(std::string_view word, int field) {
  return of(word, "*,/-~?", field >= 3);
}

// The schedule that the line begins with; nullopt when it begins with none. What follows is not blank then.
std::optional<std::string> schedule(Line& line) {
  const size_t begin = line.at();
  const bool nickname = line.peek() == '@';
  size_t end = begin;
  for (int i = 0; i < (nickname ? 1 : 5); ++i) {
    const Span word = line.word();
    const std::string text = line.str(word);
    if (nickname ? !of(text.substr(1), "_", true) : !plausible_field(text, i)) return std::nullopt;
    end = word.end;
    line.skip_blanks();
  }
  if (line.done()) return std::nullopt;
  return line.str({begin, end});
}

Site command_at(std::string_view text, const Line& line, std::string& name) {
  const auto command = before_comment(before_input(text.substr(line.at(), line.end() - line.at())));
  if (name.empty()) name = program_of(command);
  return {{line.at(), line.at() + command.size()}, "", {}, Dialect::shell, Whole::command};
}

std::optional<DocumentObject> entry(std::string_view text, Line line, Span extent, bool system) {
  DocumentObject object;
  object.kind = "cron-entry";
  object.extent = extent;
  const auto when = schedule(line);
  if (!when) return std::nullopt;
  object.schedule = *when;
  if (system) {
    const Line before = line;
    const Span user = line.word();
    line.skip_blanks();
    if (line.done() || !plausible_user(line.str(user))) line = before;
  }
  object.sites = {command_at(text, line, object.name)};
  return object;
}

std::optional<DocumentObject> anacron_entry(std::string_view text, Line line, Span extent) {
  DocumentObject object;
  object.kind = "anacron-entry";
  object.extent = extent;
  const std::string period = line.str(line.word());
  line.skip_blanks();
  const std::string delay = line.str(line.word());
  line.skip_blanks();
  object.name = line.str(line.word());
  line.skip_blanks();
  const bool nickname = period.starts_with('@');
  if (line.done() || !of(delay, "", false) || !of(period.substr(nickname ? 1 : 0), "_", nickname)) {
    return std::nullopt;
  }
  object.schedule = "anacron " + period;
  object.sites = {command_at(text, line, object.name)};
  return object;
}

// Calls `read` with every line that is neither blank nor a comment; what it has no object for is a problem.
template <typename Read>
ParsedDocument each_line(std::string_view text, Read read) {
  ParsedDocument out;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = std::min(text.find('\n', begin), text.size());
    Span extent{begin, newline};
    if (extent.size() > 0 && text[extent.end - 1] == '\r') --extent.end;
    begin = newline + 1;
    ++number;
    Line line(text, extent);
    line.skip_blanks();
    if (line.done() || line.peek() == '#') continue;
    auto object = read(line, extent);
    if (object) {
      out.objects.push_back(std::move(*object));
    } else if (out.problem.empty()) {
      out.problem = "line " + std::to_string(number) + " is neither an entry nor a setting of a crontab";
      out.minor = true;
    }
  }
  if (!out.problem.empty()) out.objects.clear();
  return out;
}

}  // namespace

ParsedDocument parse_crontab(std::string_view text, bool system) {
  std::string zone;  // cronie: the schedules below such a line are in this time zone
  return each_line(text, [&](const Line& line, Span extent) {
    auto object = environment(line, extent);
    if (object && object->name == "CRON_TZ") {
      const Span value = object->sites.front().span;
      zone = "CRON_TZ=" + unquoted(std::string(text.substr(value.begin, value.size()))) + " ";
    }
    if (!object) {
      object = entry(text, line, extent, system);
      if (object) object->schedule.insert(0, zone);
    }
    return object;
  });
}

ParsedDocument parse_anacrontab(std::string_view text) {
  return each_line(text, [&](const Line& line, Span extent) {
    auto object = environment(line, extent);
    return object ? object : anacron_entry(text, line, extent);
  });
}

}  // namespace mlship
