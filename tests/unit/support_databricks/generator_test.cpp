// What the generator promises: every expected change stands where it says, nothing is said twice, one seed is
// one workspace, the service takes what was made.
#include "tests/support/databricks/generator.h"

#include <set>

#include "tests/support/databricks/path.h"
#include "tests/unit/support_databricks/client.h"

namespace mlship::testing::dbx {
namespace {

GenerateOptions options(std::uint64_t seed) {
  GenerateOptions out;
  out.seed = seed;
  out.jobs = 200;
  out.interactive = true;
  out.restricted = 0.1;
  out.pins = seed % 2 == 0;
  out.coordinates = seed % 3 == 0;
  return out;
}

TEST(Generator, EveryExpectationIsAboutAStringThatIsThere) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Generated made = generate(options(seed));
    std::set<std::string> seen;
    for (const auto& change : made.changes) {
      auto document = document_of(made.state, change.object);
      ASSERT_TRUE(document) << change.object;
      const Json* place = locate(*document, change.path);
      ASSERT_NE(place, nullptr) << change.object << " " << change.path;
      EXPECT_EQ(*place, change.before) << change.object << " " << change.path;
      EXPECT_NE(change.before.find(change.from), std::string::npos);
      EXPECT_NE(change.after.find(change.to), std::string::npos);
      EXPECT_TRUE(seen.insert(change.object + " " + change.path).second);
    }
    for (const auto& skip : made.skipped) {
      auto document = document_of(made.state, skip.object);
      ASSERT_TRUE(document) << skip.object;
      const Json* place = locate(*document, skip.path);
      ASSERT_NE(place, nullptr) << skip.object << " " << skip.path;
      EXPECT_TRUE(place->is_string()) << skip.object << " " << skip.path;
      EXPECT_TRUE(seen.insert(skip.object + " " + skip.path).second) << skip.object << " " << skip.path;
    }
  }
}

TEST(Generator, EveryKindOfPlaceAndReasonComesUp) {
  std::set<std::string> reasons, places, objects;
  bool second = false, refused = false, defaults = false, big = false;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Generated made = generate(options(seed));
    for (const auto& skip : made.skipped) reasons.insert(skip.reason);
    for (const auto& change : made.changes) {
      objects.insert(change.object.substr(0, change.object.find('/')));
      places.insert(change.path.substr(change.path.find_last_of("/[") + 1));
      second = second || change.path.ends_with("#2");
      refused = refused || change.refused;
      defaults = defaults || change.policy_defaults;
    }
    for (const auto& [id, job] : made.state.jobs) big = big || job["settings"]["tasks"].size() > 100;
  }
  EXPECT_EQ(reasons,
            (std::set<std::string>{"foreign-owner", "hash-pinned", "newer", "no-output", "opaque",
                                   "other-kind", "other-major", "range", "same-version", "unpinned"}));
  EXPECT_EQ(objects, (std::set<std::string>{"jobs", "pipelines", "clusters", "policies"}));
  for (const char* place : {"whl", "package", "coordinates"}) EXPECT_TRUE(places.contains(place)) << place;
  EXPECT_TRUE(second && refused && defaults && big);
}

TEST(Generator, ASeedIsOneWorkspace) {
  EXPECT_EQ(dump(generate(options(3)).state), dump(generate(options(3)).state));
  EXPECT_NE(dump(generate(options(3)).state), dump(generate(options(4)).state));
}

TEST(Generator, SimpleJobsAreExactlyAsManyAsAskedFor) {
  GenerateOptions plain;
  plain.jobs = 1000;
  plain.affected = 0.05;
  plain.simple = true;
  plain.pipelines = plain.clusters = plain.policies = 0;
  const Generated made = generate(plain);
  EXPECT_EQ(made.changes.size(), 50U);
  EXPECT_EQ(made.skipped.size(), 0U);
}

TEST(Generator, WritingWhatIsExpectedGivesTheExpectedDocument) {
  Generated made = generate(options(7));
  Workspace workspace(made.state);
  const Client client{workspace};
  std::set<std::string> jobs;
  for (const auto& change : made.changes) {
    if (!change.refused && change.object.starts_with("jobs/")) jobs.insert(change.object);
  }
  ASSERT_GT(jobs.size(), 10U);
  for (const auto& object : jobs) {
    const Json expected = expected_document(made, object);
    Json fields{{"tasks", expected["tasks"]}};
    if (expected.contains("environments")) fields["environments"] = expected["environments"];
    client.post("/api/2.2/jobs/update",
                {{"job_id", workspace.read(object)["job_id"]}, {"new_settings", fields}});
    EXPECT_EQ(workspace.document(object), expected);
  }
}

TEST(Generator, OldFilesAreThere) {
  const Generated made = generate(options(2));
  for (const auto& change : made.changes) {
    const std::string path = canonical_path(change.from);
    if (path.starts_with("/Volumes/") || path.starts_with("/Workspace/") || path.starts_with("dbfs:/")) {
      EXPECT_TRUE(made.state.files.contains(path)) << path;
    }
  }
}

}  // namespace
}  // namespace mlship::testing::dbx
