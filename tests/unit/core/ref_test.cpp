#include "core/ref.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/secret.h"

namespace mlship {
namespace {

TEST(Ref, Forms) {
  EXPECT_EQ(parse_ref("churn:1.4.0").tag, "1.4.0");
  EXPECT_EQ(parse_ref("My_Churn").package, "my-churn");
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(parse_ref("churn@" + digest).digest->str(), digest);
  const Ref remote = parse_ref("oci://host:5000/ml/churn:1.4.0@" + digest);
  EXPECT_EQ(remote.registry, "oci://host:5000/ml");
  EXPECT_EQ(remote.package, "churn");
  EXPECT_EQ(remote.tag, "1.4.0");
  EXPECT_EQ(remote.str(), "oci://host:5000/ml/churn:1.4.0@" + digest);
  EXPECT_EQ(parse_ref("layout:/srv/registry/churn:stable").registry, "layout:/srv/registry");
}

TEST(Ref, Refusals) {
  for (const auto* bad : {"", ":1.0", "churn:", "a/b:1", "churn@sha256:abc", "chu rn", "-x"}) {
    EXPECT_THROW(parse_ref(bad), Error) << bad;
  }
}

TEST(PrintableUrl, DropsUserinfoQueryAndFragment) {
  EXPECT_EQ(printable_url("https://user:secret@host/p/q?token=1#f"), "https://host/p/q");
  EXPECT_EQ(printable_url("https://host?x=a@b"), "https://host");
  EXPECT_EQ(printable_url("layout:/srv/a@b"), "layout:/srv/a@b");
}

}  // namespace
}  // namespace mlship
