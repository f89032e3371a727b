// What the program tells while it works: warnings, status lines and progress, on stderr. Results go to stdout
// and are the commands' own business.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mlship {

// Fed with events by long work; the renderer decides what a person sees. One unit at a time per Progress.
class Progress {
 public:
  virtual ~Progress() = default;
  // done and total in the unit of start(); total 0: not known.
  virtual void advance(std::uint64_t done) = 0;
  virtual void finish() = 0;
};

enum class Unit { bytes, items };

class Diagnostics {
 public:
  virtual ~Diagnostics() = default;
  // Something the person should look at; it never stands for a failure.
  virtual void warning(std::string_view text) = 0;
  // Always shown unless --quiet: what was done, where.
  virtual void status(std::string_view text) = 0;
  // Shown with --verbose.
  virtual void detail(std::string_view text) = 0;
  // label: "download numpy-1.26.4-….whl". Never null.
  virtual std::unique_ptr<Progress> progress(std::string_view label, std::uint64_t total, Unit unit) = 0;
};

}  // namespace mlship
