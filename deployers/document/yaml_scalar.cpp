// Follows a scalar's value through its text, byte by byte: YAML 1.2 §7.3 (flow scalars), §8.1 (block
// scalars). The value is the parser's; whatever does not fit it has no source.
#include <algorithm>
#include <array>

#include "deployers/document/yaml.h"

namespace mlship {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}

class Follower {
 public:
  Follower(std::string_view text, size_t at, const std::string& value) : text_(text), at_(at), value_(value) {
    decoded_.text = value;
    decoded_.source.reserve(value.size());
  }

  std::optional<ScalarSource> run() {
    const char first = peek();
    const bool quoted = first == '"' || first == '\'';
    const bool block = first == '|' || first == '>';
    if (quoted) ++at_;
    Span content{at_, at_};
    const bool good = block ? block_scalar(content) : flow_scalar(quoted ? first : '\0');
    if (!good || decoded_.source.size() != value_.size()) return std::nullopt;
    content.end = at_;
    return ScalarSource{std::move(decoded_), content};
  }

 private:
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] size_t done() const { return decoded_.source.size(); }
  [[nodiscard]] bool complete() const { return done() == value_.size(); }

  // The next byte of the value is the next one of the text.
  bool same() {
    if (at_ >= text_.size() || complete() || value_[done()] != text_[at_]) return false;
    decoded_.source.push_back(at_++);
    return true;
  }
  // The next bytes of the value stand there in another spelling.
  bool spelled(std::string_view bytes) {
    if (std::string_view(value_).substr(done(), bytes.size()) != bytes) return false;
    decoded_.source.insert(decoded_.source.end(), bytes.size(), Decoded::nowhere);
    return true;
  }

  bool line_break() {
    if (peek() == '\r' && peek(1) == '\n') {
      at_ += 2;
    } else if (peek() == '\n' || peek() == '\r') {
      ++at_;
    } else {
      return false;
    }
    return true;
  }

  // Blanks up to a line's end fold with it: one break is a space, more are one less.
  [[nodiscard]] bool folds() const {
    size_t i = at_;
    while (i < text_.size() && blank(text_[i])) ++i;
    return i < text_.size() && (text_[i] == '\n' || text_[i] == '\r');
  }
  size_t skip_breaks() {
    size_t breaks = 0;
    while (folds()) {
      while (blank(peek())) ++at_;
      line_break();
      ++breaks;
    }
    while (blank(peek())) ++at_;
    return breaks;
  }
  bool fold() {
    const size_t breaks = skip_breaks();
    return breaks == 1 ? spelled(" ") : spelled(std::string(breaks - 1, '\n'));
  }

  bool flow_scalar(char quote) {
    while (at_ < text_.size()) {
      if (quote == '\0' && complete()) return true;
      if (quote != '\0' && peek() == quote) {
        if (quote == '"' || peek(1) != '\'') return true;
        ++at_;
        if (!spelled("'")) return false;
        ++at_;
      } else if (quote == '"' && peek() == '\\') {
        if (!escape()) return false;
      } else if (folds()) {
        if (!fold()) return false;
      } else if (!same()) {
        return false;
      }
    }
    return quote == '\0' && complete();
  }

  bool escape() {
    struct Row {
      char letter;
      std::string_view bytes;
    };
    using namespace std::string_view_literals;
    static constexpr auto rows = std::to_array<Row>({{'0', "\0"sv},
                                                     {'a', "\a"sv},
                                                     {'b', "\b"sv},
                                                     {'t', "\t"sv},
                                                     {'\t', "\t"sv},
                                                     {'n', "\n"sv},
                                                     {'v', "\v"sv},
                                                     {'f', "\f"sv},
                                                     {'r', "\r"sv},
                                                     {'e', "\x1b"sv},
                                                     {' ', " "sv},
                                                     {'"', "\""sv},
                                                     {'/', "/"sv},
                                                     {'\\', "\\"sv},
                                                     {'\'', "'"sv},
                                                     {'N', "\xc2\x85"sv},
                                                     {'_', "\xc2\xa0"sv},
                                                     {'L', "\xe2\x80\xa8"sv},
                                                     {'P', "\xe2\x80\xa9"sv}});
    ++at_;
    if (folds()) {  // an escaped line break, and the blanks of the next line, are nothing
      while (blank(peek())) ++at_;
      line_break();
      const size_t more = folds() ? skip_breaks() : 0;
      while (blank(peek())) ++at_;
      return more == 0 || spelled(std::string(more, '\n'));
    }
    const char letter = peek();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.letter == letter; });
    ++at_;
    if (row != rows.end()) return spelled(row->bytes);
    const size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (digits == 0 || at_ + digits > text_.size()) return false;
    at_ += digits;
    return character();
  }

  // Whatever character the digits mean, the value has it: one, of one to four bytes.
  bool character() {
    if (complete()) return false;
    size_t length = 1;
    while (done() + length < value_.size() &&
           (static_cast<unsigned char>(value_[done() + length]) & 0xc0U) == 0x80U) {
      ++length;
    }
    decoded_.source.insert(decoded_.source.end(), length, Decoded::nowhere);
    return true;
  }

  // `content` begins with the first line under the indicator.
  bool block_scalar(Span& content) {
    while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    line_break();
    content.begin = at_;
    bool first = true;
    size_t indent = 0;
    while (!complete()) {
      size_t breaks = 0;
      while (at_ < text_.size() && blank_line(first ? std::string_view::npos : indent)) ++breaks;
      if (!between(breaks, first)) return false;
      if (complete()) return true;
      if (at_ >= text_.size()) return false;
      if (first) indent = indentation();
      first = false;
      for (size_t i = 0; i < indent; ++i, ++at_) {
        if (peek() != ' ') return false;
      }
      while (at_ < text_.size() && peek() != '\n' && peek() != '\r') {
        if (!same()) return false;
      }
    }
    return true;
  }

  // Takes a line's end with the blanks before it, when no more than `indent` of them are there.
  bool blank_line(size_t indent) {
    size_t i = at_, column = 0;
    while (i < text_.size() && text_[i] == ' ' && column < indent) ++i, ++column;
    if (i >= text_.size() || (text_[i] != '\n' && text_[i] != '\r')) return false;
    at_ = i;
    return line_break();
  }

  // The value's own line breaks, as many as there are at most, or the space that one folds into.
  bool between(size_t breaks, bool first) {
    size_t taken = 0;
    while (taken < breaks && !complete() && value_[done()] == '\n') {
      spelled("\n");
      ++taken;
    }
    if (taken == 0 && breaks == 1 && !first) return spelled(" ");
    return true;
  }

  // The first line's blanks, less those that are the value's own.
  [[nodiscard]] size_t indentation() const {
    size_t there = 0, own = 0;
    while (peek(there) == ' ') ++there;
    while (done() + own < value_.size() && value_[done() + own] == ' ') ++own;
    return there - std::min(there, own);
  }

  std::string_view text_;
  size_t at_;
  const std::string& value_;
  Decoded decoded_;
};

}  // namespace

std::optional<ScalarSource> scalar_source(std::string_view text, size_t at, const std::string& value) {
  return Follower(text, at, value).run();
}

size_t after_properties(std::string_view text, size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    if (blank(c) || c == '\n' || c == '\r') {
      ++at;
    } else if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '&' || c == '!') {
      at = std::min(text.find_first_of(" \t\r\n", at), text.size());
    } else {
      break;
    }
  }
  return at;
}

}  // namespace mlship
