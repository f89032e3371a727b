#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include <fmt/core.h>

#include "cli/interrupt.h"
#include "cli/render.h"
#include "core/json_library.h"

namespace mlship {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds patience{1000};  // shorter work is not talked about
constexpr milliseconds frame{100};
constexpr milliseconds json_pause{200};
constexpr milliseconds plain_pause{10'000};
constexpr size_t bar_width = 24;

std::string bar(std::uint64_t done, std::uint64_t total) {
  const size_t full = static_cast<size_t>(static_cast<double>(std::min(done, total)) /
                                          static_cast<double>(total) * static_cast<double>(bar_width));
  return "[" + std::string(full, '=') + std::string(bar_width - full, ' ') + "]";
}

void write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

ProgressMode progress_mode(std::string_view word, const Terminal& terminal, bool quiet) {
  if (word == "json") return ProgressMode::json;
  if (word == "never" || (quiet && word != "always")) return ProgressMode::none;
  return word == "always" || terminal.err ? ProgressMode::bar : ProgressMode::plain;
}

// One piece of work; forwards to its Stderr, which owns the line.
class Stderr::Bar : public Progress {
 public:
  Bar(Stderr& owner, std::list<Activity>::iterator activity) : owner_(owner), activity_(activity) {}
  ~Bar() override { Bar::finish(); }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  void advance(std::uint64_t done) override {
    {
      const std::lock_guard lock(owner_.mutex_);
      if (!finished_) owner_.advance(*activity_, done);
    }
    check_interrupt();
  }
  void finish() override {
    const std::lock_guard lock(owner_.mutex_);
    if (!finished_) owner_.finish(activity_);
    finished_ = true;
  }

 private:
  Stderr& owner_;
  std::list<Activity>::iterator activity_;
  bool finished_ = false;
};

double Stderr::Activity::seconds(milliseconds now) const {
  return static_cast<double>((now - begun).count()) / 1000;
}

std::string Stderr::Activity::amount() const {
  const auto shown = [this](std::uint64_t n) {
    return unit == Unit::bytes ? human_bytes(n) : std::to_string(n);
  };
  return total > 0 ? shown(done) + " of " + shown(total) : shown(done);
}

void Stderr::line(std::string_view type, std::string_view lead, std::string_view text) {
  if (json_lines()) return json_line(type, text);
  const std::lock_guard lock(mutex_);
  erase();
  write(std::string(lead) + printable(text) + "\n");
}

void Stderr::warning(std::string_view text) {
  line("warning", Style(settings_.color).yellow("warning:") + " ", text);
}

void Stderr::status(std::string_view text) {
  if (!settings_.quiet) line("status", "", text);
}

void Stderr::detail(std::string_view text) {
  if (settings_.verbose) line("detail", "", text);
}

void Stderr::raw(std::string_view text) {
  const std::lock_guard lock(mutex_);
  erase();
  write(text);
}

void Stderr::json_line(std::string_view type, std::string_view text) {
  const std::lock_guard lock(mutex_);
  const OrderedJson document{{"schema", "mlship.progress/1"}, {"type", type}, {"text", text}};
  write(document.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

std::unique_ptr<Progress> Stderr::progress(std::string_view label, std::uint64_t total, Unit unit) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  running_.push_back({std::string(label), total, 0, unit, now, now});
  return std::make_unique<Bar>(*this, std::prev(running_.end()));
}

void Stderr::advance(Activity& activity, std::uint64_t done) {
  activity.done = done;
  const auto now = clock_.monotonic();
  if (settings_.mode == ProgressMode::bar && now - last_draw_ >= frame) return draw(now);
  const auto pause = json_lines() ? json_pause : plain_pause;
  if (settings_.mode != ProgressMode::bar && now - activity.told >= pause) {
    activity.told = now;
    tell(activity, now, false);
  }
}

void Stderr::finish(std::list<Activity>::iterator activity) {
  const auto now = clock_.monotonic();
  const bool worth_it = now - activity->begun >= patience || json_lines();
  if (settings_.mode != ProgressMode::bar && worth_it) tell(*activity, now, true);
  running_.erase(activity);
  if (running_.empty()) erase();
}

void Stderr::erase() {
  if (drawn_) write("\r\x1b[K");
  drawn_ = false;
}

// The oldest piece of work that has taken a second stands for all.
void Stderr::draw(milliseconds now) {
  const auto oldest = std::find_if(running_.begin(), running_.end(),
                                   [&](const Activity& a) { return now - a.begun >= patience; });
  if (oldest == running_.end()) return;
  last_draw_ = now;
  const double seconds = oldest->seconds(now);
  const double rate = static_cast<double>(oldest->done) / seconds;
  std::string text = printable(oldest->label) + " ";
  if (oldest->total > 0) text += bar(oldest->done, oldest->total) + " ";
  text += oldest->amount();
  if (oldest->unit == Unit::bytes) text += "  " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (oldest->total > oldest->done && rate > 0) {
    const double left = static_cast<double>(oldest->total - oldest->done) / rate;
    text += "  " + human_seconds(static_cast<std::int64_t>(left + 1)) + " left";
  }
  if (running_.size() > 1) text += fmt::format("  (+{} more)", running_.size() - 1);
  // No wrap (DECAWM off) while it is drawn: a long label must not scroll the screen.
  write("\r\x1b[?7l" + text + "\x1b[K\x1b[?7h");
  std::fflush(stderr);
  drawn_ = true;
}

void Stderr::tell(const Activity& activity, milliseconds now, bool finished) {
  if (settings_.mode == ProgressMode::none) return;
  if (json_lines()) {
    const OrderedJson document{
        {"schema", "mlship.progress/1"}, {"type", "progress"},
        {"label", activity.label},       {"done", activity.done},
        {"total", activity.total},       {"unit", activity.unit == Unit::bytes ? "bytes" : "items"},
        {"finished", finished}};
    return write(document.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
  }
  const auto seconds = static_cast<std::int64_t>(activity.seconds(now));
  write(fmt::format("{}: {}{} {}\n", printable(activity.label), activity.amount(),
                    finished ? " in" : " after", human_seconds(seconds)));
}

}  // namespace mlship
