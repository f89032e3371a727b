// The texts that name a package, each with what is to become of it.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/databricks/generator.h"

namespace mlship::testing::dbx {

// A part of a string. `ours`: a reference of the package, which becomes `to` or, with a reason, stays.
struct Piece {
  std::string text;
  bool ours = false;
  std::string to, reason;
  std::string file;     // a file that must be there: its path
  std::string content;  // its bytes, where they matter
};
using Text = std::vector<Piece>;

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }
  bool chance(double p) { return static_cast<double>(random_() >> 11U) < p * 9007199254740992.0; }
  template <class List>
  const auto& of(const List& list) {
    return list[static_cast<size_t>(below(static_cast<int>(list.size())))];
  }

 private:
  std::mt19937_64 random_;
};

class Texts {
 public:
  Texts(const GenerateOptions& options, Draw& draw);

  // `movable`: only what moves.
  Text wheel(bool movable);
  Text egg(bool movable);
  Text jar(bool movable);
  Text pin(bool movable);  // a pypi package: exact, a range, or the bare name
  Text coordinates(bool movable);
  Text line(bool movable);  // of a serverless environment: any pip line
  Text list(bool movable);  // files separated by commas, one or two of them ours
  // Opaque where it names the package; half of them do.
  Text requirements();
  Text init_script();
  Text base_environment();
  // Another package whose name looks alike.
  Text other_wheel();
  Text other_pin();
  [[nodiscard]] bool moves(const std::string& kind) const { return options_.outputs.contains(kind); }

 private:
  struct Age {
    std::string_view version, reason;
  };
  Age age(bool movable);
  std::string spelled(std::string_view separators);
  std::string folder();
  Piece file(const std::string& kind, const std::string& name, const Age& age);
  Piece exact(bool movable, bool may_have_extras);
  Text opaque(const std::string& before, const std::string& after);
  std::string other_name();

  const GenerateOptions& options_;
  Draw& draw_;
};

}  // namespace mlship::testing::dbx
