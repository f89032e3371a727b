// Whatever a rollout moves passes the gate of a rollback, and comes back byte for byte.
#include <random>

#include "databricks_fixture.h"
#include "host_fixture.h"

#include "deployers/databricks/store.h"
#include "deployers/gate.h"

namespace mlship {
namespace {

using Words = std::vector<std::string>;

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  const std::string& of(const Words& words) { return words[engine_() % words.size()]; }
  bool chance(unsigned n) { return engine_() % n == 0; }
  // Folders from a hostile alphabet, `..` and doubled slashes among them.
  std::string folders() {
    static const Words parts{"libs",         "team a", "it's",  "a#b", "a&b", "x;y", "(1)",
                             "[2]",          "{3}",    "a,b",   "..",  ".",   "",    "\xc3\xa4",
                             "churn",        "1.2.0",  "a=b",   "@x",  "%20", "~",   "a:b",
                             "churn==1.1.0", "-r x",   "\"q\"", "`",   "|",   "$x",  "tab\there"};
    std::string out;
    for (size_t n = engine_() % 4; n > 0; --n) out += of(parts) + "/";
    return out;
  }

 private:
  std::mt19937 engine_;
};

const std::string file = "churn-1.2.0-py3-none-any.whl";

TEST(GateProperty, OfAWorkspace) {
  const Words roots{"/Volumes/main/ml/",
                    "dbfs:/Volumes/main/ml/",
                    "file:/Volumes/main/ml/",
                    "file:///Volumes/m/l/",
                    "/dbfs/FileStore/",
                    "dbfs:/",
                    "file:/dbfs/",
                    "file:///dbfs/Volumes/x/",
                    "/Workspace/Users/ada/",
                    "file:/Workspace/libs/",
                    "/Users/ada/",
                    "s3://bucket/",
                    "abfss://c@a.test/",
                    "https://x.test/",
                    "file:///Workspace/a/"};
  size_t changed = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    Draw draw(seed);
    test::DbxWorld world;
    std::vector<Json> libraries, lines;
    for (int i = 0; i < 6; ++i) {
      const std::string path = draw.of(roots) + draw.folders() + file;
      libraries.push_back({{"whl", path}});
      lines.push_back(draw.of({"", "churn @ ", "-e "}) + path);
    }
    const Json task{{"task_key", "a"}, {"libraries", libraries}};
    const Json environment{{"environment_key", "e"}, {"spec", {{"dependencies", lines}}}};
    const auto id = world.add_job({{"name", "x"}, {"tasks", {task}}, {"environments", {environment}}});
    const Json before = world.settings(id);
    const Plan plan = world.plan("1.4.0");
    for (const auto& op : plan.operations) {
      for (const auto& change : op.changes) {
        changed += 1;
        const auto stored = databricks::stored(change.from);
        if (stored.store == nullptr) continue;
        const bool dbfs = !stored.path.starts_with("/Volumes/") && !stored.path.starts_with("/Workspace/");
        world.workspace.edit(
            [&](auto& state) { state.put_file((dbfs ? "dbfs:" : "") + stored.path, "old", 1); });
      }
    }
    if (plan.operations.empty()) continue;
    EXPECT_TRUE(world.run(plan).complete()) << before.dump();
    const auto report = world.rollback();
    for (const auto& row : report.skipped) {
      EXPECT_NE(row.reason, Reason::conflict) << row.from << ": " << row.detail;
      EXPECT_EQ(row.reason, Reason::no_output) << row.from << ": " << row.detail;
    }
    if (report.skipped.empty()) {
      EXPECT_EQ(world.settings(id), before) << before.dump();
    }
  }
  EXPECT_GT(changed, 30U);
}

class GateOfHost : public HostTest {};

TEST_F(GateOfHost, Passes) {
  size_t changed = 0;
  for (unsigned seed = 0; seed < 80; ++seed) {
    Draw draw(seed);
    const std::string base = draw.of({"/", "file:/", "file:///", root() + "/", "//"}),
                      folders = draw.folders();
    const std::string line = draw.of({"run ", "x='", "cp \"", "[\"", "--libs=", "sh -c \"", "-I", ""}) +
                             draw.of({base + folders + file, root() + "/opt/" + folders + "churn/1.2.0/bin",
                                      "churn==1.2.0", "churn=='1.2.0'", "'churn'[x]==1.2.0",
                                      "pip install churn'==1.2.0'", root() + "/opt/../opt/churn/1.2.0"}) +
                             draw.of({"", "'", "\"", "\"]", " x", "[a]", " ; x", "\"' y"});
    put("etc/x.conf", line + "\n");
    const auto files =
        target("files", {"etc/*.conf"}, {{"trust-pins", true}, {"library-path", root() + "/libs/it's"}});
    const auto operations = plan(*files, release("1.4.0"));
    Plan down;
    down.package = "churn";
    down.direction = Direction::down;
    for (const auto& op : operations) {
      const Operation back = inverse(op);
      for (const auto& change : back.changes) {
        ++changed;
        EXPECT_EQ(gate(*files, change, down), "") << line;
      }
      ASSERT_EQ(apply_all(*files, {op}), "written") << line;
      Operation now = back;
      now.locator = files->observe(op, "salt").locator;
      EXPECT_EQ(apply_all(*files, {now}), "written") << line;
      EXPECT_EQ(text("etc/x.conf"), line + "\n");
    }
  }
  EXPECT_GT(changed, 20U);
}

}  // namespace
}  // namespace mlship
