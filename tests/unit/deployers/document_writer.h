// Writes random documents twice with the same decisions: as they are, and as they have to be after an edit.
// Knows nothing of how documents are read.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace mlship {

class DocumentWriter {
 public:
  // `version`: what the references that move say. All others say what `other` returns.
  DocumentWriter(unsigned seed, std::string version) : dice_(seed), version_(std::move(version)) {
    end_ = chance(3) ? "\r\n" : "\n";
    if (chance(4)) text_ = "\xef\xbb\xbf";
  }

 protected:
  static constexpr const char* other = "1.3.0";

  size_t roll(size_t sides) { return dice_() % sides; }
  bool chance(size_t of) { return roll(of) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& values) {
    return values[roll(values.size())];
  }

  // A reference that moves, or one that stays.
  std::string reference(bool moves) {
    moved_ += moves ? 1 : 0;
    const std::string version = moves ? version_ : other;
    return pick<std::string>({"churn==", "Churn[a]==", "/opt/mlship/churn/", "/opt/mlship/churn/"}) + version;
  }
  std::string junk() {
    return pick<std::string>({"run", "-x", "other==1.3.0", "/opt/mlship/churn-plus/1.3.0/bin", "caf\xc3\xa9",
                              "\xe2\x82\xac", "churn", "a=b", "\xf0\x9f\x9a\xa2", "churn>=1,<2"});
  }
  // Words with a reference among them.
  std::string words(bool moves) {
    std::string out;
    for (size_t i = roll(3); i > 0; --i) out += junk() + " ";
    out += reference(moves);
    for (size_t i = roll(3); i > 0; --i) out += " " + junk();
    return out;
  }

  std::string text_;
  std::string end_;
  size_t moved_ = 0;

 private:
  std::mt19937 dice_;
  std::string version_;
};

}  // namespace mlship
