#include "core/digest.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

// FIPS 180-2 appendix B.1.
constexpr auto abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, KnownAnswerWholeAndInPieces) {
  EXPECT_EQ(sha256("abc").str(), abc);
  Sha256 hasher;
  hasher.update("a");
  hasher.update("");
  hasher.update("bc");
  EXPECT_EQ(hasher.finish().str(), abc);
  hasher.update("abc");
  EXPECT_EQ(hasher.finish().str(), abc) << "reusable after finish";
}

TEST(Digest, ParsesOnlyTheOciSpelling) {
  EXPECT_EQ(Digest::parse(abc)->str(), abc);
  EXPECT_FALSE(Digest::parse(std::string(abc) + "0"));
  EXPECT_FALSE(Digest::parse("sha512:" + std::string(128, 'a')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(64, 'g')));
  EXPECT_TRUE(Digest::from_hex(std::string(64, 'A')));
}

}  // namespace
}  // namespace mlship
