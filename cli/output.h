// Standard output: what the person asked for, and nothing else. With --json exactly one document.
#pragma once

#include <string_view>

#include "cli/terminal.h"
#include "core/json.h"

namespace mlship {

class Stdout {
 public:
  Stdout(const Terminal& terminal, bool json) : terminal_(terminal), json_(json) {}

  [[nodiscard]] bool json() const { return json_; }
  [[nodiscard]] Style style() const { return Style(terminal_.color_out); }
  [[nodiscard]] std::size_t width() const { return terminal_.width; }

  // Nothing with --json.
  void text(std::string_view text);
  // The one document; nothing without --json.
  void document(const OrderedJson& document);
  [[nodiscard]] bool documented() const { return documented_; }
  // Throws Error(io|disk_full) when what was written did not arrive; a reader that went away (EPIPE) is not
  // an error.
  void flush();

 private:
  void write(std::string_view bytes);
  const Terminal& terminal_;
  bool json_;
  bool documented_ = false;
  int failed_ = 0;  // errno of the first write that did not succeed
};

}  // namespace mlship
