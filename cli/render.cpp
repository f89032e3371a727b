#include "cli/render.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "core/host/clock.h"
#include "core/json_library.h"

namespace mlship {
namespace {

std::string cut(const std::string& text, size_t width) {
  if (columns(text) <= width) return text;
  std::string out;
  for (size_t i = 0, n = 0; i < text.size() && n + 1 < width; ++n) {
    const size_t length = std::max<size_t>(1, utf8_sequence(text, i));
    out += text.substr(i, length);
    i += length;
  }
  return out + "…";
}

}  // namespace

size_t columns(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string human_path(const std::filesystem::path& path) {
  std::error_code ignored;  // a working folder that was removed: then the path as it is
  const auto shown = path.lexically_proximate(std::filesystem::current_path(ignored)).string();
  return ignored || shown.starts_with("..") ? path.string() : shown;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr auto units = std::to_array<const char*>({"B", "kB", "MB", "GB", "TB", "PB"});
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string human_seconds(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string human_count(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string human_time(std::int64_t seconds) {
  return seconds == 0 ? "" : rfc3339(seconds);
}

void Table::add(std::vector<std::string> row) {
  for (auto& cell : row) cell = printable(cell);
  row.resize(header_.size());
  rows_.push_back(std::move(row));
}

void Table::drop_empty_columns() {
  for (size_t c = header_.size(); c-- > 0;) {
    const auto has = [&](const std::vector<std::string>& row) { return !row[c].empty(); };
    if (std::any_of(rows_.begin(), rows_.end(), has)) continue;
    const auto at = static_cast<std::ptrdiff_t>(c);
    header_.erase(header_.begin() + at);
    for (auto& row : rows_) row.erase(row.begin() + at);
  }
}

std::vector<size_t> Table::widths(size_t width) const {
  std::vector<size_t> widest;
  for (size_t c = 0; c < header_.size(); ++c) {
    size_t most = columns(header_[c]);
    for (const auto& row : rows_) most = std::max(most, columns(row[c]));
    widest.push_back(most);
  }
  constexpr size_t gap = 2, least = 8;
  const auto total = [&] {
    size_t sum = gap * (widest.size() - 1);
    for (const size_t w : widest) sum += w;
    return sum;
  };
  while (width > 0 && total() > width) {
    const auto most = std::max_element(widest.begin(), widest.end());
    if (*most <= least) break;
    --*most;
  }
  return widest;
}

std::string Table::render(size_t width, const Style& style) const {
  const auto fitted = widths(width);
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string cell = cut(cells[c], fitted[c]);
      out += cell;
      if (c + 1 < cells.size()) out += std::string(fitted[c] - columns(cell) + 2, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  };
  std::string out = style.bold(line(header_)) + "\n";
  for (const auto& row : rows_) out += line(row) + "\n";
  return out;
}

std::string render_error(const Error& error, const Style& style) {
  std::string out = style.red("error:") + " " + printable(error.message()) + "\n";
  size_t widest = 0;
  for (const auto& fact : error.facts()) widest = std::max(widest, columns(fact.name));
  for (const auto& fact : error.facts()) {
    out += fmt::format("  {}{}  {}\n", fact.name, std::string(widest - columns(fact.name), ' '),
                       printable(fact.value));
  }
  if (!error.hint_text().empty()) out += style.cyan("hint:") + " " + printable(error.hint_text()) + "\n";
  return out;
}

OrderedJson error_document(const Error& error) {
  const auto& row = row_of(error.code());
  OrderedJson facts = OrderedJson::object();
  for (const auto& fact : error.facts()) {
    // A name that stands twice (two files, say) becomes a list.
    if (!facts.contains(fact.name)) {
      facts[fact.name] = fact.value;
    } else if (facts[fact.name].is_array()) {
      facts[fact.name].push_back(fact.value);
    } else {
      facts[fact.name] = {facts[fact.name], fact.value};
    }
  }
  return {{"schema", "mlship.error/1"}, {"code", row.word},
          {"message", error.message()}, {"facts", facts},
          {"hint", error.hint_text()},  {"exit", static_cast<int>(row.exit)}};
}

}  // namespace mlship
