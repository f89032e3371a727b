// Names, versions and spellings that a tool in a hurry takes for others.
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;

struct Trap {
  const char* text;    // the wheel, egg, jar or pip line of a task
  const char* member;  // of its library
  const char* what;    // "moves", or why not; "" when it is another package
};
void PrintTo(const Trap& trap, std::ostream* out) {
  *out << trap.text;
}

class Traps : public ::testing::TestWithParam<Trap> {};

TEST_P(Traps, IsTakenForWhatItIs) {
  const Trap& trap = GetParam();
  DbxWorld world;
  world.source.add("1.0.10");
  world.section.values["trust-pins"] = true;
  const std::string member = trap.member;
  Json library = {{member, trap.text}};
  if (member == "pypi") library = {{"pypi", {{"package", trap.text}}}};
  if (member == "maven") library = {{"maven", {{"coordinates", trap.text}}}};
  world.add_job({{"name", "score"}, {"tasks", {{{"task_key", "a"}, {"libraries", {library}}}}}});
  const Plan plan = world.plan("1.0.10");
  std::string what;
  if (!plan.operations.empty()) what = "moves";
  if (!plan.skipped.empty()) what = to_string(plan.skipped.front().reason);
  EXPECT_EQ(what, trap.what) << (plan.skipped.empty() ? "" : plan.skipped.front().detail);
}

// All against the release 1.0.10.
INSTANTIATE_TEST_SUITE_P(
    Versions, Traps,
    ::testing::Values(Trap{"/Volumes/v/churn-1.0.9-py3-none-any.whl", "whl",
                           "moves"},  // 0.9 > 0.10 as fractions
                      Trap{"/Volumes/v/churn-1.0.10-py3-none-any.whl", "whl", "same-version"},
                      Trap{"/Volumes/v/churn-1.0.10.0-py3-none-any.whl", "whl", "same-version"},
                      Trap{"/Volumes/v/churn-1.0.11-py3-none-any.whl", "whl", "newer"},
                      Trap{"/Volumes/v/churn-1.2.1-py3-none-any.whl", "whl", "newer"},
                      Trap{"/Volumes/v/churn-1.2.10-py3-none-any.whl", "whl", "newer"},
                      Trap{"/Volumes/v/churn-0.9.9-py3-none-any.whl", "whl", "other-major"},
                      Trap{"/Volumes/v/churn-2.0-py3-none-any.whl", "whl", "newer"},
                      Trap{"/Volumes/v/churn-1.0.10rc1-py3-none-any.whl", "whl", "moves"},
                      Trap{"/Volumes/v/churn-1.0.10.dev3-py3-none-any.whl", "whl", "moves"},
                      Trap{"/Volumes/v/churn-1.0.10.post1-py3-none-any.whl", "whl", "newer"},
                      Trap{"/Volumes/v/churn-1.0.10+cpu-py3-none-any.whl", "whl", "same-version"},
                      Trap{"/Volumes/v/churn-1.0.9-2-py3-none-any.whl", "whl", "moves"},  // a build number
                      Trap{"/Volumes/v/churn-1.0.9-py3.9.egg", "egg", "moves"},
                      Trap{"/Volumes/v/churn-1.0.9-SNAPSHOT.jar", "jar", "moves"},
                      Trap{"com.acme:churn_2.12:1.0.9", "maven", "moves"},
                      Trap{"com.acme:churn_2.12:1.0.9-SNAPSHOT", "maven", "moves"}));

INSTANTIATE_TEST_SUITE_P(Names, Traps,
                         ::testing::Values(Trap{"/Volumes/v/Churn-1.0.9-py3-none-any.whl", "whl", "moves"},
                                           Trap{"/Volumes/v/churn_plus-1.0.9-py3-none-any.whl", "whl", ""},
                                           Trap{"/Volumes/v/churn-plus-1.0.9-py3-none-any.whl", "whl", ""},
                                           Trap{"/Volumes/v/mychurn-1.0.9-py3-none-any.whl", "whl", ""},
                                           Trap{"/Volumes/v/churn2-1.0.9-py3-none-any.whl", "whl", ""},
                                           Trap{"churn-plus==1.0.9", "pypi", ""},
                                           Trap{"churn.plus==1.0.9", "pypi", ""},
                                           Trap{"com.acme:churn-core:1.0.9", "maven", ""}));

INSTANTIATE_TEST_SUITE_P(
    Spellings, Traps,
    ::testing::Values(
        Trap{"dbfs:/FileStore/churn-1.0.9-py3-none-any.whl", "whl", "moves"},
        Trap{"/dbfs/FileStore/churn-1.0.9-py3-none-any.whl", "whl", "moves"},
        Trap{"dbfs:/Volumes/m/l/churn-1.0.9-py3-none-any.whl", "whl", "moves"},
        Trap{"'/Volumes/v/churn-1.0.9-py3-none-any.whl'", "whl", "moves"},
        Trap{"/Volumes/v/churn-1.0.9-py3-none-any.whl[train,gpu]", "whl", "moves"},
        Trap{"churn[train]==1.0.9", "pypi", "moves"},
        Trap{"churn == 1.0.9 ; python_version > '3.8'", "pypi", "moves"},
        Trap{"CHURN==1.0.9", "pypi", "moves"}, Trap{"churn>=1.0,<2", "pypi", "range"},
        Trap{"churn~=1.0.9", "pypi", "range"}, Trap{"churn==1.0.*", "pypi", "range"},
        Trap{"churn", "pypi", "unpinned"},
        Trap{"churn==1.0.9 --hash=sha256:1111111111111111111111111111111111111111111111111111111111111111",
             "pypi", "hash-pinned"},
        Trap{"churn @ git+https://git.test/churn.git@v1.0.9", "pypi", "opaque"},
        Trap{"dbfs:/FileStore/jars/47fb08a7_5dff-churn_1_0_9_py3_6-aa123.egg", "egg", "unresolvable"},
        Trap{"/Workspace/churn/requirements.txt", "requirements", "opaque"}));

}  // namespace
}  // namespace mlship
