// Requirements without a version: `pip install churn`, and a string that is known to be one requirement. Only
// where the place leaves no doubt; a word that merely could be a name is none.
#include <algorithm>
#include <array>

#include "core/names.h"
#include "deployers/reference_forms.h"

namespace mlship::forms {

using namespace std::string_view_literals;

namespace {

// Options of `pip install` whose value is the next word.
constexpr auto takes_value = std::to_array<std::string_view>({"--requirement",
                                                              "--constraint",
                                                              "--editable",
                                                              "--target",
                                                              "--platform",
                                                              "--python-version",
                                                              "--implementation",
                                                              "--abi",
                                                              "--root",
                                                              "--prefix",
                                                              "--src",
                                                              "--upgrade-strategy",
                                                              "--config-settings",
                                                              "--global-option",
                                                              "--no-binary",
                                                              "--only-binary",
                                                              "--progress-bar",
                                                              "--report",
                                                              "--group",
                                                              "--index-url",
                                                              "--extra-index-url",
                                                              "--find-links",
                                                              "--python",
                                                              "--log",
                                                              "--proxy",
                                                              "--retries",
                                                              "--timeout",
                                                              "--exists-action",
                                                              "--trusted-host",
                                                              "--cert",
                                                              "--client-cert",
                                                              "--cache-dir",
                                                              "--use-feature",
                                                              "--use-deprecated",
                                                              "--keyring-provider"});
constexpr std::string_view short_takes_value = "rcetifC";

// Words after which a shell reads a command.
constexpr auto before_command = std::to_array<std::string_view>(
    {"sudo", "exec", "then", "do", "else", "RUN", "uv", "time", "nice", "env", "$"});

constexpr auto archives =
    std::to_array<std::string_view>({".whl", ".zip", ".gz", ".bz2", ".tgz", ".xz", ".tar", ".txt"});

constexpr std::string_view word_ends = " \t\r\n\v\f\0;&|()`'\"#"sv;

template <typename Table>
bool listed(const Table& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

// The end of `name[extras]` at `begin`; `begin` when there is none.
size_t named_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && end - begin < longest && name_char(text[end])) ++end;
  const std::string_view name = text.substr(begin, end - begin);
  if (!valid_name(name) || !std::any_of(name.begin(), name.end(), letter)) return begin;
  if (std::any_of(archives.begin(), archives.end(), [&](auto suffix) { return name.ends_with(suffix); })) {
    return begin;
  }
  if (at(text, end) != '[') return end;
  size_t close = end + 1;
  while (close < text.size() && (name_char(text[close]) || text[close] == ',' || text[close] == ' ')) ++close;
  return at(text, close) == ']' ? close + 1 : begin;
}

Reference bare(std::string_view text, Span span) {
  Reference r;
  r.form = Form::pin;
  r.span = span;
  const std::string_view whole = text.substr(span.begin, span.size());
  r.name = whole.substr(0, whole.find('['));
  r.package = normalize_name(r.name);
  return r;
}

// PEP 508: name, extras, marker; or a comment behind it, as in a requirements file.
void find_whole(std::string_view text, Found& found) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t end = named_end(text, begin);
  if (end == begin) return;
  const size_t next = std::min(text.find_first_not_of(" \t\r\n", end), text.size());
  const bool comment = at(text, next) == '#' && next > end;
  if (next == text.size() || text[next] == ';' || comment) found.push_back(bare(text, {begin, end}));
}

// Whether the word at `begin` is where a command may stand; `pip install failed` in a sentence is none.
bool command_position(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end > 0 && blank(text[end - 1])) --end;
  if (end == 0 || one_of(text[end - 1], "\r\n;&|({\"'`!%=:")) return true;
  size_t word = end;
  while (word > 0 && end - word < longest && !one_of(text[word - 1], word_ends)) --word;
  const std::string_view before = text.substr(word, end - word);
  return before.starts_with('-') || before.find('=') != std::string_view::npos ||
         listed(before_command, before);
}

// The position after `pip… install`, whose `pip` begins at `pip`; npos when it is something else.
size_t after_install(std::string_view text, size_t pip) {
  if (pip > 0 && text[pip - 1] != '/' && !one_of(text[pip - 1], word_ends)) return std::string_view::npos;
  size_t i = pip + 3;
  while (digit(at(text, i)) || at(text, i) == '.') ++i;
  constexpr std::string_view verb = "install";
  size_t word = i;
  while (blank(at(text, word))) ++word;
  if (word == i || text.substr(word, verb.size()) != verb || !blank(at(text, word + verb.size()))) {
    return std::string_view::npos;
  }
  size_t begin = pip;
  while (begin > 0 && pip - begin < longest && !one_of(text[begin - 1], word_ends)) --begin;
  return command_position(text, begin) ? word + verb.size() : std::string_view::npos;
}

