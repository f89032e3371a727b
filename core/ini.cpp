#include "core/ini.h"

#include <algorithm>

#include "core/letters.h"
#include "core/text.h"

namespace mlship {
namespace {

using letters::lowered;

}  // namespace

IniFile parse_ini(std::string_view text, Indented indented) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // editors on Windows write one
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  IniFile file;
  std::string section;
  std::string* last = nullptr;  // the value that an indented line goes on with
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = stripped(text.substr(0, end), " \t\r\n\v\f");
    const bool goes_on =
        indented == Indented::continued && !text.empty() && (text[0] == ' ' || text[0] == '\t');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (goes_on && last != nullptr) {
      *last += "\n" + std::string(line);
      continue;
    }
    last = nullptr;
    if (line[0] == '[' && line.back() == ']') {
      section = stripped(line.substr(1, line.size() - 2), " \t\r\n\v\f");
      file[section];
      continue;
    }
    const size_t mark = line.find_first_of("=:");
    if (mark == std::string_view::npos) continue;
    const auto at =
        file[section].insert_or_assign(lowered(stripped(line.substr(0, mark), " \t\r\n\v\f")),
                                       std::string(stripped(line.substr(mark + 1), " \t\r\n\v\f")));
    last = &at.first->second;
  }
  return file;
}

}  // namespace mlship
