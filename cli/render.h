// Texts for people: tables that fit the terminal, sizes, times, and errors in both forms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

namespace mlship {

// Columns a text takes, one per code point.
std::size_t columns(std::string_view text);

// Relative to the folder the person works in when it is below it.
std::string human_path(const std::filesystem::path& path);
std::string human_bytes(std::uint64_t bytes);                       // "1.2 MB", powers of 1,000
std::string human_seconds(std::int64_t seconds);                    // "42 s", "3 min 5 s", "2 h 4 min"
std::string human_count(std::size_t count, std::string_view noun);  // "1 job", "3 jobs"
std::string human_time(std::int64_t seconds);                       // RFC 3339; "" for 0

// Cells are printed left-aligned, two blanks apart, the last one ragged. With a width the widest columns are
// cut, with an ellipsis, until the rows fit.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row);
  // Leaves out the columns in which no row has anything: there is little room on a terminal.
  void drop_empty_columns();
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string render(std::size_t width, const Style& style) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths(std::size_t width) const;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// "error: …", aligned facts, "hint: …".
std::string render_error(const Error& error, const Style& style);
OrderedJson error_document(const Error& error);

}  // namespace mlship
