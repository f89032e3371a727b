// Diagnostics on standard error: warnings, status lines and progress. On a terminal one bar with bytes, rate
// and time left for anything over a second; plain lines where there is none; JSON lines for --progress json.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "cli/terminal.h"
#include "core/diagnostics.h"
#include "core/host/clock.h"

namespace mlship {

enum class ProgressMode { bar, plain, json, none };
// auto: a bar on a terminal, else plain lines; always: a bar; never; json.
ProgressMode progress_mode(std::string_view word, const Terminal& terminal, bool quiet);

class Stderr : public Diagnostics {
 public:
  struct Settings {
    ProgressMode mode = ProgressMode::plain;
    bool quiet = false;
    bool verbose = false;
    bool color = false;
  };
  Stderr(Settings settings, Clock& clock) : settings_(settings), clock_(clock) {}

  void warning(std::string_view text) override;
  void status(std::string_view text) override;
  void detail(std::string_view text) override;
  std::unique_ptr<Progress> progress(std::string_view label, std::uint64_t total, Unit unit) override;

  // Text as it is: error reports and plans that are not for standard output.
  void raw(std::string_view text);
  // True with --progress json, where every line has to be one document.
  [[nodiscard]] bool json_lines() const { return settings_.mode == ProgressMode::json; }
  void json_line(std::string_view type, std::string_view text);

 private:
  class Bar;
  struct Activity {
    std::string label;
    std::uint64_t total = 0, done = 0;
    Unit unit = Unit::bytes;
    std::chrono::milliseconds begun{0}, told{0};
    [[nodiscard]] double seconds(std::chrono::milliseconds now) const;
    [[nodiscard]] std::string amount() const;
  };

  void line(std::string_view type, std::string_view lead, std::string_view text);
  void advance(Activity& activity, std::uint64_t done);
  void finish(std::list<Activity>::iterator activity);
  void draw(std::chrono::milliseconds now);
  void erase();
  void tell(const Activity& activity, std::chrono::milliseconds now, bool finished);

  Settings settings_;
  Clock& clock_;
  std::mutex mutex_;  // hashing threads report too
  std::list<Activity> running_;
  bool drawn_ = false;
  std::chrono::milliseconds last_draw_{0};
};

}  // namespace mlship