// The arguments of one `pip install`, word by word, up to the end of the command.
class Arguments {
 public:
  Arguments(std::string_view text, size_t at) : text_(text), at_(at) {}

  // Returns where they end.
  size_t run(Found& found) {
    bool value = false;
    while (const auto word = next()) {
      const std::string_view str = text_.substr(word->begin, word->size());
      if (str.find("{{") != std::string_view::npos) break;  // a template: nobody knows what it becomes
      const bool is_value = value;
      value = needs_value(str);
      if (!is_value && !value && named_end(str, 0) == str.size()) found.push_back(bare(text_, *word));
    }
    return at_;
  }

 private:
  // Without its quotes; nullopt at the end of the command.
  std::optional<Span> next() {
    at_ = skip_joined(text_, at_);
    if (one_of(at(text_, at_), "'\"")) return quoted();
    const size_t begin = at_;
    while (at_ < text_.size() && at_ - begin < longest && !one_of(text_[at_], word_ends)) ++at_;
    if (at_ == begin) return std::nullopt;
    if (one_of(at(text_, at_), "(`")) return std::nullopt;
    return Span{begin, at_};
  }

  // What stands between quotes is one word, unless the quote ends what the whole command stands in.
  std::optional<Span> quoted() {
    const size_t close = text_.find(text_[at_], at_ + 1);
    const size_t space = text_.find_first_of(" \t\r\n", at_);
    if (close == std::string_view::npos || space < close || close == at_ + 1) return std::nullopt;
    const Span word{at_ + 1, close};
    at_ = close + 1;
    const bool ends = at_ == text_.size() || one_of(text_[at_], " \t\r\n;&|)'\"");
    return ends ? std::optional(word) : std::nullopt;
  }

  static bool needs_value(std::string_view word) {
    if (one_of(word.back(), "<>")) return true;  // where the output goes
    if (listed(takes_value, word)) return true;
    return word.size() > 1 && word[0] == '-' && std::all_of(word.begin() + 1, word.end(), letter) &&
           one_of(word.back(), short_takes_value);
  }

  std::string_view text_;
  size_t at_;
};

// The end of the name before the extras that end at `end`.
size_t before_extras(std::string_view text, size_t end) {
  if (end == 0 || text[end - 1] != ']') return end;
  size_t open = end - 1;
  while (open > 0 && (name_char(text[open - 1]) || text[open - 1] == ',')) --open;
  return open > 0 && text[open - 1] == '[' ? open - 1 : end;
}

// `ada@10.1.3.0` is somebody at a host.
bool address(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return digit(c) || c == '.'; });
}

}  // namespace

void find_bare(std::string_view text, const Grammar& grammar, Found& found) {
  if (grammar.whole == Whole::requirement) return find_whole(text, found);
  size_t done = 0;  // what stands among the arguments of one is none of its own
  for (size_t pip = text.find("pip"); pip != std::string_view::npos; pip = text.find("pip", done)) {
    const size_t after = after_install(text, pip);
    done = after == std::string_view::npos ? pip + 1 : Arguments(text, after).run(found);
  }
}

void find_requests(std::string_view text, const Grammar& grammar, Found& found) {
  for (size_t mark = text.find('@'); mark != std::string_view::npos; mark = text.find('@', mark + 1)) {
    size_t begin = before_extras(text, mark), end = mark + 1;
    while (begin > 0 && mark - begin < longest && name_char(text[begin - 1])) --begin;
    if (begin > 0 && !one_of(text[begin - 1], " \t\r\n'\"`=")) continue;
    while (end < text.size() && end - mark < longest && (name_char(text[end]) || one_of(text[end], "+!")))
      ++end;
    const Span version{mark + 1, end};
    if (end < text.size() && !one_of(text[end], word_ends)) continue;
    Reference r = bare(text, {begin, mark});
    r.version_text = text.substr(version.begin, version.size());
    if (!valid_name(r.name) || !digit(at(text, version.begin)) || address(r.version_text)) continue;
    r.version = Version::parse(r.version_text, grammar.scheme);
    if (!r.version) continue;
    r.version_span = version;
    r.span = {begin, end};
    r.opaque = "NAME@VERSION asks a tool for it, and is not rewritten";
    found.push_back(std::move(r));
  }
}

}  // namespace mlship::forms
