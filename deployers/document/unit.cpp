#include "deployers/document/unit.h"

#include <algorithm>
#include <array>
#include <optional>

namespace mlship {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}
bool line_end(char c) {
  return c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// A backslash before the line's end joins it with the next one, unless it is escaped itself.
bool continued(std::string_view line) {
  size_t slashes = 0;
  while (slashes < line.size() && line[line.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

// Cuts the text into lines; CR LF, LF and CR end one.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (text.starts_with(mark)) at_ = mark.size();
  }
  std::optional<Span> next() {
    if (at_ >= text_.size()) return std::nullopt;
    Span line{at_, at_};
    while (line.end < text_.size() && !line_end(text_[line.end])) ++line.end;
    at_ = line.end + 1;
    if (text_.substr(line.end, 2) == "\r\n") ++at_;
    while (line.begin < line.end && blank(text_[line.begin])) ++line.begin;
    return line;
  }
  [[nodiscard]] std::string_view str(Span span) const { return text_.substr(span.begin, span.size()); }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : lines_(text) {}

  // Whether there are lines that are no settings; sections are none of these.
  [[nodiscard]] bool others() const { return others_; }

  std::vector<UnitSetting> run() {
    while (const auto line = lines_.next()) {
      const std::string_view text = lines_.str(*line);
      const bool comment = text.starts_with('#') || text.starts_with(';');
      if (comment) {  // ends no continuation
        apart_ = true;
      } else if (open_) {
        go_on(*line, text);
      } else {
        begin(*line, text);
      }
    }
    finish();
    return std::move(settings_);
  }

 private:
  void begin(Span line, std::string_view text) {
    if (text.starts_with('[')) {
      section_ = text.substr(1, text.find(']') - 1);
      return;
    }
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      others_ = others_ || !text.empty();
      return;
    }
    open_ = UnitSetting{section_, std::string(trimmed(text.substr(0, equals))), "", {}};
    line.begin += equals + 1;
    apart_ = true;
    go_on(line, lines_.str(line));
  }

  void go_on(Span line, std::string_view text) {
    const bool more = continued(text);
    if (apart_ || open_->parts.empty()) {
      open_->parts.push_back(line);
    } else {
      open_->parts.back().end = line.end;
    }
    apart_ = false;
    open_->value += more ? std::string(text.substr(0, text.size() - 1)) + " " : std::string(text);
    if (!more) finish();
  }

  void finish() {
    if (!open_) return;
    open_->value = std::string(trimmed(open_->value));
    settings_.push_back(std::move(*open_));
    open_.reset();
  }

  Lines lines_;
  std::string section_;
  std::optional<UnitSetting> open_;
  bool others_ = false;
  bool apart_ = false;  // a comment stands between this line and the one before
  std::vector<UnitSetting> settings_;
};

// `-/path`, `+/path`, `@/path`…: what systemd reads off the front of a command or path is no part of it.
size_t after_prefix(std::string_view text, size_t at, size_t end) {
  size_t i = at;
  while (i < end && std::string_view("-+!@:|").find(text[i]) != std::string_view::npos) ++i;
  const bool path = i > at && i < end && (text[i] == '/' || text[i] == '"' || text[i] == '\'');
  return path ? i : at;
}

// podman-systemd.unit(5): the image of a container, or another unit's that makes one; systemd.service(5):
// commands.
Whole whole_of(const UnitSetting& setting) {
  const bool image = setting.key == "Image" && (setting.section == "Container" || setting.section == "Image");
  const bool unit = setting.value.ends_with(".image") || setting.value.ends_with(".build");
  if (image && !unit && setting.parts.size() == 1) return Whole::image;
  return setting.key.starts_with("Exec") ? Whole::command : Whole::text;
}

// systemd.mount(5), systemd.automount(5), systemd.swap(5): such a unit is called after this path.
struct NamedRow {
  std::string_view section, key;
};
constexpr auto named_rows =
    std::to_array<NamedRow>({{"Mount", "Where"}, {"Automount", "Where"}, {"Swap", "What"}});

std::string named_after(const UnitSetting& setting) {
  const bool named = std::any_of(named_rows.begin(), named_rows.end(), [&](const NamedRow& row) {
    return row.section == setting.section && row.key == setting.key;
  });
  return named ? "the unit's own name says this path; write a unit for the new one" : "";
}

// A part of a value, cut where a word has a prefix.
void add_sites(std::string_view text, Span part, const Site& like, std::vector<Site>& sites) {
  const auto add = [&](size_t from, size_t to) {
    sites.push_back(like);
    sites.back().span = {from, to};
  };
  size_t begin = part.begin;
  bool word_begins = true;
  for (size_t i = part.begin; i < part.end; ++i) {
    const size_t word = word_begins ? after_prefix(text, i, part.end) : i;
    if (word != i) {
      if (i > begin) add(begin, i);
      begin = i = word;
    }
    word_begins = blank(text[i]) || line_end(text[i]);
  }
  if (part.end > begin) add(begin, part.end);
}

bool variable_name(std::string_view name) {
  constexpr std::string_view word = "export ";
  if (name.starts_with(word)) name = trimmed(name.substr(word.size()));
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

}  // namespace

std::vector<UnitSetting> read_unit(std::string_view text) {
  return Reader(text).run();
}

bool only_variables(std::string_view text) {
  Reader reader(text);
  const auto settings = reader.run();
  return !reader.others() && std::all_of(settings.begin(), settings.end(), [](const UnitSetting& setting) {
    return setting.section.empty() && variable_name(setting.key);
  });
}

DocumentObject parse_unit(std::string_view text, std::string kind) {
  DocumentObject object;
  object.kind = std::move(kind);
  object.extent = {0, text.size()};
  // systemd.exec(5): nothing is expanded in an environment file but by what uses it.
  const bool environment = object.kind == "systemd-environment";
  for (const auto& setting : read_unit(text)) {
    const Site like{
        {}, "", {}, environment ? Dialect::compose : Dialect::unit, whole_of(setting), named_after(setting)};
    for (const Span& part : setting.parts) add_sites(text, part, like, object.sites);
  }
  return object;
}

}  // namespace mlship
