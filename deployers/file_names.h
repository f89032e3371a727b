// The names that an exchange of a file gives what stands beside it for a moment: ".churn.mlship-<tag>…". A
// leading dot and no suffix anybody acts on (cron.d, *.conf).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/host/fs.h"

namespace mlship {

std::string short_hash(std::string_view bytes);  // 16 hex digits

// "<old>-<new>", the hashes of both contents, tells after a crash which of the two stands under the file's
// name.
struct SwapHashes {
  std::string before, after;
};

class SwapNames {
 public:
  explicit SwapNames(const Path& file);

  // `tag` names the operation.
  [[nodiscard]] std::string part(const std::string& tag) const;  // ours and unfinished
  [[nodiscard]] std::string whole(const std::string& tag, std::string_view before,
                                  std::string_view after) const;
  [[nodiscard]] std::string journal(const std::string& tag) const;  // of an edit in place
  [[nodiscard]] std::string kept(const std::string& tag, std::string_view bytes) const;

  enum class Sort { part, whole, journal };
  struct Leftover {
    Sort sort = Sort::part;
    std::string name, tag;
    SwapHashes hashes;  // of a whole one
  };
  // What `name` is, when it is one of these; what is kept for people is none.
  [[nodiscard]] std::optional<Leftover> read(const std::string& name) const;
  // What every name begins with, up to ".mlship-".
  [[nodiscard]] std::string prefix() const;
  // The tag as names have it.
  static std::string safe(const std::string& tag);

 private:
  std::string base_;
};

}  // namespace mlship
