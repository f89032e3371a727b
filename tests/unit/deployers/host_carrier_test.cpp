// Trees and files made in folders of other users, who exchange what they own by links while it happens.
#include <functional>

#include "host_fixture.h"
#include <sys/stat.h>
#include <unistd.h>

namespace mlship {
namespace {

constexpr unsigned somebody = 4242;

// Does something once, when what it makes is half made.
class MeddledSource : public FakeSource {
 public:
  std::function<void()> meanwhile;

  void make_tree(const Release& release, const Path& dir) override {
    fs::make_folders(dir / "bin");
    if (meanwhile) meanwhile();
    fs::write_atomic(dir / "bin/score", content(release), 0755);
  }
  void write_output(const Release& release, const Output& output, const Path& file) override {
    if (meanwhile) meanwhile();
    FakeSource::write_output(release, output, file);
  }
};

class HostCarrier : public HostTest {
 protected:
  void SetUp() override {
    put("precious/keep", "mine\n");
    put("precious/1.4.0.txt", "mine\n");
    fs::make_folders(at("opt/churn"));
    fs::make_folders(at("libs"));
    settings_ = target("files", {"etc/*"}, {{"library-path", root() + "/libs"}});
  }
  void link(const Path& to, const std::string& name, unsigned owner) const {
    std::filesystem::create_symlink(to, at(name));
    if (::geteuid() == 0) {
      EXPECT_EQ(::lchown(at(name).c_str(), owner, owner), 0);
    }
  }
  // What another user does to a folder of theirs.
  void exchange_by_link(const std::string& name) const {
    fs::rename(at(name), at(name + ".aside"));
    link(at("precious"), name, somebody);
  }
  [[nodiscard]] std::string only_workshop(const std::string& folder) const {
    for (const auto& name : fs::list(at(folder))) {
      if (name.starts_with(".mlship-")) return folder + "/" + name;
    }
    return "";
  }
  bool place(const std::string& id, const Digest& digest) {
    return settings_->place({id, id, digest}, release_, meddled_, "r1.carrier");
  }
  bool place_tree() { return place("tree:" + root() + "/opt/churn/1.4.0", release_.digest); }
  bool place_wheel() {
    return place("file:" + root() + "/libs/" + release_.outputs[0].filename, release_.outputs[0].digest);
  }
  void expect_untouched() const {
    EXPECT_EQ(fs::list(at("precious")), (std::vector<std::string>{"1.4.0.txt", "keep"}));
    EXPECT_EQ(text("precious/keep"), "mine\n");
  }

  MeddledSource meddled_;
  Release release_ = release("1.4.0");
  std::unique_ptr<Target> settings_;
};

TEST_F(HostCarrier, AFolderThatBecomesALinkMeanwhileIsNotLeft) {
  meddled_.meanwhile = [&] { exchange_by_link("opt/churn"); };
  EXPECT_TRUE(place_tree());
  expect_untouched();
  EXPECT_EQ(fs::list(at("opt/churn.aside")), std::vector<std::string>{"1.4.0"});
  meddled_.meanwhile = [&] { exchange_by_link("libs"); };
  EXPECT_TRUE(place_wheel());
  expect_untouched();
  EXPECT_EQ(fs::list(at("libs.aside")), std::vector<std::string>{release_.outputs[0].filename});
}

TEST_F(HostCarrier, AWorkshopThatBecomesALinkMeanwhileIsNotLeft) {
  meddled_.meanwhile = [&] { exchange_by_link(only_workshop("opt/churn")); };
  EXPECT_TRUE(place_tree());
  expect_untouched();
  EXPECT_EQ(text("opt/churn/1.4.0/bin/score"), FakeSource::content(release_));
}

TEST_F(HostCarrier, NobodyElseGetsIntoTheWorkshop) {
  meddled_.meanwhile = [&] {
    const auto workshop = fs::lstat(at(only_workshop("opt/churn")));
    EXPECT_EQ(workshop->mode, 0700U);
  };
  EXPECT_TRUE(place_tree());
}

TEST_F(HostCarrier, RootGoesThroughLinksOfRootAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "of root only";
  exchange_by_link("opt/churn");
  exchange_by_link("libs");
  for (const bool tree : {true, false}) {
    try {
      tree ? place_tree() : place_wheel();
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::file_permission);
      EXPECT_NE(e.message().find("link of user 4242"), std::string::npos) << e.message();
    }
  }
  const std::string place = root() + "/libs/churn-1.4.0-py3-none-any.whl";
  EXPECT_THROW(settings_->check_place({"file:" + place, place, release_.outputs[0].digest}), Error);
  expect_untouched();
}

TEST_F(HostCarrier, LinksOfOnesOwnAreFollowed) {
  fs::make_folders(at("data/ml"));
  std::filesystem::remove_all(at("opt"));
  std::filesystem::create_symlink("data/../data", at("disk"));
  std::filesystem::create_symlink(at("disk/ml"), at("opt"));
  EXPECT_TRUE(place_tree());
  EXPECT_EQ(text("data/ml/churn/1.4.0/bin/score"), FakeSource::content(release_));
  std::filesystem::create_symlink("ring", at("ring"));
  const auto ring = target("files", {"etc/*"}, {{"install-root", root() + "/ring"}});
  const std::string id = "tree:" + root() + "/ring/churn/1.4.0";
  EXPECT_THROW(ring->place({id, id, release_.digest}, release_, meddled_, "t"), Error);
}

TEST_F(HostCarrier, WhatKilledRunsLeftIsRemovedWithoutFollowingLinks) {
  put("opt/churn/.mlship-r0.carrier-a/tree/bin/score", "half");
  link(at("precious"), "opt/churn/.mlship-r0.carrier-a/tree/link", somebody);
  link(at("precious"), "opt/churn/.mlship-r0.carrier-b", somebody);
  put("opt/churn/.mlship-r0.carrier-c", "a file");
  EXPECT_TRUE(place_tree());
  expect_untouched();
  EXPECT_FALSE(fs::lstat(at("opt/churn/.mlship-r0.carrier-a")));
}

TEST_F(HostCarrier, APipeInThePlaceOfTheFileHoldsNobodyUp) {
  const std::string file = "libs/" + release_.outputs[0].filename;
  ASSERT_EQ(::mkfifo(at(file).c_str(), 0666), 0);
  EXPECT_THROW(place_wheel(), Error);
  EXPECT_FALSE(settings_->carrier_ok({"file:" + at(file).string(), "", release_.outputs[0].digest}, release_,
                                     meddled_));
  put("etc/a", "run " + root() + "/libs/churn-1.3.0-py3-none-any.whl\n");
  EXPECT_TRUE(plan(*settings_, release_).empty());
}

TEST_F(HostCarrier, MessagesNameThePlaceAndNothingPassing) {
  meddled_.meanwhile = [&] {
    const Path made = at(only_workshop("opt/churn")) / "1.4.0";
    std::filesystem::remove_all(made);
    std::ofstream(made) << "";
  };
  try {
    place_tree();
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(e.message().find(root() + "/opt/churn/1.4.0"), std::string::npos) << e.message();
    EXPECT_EQ(e.message().find("/proc/"), std::string::npos) << e.message();
    EXPECT_EQ(e.message().find(".mlship-r1"), std::string::npos) << e.message();
  }
  EXPECT_TRUE(fs::list(at("opt/churn")).empty());
}

}  // namespace
}  // namespace mlship
