#include "packager/wheel_format.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/letters.h"
#include "packager/member_path.h"

namespace mlship {
namespace {

constexpr std::string_view hash_prefix = "sha256=";
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";  // RFC 4648 §5

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

// RFC 4180 §2, with LF as well as CRLF.
class Csv {
 public:
  explicit Csv(std::string_view text) : text_(text) {}

  // False at the end; nullopt in `row` when a quote never closes or text follows one.
  bool next(std::optional<std::vector<std::string>>& row) {
    if (at_ >= text_.size()) return false;
    row.emplace();
    do {
      row->emplace_back();
      if (!field(row->back())) {
        row.reset();
        return true;
      }
    } while (take(','));
    take('\r');
    if (at_ < text_.size() && !take('\n')) row.reset();
    return true;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool field(std::string& out) {
    if (!take('"')) {
      const size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
      out = text_.substr(at_, end - at_);
      at_ = end;
      return true;
    }
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"' && !take('"')) return true;
      out += c;
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

std::string record_line(const RecordRow& row) {
  return csv_field(row.path) + "," + csv_field(row.hash) + "," + csv_field(row.size) + "\n";
}

std::vector<RecordRow> parse_record(std::string_view text, const std::string& shown) {
  std::vector<RecordRow> out;
  Csv csv(text);
  std::optional<std::vector<std::string>> row;
  for (size_t line = 1; csv.next(row); ++line) {
    if (row && row->size() == 1 && row->front().empty()) continue;
    if (!row || row->size() != 3) {
      throw Error(ErrorCode::wheel, "cannot read " + shown + ": line " + std::to_string(line) +
                                        " of its RECORD is not path, hash, size");
    }
    out.push_back({(*row)[0], (*row)[1], (*row)[2]});
  }
  return out;
}

std::string record_hash(const Digest& digest) {
  std::string out(hash_prefix);
  unsigned bits = 0;
  unsigned pending = 0;
  for (const unsigned char b : digest.bytes()) {
    pending = (pending << 8U | b) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6) out += alphabet[pending >> (bits - 6) & 63U];
  }
  if (bits > 0) out += alphabet[pending << (6 - bits) & 63U];
  return out;
}

std::optional<Digest> parse_record_hash(std::string_view text) {
  if (!text.starts_with(hash_prefix)) return std::nullopt;
  std::string_view code = text.substr(hash_prefix.size());
  if (code.size() == 64) return Digest::parse("sha256:" + letters::lowered(code));
  if (code.ends_with('=')) code.remove_suffix(1);
  Digest::Bytes bytes{};
  if (code.size() != 43) return std::nullopt;  // 32 bytes without padding
  unsigned bits = 0;
  unsigned pending = 0;
  size_t n = 0;
  for (const char c : code) {
    const size_t value = alphabet.find(c == '+' ? '-' : c == '/' ? '_' : c);
    if (value == std::string_view::npos) return std::nullopt;
    pending = (pending << 6U | static_cast<unsigned>(value)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.at(n++) = static_cast<unsigned char>(pending >> bits & 0xffU);
  }
  // The two bits left over are zero in every right spelling.
  if ((pending & 3U) != 0) return std::nullopt;
  return Digest(bytes);
}

std::map<std::string, std::string> parse_entry_points(std::string_view text, const std::string& shown) {
  std::map<std::string, std::string> out;
  bool scripts = false;
  for (size_t number = 1; !text.empty(); ++number) {
    const auto line = trimmed(take_line(text));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      scripts = line == "[console_scripts]" || line == "[gui_scripts]";
      continue;
    }
    if (!scripts) continue;
    const size_t equals = line.find('=');
    const auto name = trimmed(line.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
    value = trimmed(value.substr(0, std::min(value.find('['), value.size())));
    const bool plain = path_fault(name).empty() && name.find('/') == std::string_view::npos;
    std::string target;
    std::copy_if(value.begin(), value.end(), std::back_inserter(target),
                 [](char c) { return c != ' ' && c != '\t'; });
    if (!plain || target.empty() || !out.emplace(name, target).second) {
      throw Error(ErrorCode::wheel, "cannot install " + shown + ": line " + std::to_string(number) +
                                        " of its entry_points.txt is not a script, or stands twice");
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_headers(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (trimmed(line).empty()) break;
    const size_t colon = line.find(':');
    if (line.front() == ' ' || line.front() == '\t' || colon == std::string_view::npos) continue;
    out.emplace_back(letters::lowered(trimmed(line.substr(0, colon))),
                     std::string(trimmed(line.substr(colon + 1))));
  }
  return out;
}

}  // namespace mlship
