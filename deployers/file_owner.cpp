#include "deployers/file_owner.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/text.h"
#include "deployers/owner_words.h"
#include "deployers/reference_forms.h"

namespace mlship {
namespace {

constexpr size_t most_lines = 200;
constexpr size_t longest_quote = 160;  // bytes

constexpr auto leaders =
    std::to_array<std::string_view>({"<!--", "//", "/*", "--", "#", ";", "%", "{#", "<?xml", "\"\"\""});
constexpr std::string_view decoration = " \t\r#;*-=/!<>%\"{}|+~";

// Comments over several lines, of which only the first and last have a mark.
struct BlockComment {
  std::string_view open, close;
};
constexpr auto block_comments =
    std::to_array<BlockComment>({{"/*", "*/"}, {"<!--", "-->"}, {"{#", "#}"}, {"\"\"\"", "\"\"\""}});

// What tools write above one entry of a file that others write too. Puppet and Chef call it so, Ansible's
// cron module and Salt's cron state as well.
constexpr auto entry_marks = std::to_array<std::string_view>(
    {"Ansible:", "Puppet Name:", "Chef Name:", "SALT_CRON_IDENTIFIER:", "JENKINS_CRON:"});

struct CommentLine {
  Span span;
  std::string_view line;                 // without blanks around it
  std::optional<std::string_view> said;  // of a comment: what it says
};

// The lines of a text, one by one, and what the comments among them say.
class CommentLines {
 public:
  explicit CommentLines(std::string_view text) : text_(text) {}

  std::optional<CommentLine> next() {
    if (at_ >= text_.size()) return std::nullopt;
    CommentLine out;
    out.span = {at_, std::min(text_.find('\n', at_), text_.size())};
    at_ = out.span.end + 1;
    out.line = stripped(text_.substr(out.span.begin, out.span.size()), " \t\r\xef\xbb\xbf");
    const bool inside = !close_.empty();
    const bool marked = std::any_of(leaders.begin(), leaders.end(),
                                    [&](std::string_view leader) { return out.line.starts_with(leader); });
    if (inside || marked) out.said = stripped(out.line, decoration);
    if (!inside) open(out.line);
    if (inside && out.line.find(close_) != std::string_view::npos) close_ = {};
    return out;
  }

 private:
  void open(std::string_view line) {
    for (const auto& row : block_comments) {
      const bool opens = line.starts_with(row.open);
      if (opens && line.find(row.close, row.open.size()) == std::string_view::npos) close_ = row.close;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string_view close_;  // of the comment that goes on, "" when none does
};

// The comments before the first line that is neither a comment nor blank.
std::vector<std::string_view> head(std::string_view text) {
  std::vector<std::string_view> out;
  CommentLines lines(text);
  for (auto line = lines.next(); line && out.size() < most_lines; line = lines.next()) {
    if (!line->said && !line->line.empty()) break;
    if (line->said && !line->said->empty()) out.push_back(*line->said);
  }
  return out;
}

// Whether the second line begins in the middle of the first one's sentence.
bool goes_on(std::string_view line, std::string_view next) {
  constexpr size_t sentence = 4;  // words
  const bool open = std::string_view(".!:;").find(line.back()) == std::string_view::npos;
  const bool begun = static_cast<size_t>(std::count(line.begin(), line.end(), ' ')) + 1 >= sentence;
  return open && begun && next.front() >= 'a' && next.front() <= 'z';
}

// The first line that says it, alone or with the line after it that it goes on in; "" when none does.
std::string marker_of(const std::vector<std::string_view>& lines) {
  bool forbidden = false;
  for (const auto line : lines) forbidden = forbidden || owner_words::forbids_edits(line);
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool rest = i > 0 && goes_on(lines[i - 1], lines[i]);  // of the line before's sentence
    if (!rest && owner_words::says_owned(lines[i], forbidden)) return std::string(lines[i]);
    if (i + 1 == lines.size()) break;
    const std::string both = std::string(lines[i]) + " " + std::string(lines[i + 1]);
    if (!owner_words::says_owned(both, forbidden)) continue;
    const bool next_alone =
        !goes_on(lines[i], lines[i + 1]) && owner_words::says_owned(lines[i + 1], forbidden);
    return next_alone ? std::string(lines[i + 1]) : both;
  }
  return "";
}

// jobs/score.yaml, score.j2, /srv/jobs: what to change instead.
std::string source(const std::vector<std::string_view>& lines) {
  for (const auto line : lines) {
    if (auto file = owner_words::source_in(line); !file.empty()) return file;
  }
  return "";
}

bool entry_mark(std::string_view said) {
  return std::any_of(entry_marks.begin(), entry_marks.end(),
                     [&](std::string_view mark) { return said.starts_with(mark); });
}

// `NAME=value`, which may stand between a mark and its entry.
bool setting(std::string_view line) {
  const size_t equals = line.find('=');
  const std::string_view name = stripped(line.substr(0, std::min(equals, line.size())), " \t\"'");
  return equals != std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return forms::alnum(c) || c == '_'; });
}

std::string says(std::string_view where, std::string_view what, const std::string& file) {
  return std::string(where) + " says '" + std::string(what.substr(0, longest_quote)) + "'; change " +
         (file.empty() ? "what it is made from" : file) + " instead";
}

}  // namespace

Owners::Owners(std::string_view text) {
  const auto lines = head(text);
  if (const std::string marker = marker_of(lines); !marker.empty()) {
    whole_ = says("the file", marker, source(lines));
    return;
  }
  std::optional<Part> block;  // that is open
  std::optional<Part> entry;  // whose mark was read and that has not come yet
  const auto close = [&](std::optional<Part>& part, size_t end) {
    if (!part) return;
    part->span.end = end;
    parts_.push_back(std::move(*part));
    part.reset();
  };
  CommentLines all(text);
  for (auto line = all.next(); line; line = all.next()) {
    if (line->said) {
      if (block && owner_words::ends_block(*line->said)) close(block, line->span.end);
      if (owner_words::begins_block(*line->said)) {
        close(block, line->span.begin);
        block = Part{line->span, says("the block", *line->said, "")};
      } else if (entry_mark(*line->said)) {
        entry = Part{line->span, says("the line above it", *line->said, "")};
      }
    } else if (!line->line.empty() && !setting(line->line)) {
      close(entry, line->span.end);
    }
  }
  close(block, text.size());
}

std::string Owners::of(size_t offset) const {
  if (!whole_.empty()) return whole_;
  const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) {
    return offset >= p.span.begin && offset < p.span.end;
  });
  return part == parts_.end() ? "" : part->says;
}

std::string owner_of_place(const Path& resolved) {
  constexpr auto stores = std::to_array<std::string_view>({"/nix/store/", "/gnu/store/"});
  const bool inside = std::any_of(stores.begin(), stores.end(), [&](std::string_view store) {
    return resolved.native().starts_with(store);
  });
  return inside ? "it stands in " + resolved.string() + "; change what that is made from instead" : "";
}

}  // namespace mlship
