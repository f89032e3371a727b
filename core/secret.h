// A secret cannot be printed: it has no conversion, no operator<<, no fmt formatter. The only way in is the
// constructor, the only way out is reveal(), to be called by the code that hands it to its system.
#pragma once

#include <string>
#include <utility>

namespace mlship {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  ~Secret();
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&&) noexcept = default;

  [[nodiscard]] bool empty() const { return value_.empty(); }
  [[nodiscard]] const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

// The URL without userinfo and query: the only form that may be printed or stored.
std::string printable_url(const std::string& url);

}  // namespace mlship
