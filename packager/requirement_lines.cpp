#include "packager/requirement_lines.h"

#include <algorithm>

#include "core/text.h"

namespace mlship {
namespace {

constexpr std::string_view space = " \t\f\v";

// A comment starts at `#` at the beginning or after white space: the # of a URL's fragment is none.
std::string_view without_comment(std::string_view text) {
  for (size_t i = text.find('#'); i != std::string_view::npos; i = text.find('#', i + 1)) {
    if (i == 0 || space.find(text[i - 1]) != std::string_view::npos) return text.substr(0, i);
  }
  return text;
}

// Takes one physical line off the front; LF, CRLF and CR end it.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find_first_of("\r\n");
  const std::string_view line = text.substr(0, end);
  if (end == std::string_view::npos) {
    text = {};
  } else {
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return line;
}

class Joiner {
 public:
  void physical(size_t number, std::string_view line) {
    const bool comment = stripped(line, space).starts_with('#');
    const bool continued = line.ends_with('\\') && !comment;
    if (joined_.empty()) first_ = number;
    if (continued) line.remove_suffix(1);
    // pip puts the space in, so that the comment does not stick to the word before it.
    if (comment) joined_ += ' ';
    joined_ += line;
    open_ = continued;
    if (!open_) end();
  }
  void end() {
    const std::string_view text = stripped(without_comment(joined_), space);
    if (!text.empty()) lines_.push_back({first_, std::string(text)});
    joined_.clear();
    open_ = false;
  }
  std::vector<RequirementLine> take() {
    if (open_) end();
    return std::move(lines_);
  }

 private:
  std::vector<RequirementLine> lines_;
  std::string joined_;
  size_t first_ = 0;
  bool open_ = false;
};

}  // namespace

std::vector<RequirementLine> requirement_lines(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
  Joiner joiner;
  for (size_t number = 1; !text.empty(); ++number) joiner.physical(number, take_line(text));
  return joiner.take();
}

std::vector<std::string> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && space.find(c) != std::string_view::npos) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
      continue;
    }
    inside = true;
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else {
      word += c;
    }
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

}  // namespace mlship
