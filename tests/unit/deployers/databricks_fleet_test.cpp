// Generated workspaces: exactly the expected references move, what stays is listed with its reason; and
// somebody else who edits between any two requests.
#include <set>

#include "deployers/databricks/canonical.h"
#include "deployers/databricks/sites.h"
#include "tests/support/databricks/generator.h"
#include "tests/support/databricks/path.h"
#include "tests/unit/deployers/databricks_fixture.h"

namespace mlship {
namespace {

using test::DbxWorld;
namespace dbx = testing::dbx;

using Lines = std::set<std::string>;

// What is in one and not in the other, a few of each.
std::string difference(const Lines& wanted, const Lines& found) {
  std::string out;
  size_t shown = 0;
  for (const auto& line : wanted) {
    if (!found.contains(line) && ++shown <= 5) out += "\n  missing " + line;
  }
  shown = 0;
  for (const auto& line : found) {
    if (!wanted.contains(line) && ++shown <= 5) out += "\n  not expected " + line;
  }
  return out;
}

struct Fleet {
  DbxWorld world;
  dbx::GenerateOptions options;
  dbx::Generated made;

  explicit Fleet(const dbx::GenerateOptions& with) : options(with) {
    for (const auto& output : world.source.at("1.4.0").outputs) {
      options.outputs[output.kind] = {output.filename, output.digest.hex()};
    }
    made = dbx::generate(options);
    world.workspace.edit([&](dbx::State& state) {
      state = made.state;
      state.directories.insert("/Volumes/main/ml/libs");
      if (options.restricted > 0) state.tokens["dapi1"] = made.access;
    });
    if (options.pins || options.coordinates) world.section.values["trust-pins"] = true;
    if (options.interactive) world.section.values["clusters"] = true;
  }

  [[nodiscard]] Lines expected_changes() const {
    Lines out;
    for (const auto& c : made.changes) out.insert(c.object + " " + c.path + ": " + c.from + " -> " + c.to);
    return out;
  }
  [[nodiscard]] Lines expected_skips() const {
    Lines out;
    for (const auto& s : made.skipped) out.insert(s.object + " " + s.path + ": " + s.reason);
    return out;
  }
};

Lines changes_of(const Plan& plan) {
  Lines out;
  for (const auto& op : plan.operations) {
    for (const auto& c : op.changes) out.insert(op.object.id + " " + c.path + ": " + c.from + " -> " + c.to);
  }
  return out;
}
// Clusters that the target does not change are told of too; the generator expects nothing of them.
Lines skips_of(const Plan& plan, const dbx::GenerateOptions& options) {
  Lines out;
  for (const auto& s : plan.skipped) {
    if (options.interactive || !s.object.id.starts_with("clusters/"))
      out.insert(s.object.id + " " + s.path + ": " + std::string(to_string(s.reason)));
  }
  return out;
}

dbx::GenerateOptions options_of(std::uint64_t seed) {
  dbx::GenerateOptions out;
  out.seed = seed;
  out.jobs = static_cast<int>(20 + seed * 37 % 200);
  out.pins = out.coordinates = seed % 2 == 0;
  out.interactive = seed % 3 == 0;
  out.restricted = seed % 5 == 0 ? 0.1 : 0;
  return out;
}

class Workspaces : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Workspaces, ExactlyTheExpectedReferencesMove) {
  size_t changes = 0, skipped = 0;
  for (std::uint64_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    Fleet fleet(options_of(seed));
    const Plan plan = fleet.world.plan("1.4.0");
    ASSERT_EQ(difference(fleet.expected_changes(), changes_of(plan)), "") << "seed " << seed;
    ASSERT_EQ(difference(fleet.expected_skips(), skips_of(plan, fleet.options)), "") << "seed " << seed;
    const auto report = fleet.world.run(plan, false);
    std::set<std::string> refused;
    for (const auto& c : fleet.made.changes) {
      if (c.refused) refused.insert(c.object);
    }
    for (const auto& r : report.results) {
      ASSERT_EQ(r.outcome, refused.contains(r.object.id) ? Outcome::refused : Outcome::updated)
          << "seed " << seed << ": " << r.object.id << ": " << r.detail;
    }
    for (const auto& op : plan.operations) {
      const std::string& id = op.object.id;
      // Libraries of a cluster have no order: what is installed anew comes last.
      if (id.starts_with("clusters/")) {
        const std::string now = fleet.world.workspace.document(id).dump();
        for (const auto& c : op.changes) EXPECT_NE(now.find(c.to), std::string::npos) << id;
        continue;
      }
      const Json wanted = refused.contains(id) ? dbx::document_of(fleet.made.state, id).value()
                                               : dbx::expected_document(fleet.made, id);
      ASSERT_TRUE(databricks::canonical(fleet.world.workspace.document(id)) == databricks::canonical(wanted))
          << "seed " << seed << ": " << id;
    }
    changes += fleet.made.changes.size();
    skipped += fleet.made.skipped.size();
  }
  EXPECT_GE(changes, 100U);
  EXPECT_GE(skipped, 50U);
  std::printf("10 workspaces: %zu references moved, %zu stayed, all as expected\n", changes, skipped);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Workspaces, ::testing::Values(1, 11, 21, 31, 41));

TEST(Workspaces_, TenThousandJobs) {
  dbx::GenerateOptions options;
  options.seed = 99;
  options.jobs = 10'000;
  options.affected = 0.05;
  Fleet fleet(options);
  const Plan plan = fleet.world.plan("1.4.0");
  EXPECT_EQ(difference(fleet.expected_changes(), changes_of(plan)), "");
  EXPECT_EQ(difference(fleet.expected_skips(), skips_of(plan, options)), "");
  const auto report = fleet.world.run(plan);
  for (const auto& r : report.results)
    ASSERT_EQ(r.outcome, Outcome::updated) << r.object.id << ": " << r.detail;
}

// Two jobs and a pipeline: small, because there are thousands of them.
void add_small_fleet(DbxWorld& world, std::uint64_t seed) {
  const std::string wheel = "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl";
  for (std::uint64_t i = 0; i < 2; ++i) {
    Json settings = {
        {"name", "job " + std::to_string(i)},
        {"schedule", {{"quartz_cron_expression", "0 0 6 * * ?"}, {"timezone_id", "UTC"}}},
        {"tasks",
         {{{"task_key", "a"}, {"libraries", {{{"whl", wheel}}, {{"pypi", {{"package", "numpy==1.26.4"}}}}}}},
          {{"task_key", "b"}, {"libraries", {{{"whl", "/Volumes/x/other-1.0-py3-none-any.whl"}}}}}}}};
    if ((seed + i) % 3 == 0) {
      settings["environments"] = {
          {{"environment_key", "E"}, {"spec", {{"environment_version", "2"}, {"dependencies", {wheel}}}}}};
    }
    world.add_job(std::move(settings));
  }
  world.workspace.replace("pipelines/p",
                          {{"pipeline_id", "p"},
                           {"name", "p"},
                           {"last_modified", 1'700'000'000'000},
                           {"spec", {{"id", "p"}, {"name", "p"}, {"libraries", {{{"whl", wheel}}}}}}});
}

// The parts of objects that an operation sends: a task, all environments.
Lines sent_parts(const Plan& plan) {
  Lines out;
  for (const auto& op : plan.operations) {
    for (const auto& c : op.changes) {
      const auto root = databricks::root_of(c.path);
      out.insert(op.object.id + " " + (root.array == "tasks" ? root.key : root.array));
    }
  }
  return out;
}

std::string part_of(const dbx::Edit& edit) {
  return edit.object + " " + (edit.task.empty() ? databricks::root_of(edit.path).array : edit.task);
}

void add_slow_429s(DbxWorld& world, std::uint64_t seed) {
  for (const auto* path : {"/api/*/jobs/get", "*/jobs/update"}) {
    world.workspace.add_fault({.path = path,
                               .skip = static_cast<std::int64_t>(seed / 4 % 5),
                               .times = 1 + static_cast<std::int64_t>(seed / 4 % 3),
                               .status = 429,
                               .code = "REQUEST_LIMIT_EXCEEDED",
                               .message = "Too many requests.",
                               .retry_after = 20});
  }
}

void add_failing_reads(DbxWorld& world, std::uint64_t seed) {
  world.workspace.add_fault({.method = "GET",
                             .path = "/api/*/jobs/get",
                             .skip = static_cast<std::int64_t>(seed / 4 % 4),
                             .times = 1 + static_cast<std::int64_t>(seed / 4 % 7)});
}

// Jobs have no version to write against: an edit of the very task (or of the environments) that is being
// changed, in the moment between our reading and our write, is overwritten and nobody can tell. Everything
// else is kept. On the way some requests are answered with a 429 that asks for twenty seconds, and some jobs
// cannot be read for a while. There is one runner: a second one, of another package or environment, is one
// more who edits the same tasks, as the writer here does (databricks_crash_test.cpp has one), and the ledger
// is in memory, where no push comes late (model_test.cpp).
class Interleavings : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Interleavings, NoEditOutsideATouchedTaskIsLost) {
  constexpr std::uint64_t runs = 2'500;
  size_t edits = 0, lost = 0, told = 0, slow = 0, unread = 0;
  for (std::uint64_t seed = GetParam() * runs; seed < (GetParam() + 1) * runs; ++seed) {
    DbxWorld world;
    add_small_fleet(world, seed);
    const Plan plan = world.plan("1.4.0");
    dbx::WriterOptions writer;
    writer.seed = seed;
    writer.probability = 0.3;
    writer.objects = {"jobs/1000001", "jobs/1000002", "pipelines/p"};
    world.workspace.set_writer(writer);
    if (seed % 4 == 1) add_slow_429s(world, seed);
    if (seed % 4 == 3) add_failing_reads(world, seed);
    world.workspace.reset_log();
    const auto report = world.run(plan);
    for (const auto& entry : world.workspace.log()) {
      slow += entry.status == 429 ? 1 : 0;
      unread += entry.status == 503 ? 1 : 0;
    }
    const Lines sent = sent_parts(plan);
    for (const auto& e : world.workspace.lost_edits()) {
      ++lost;
      ASSERT_TRUE(sent.contains(part_of(e)))
          << "seed " << seed << ": " << part_of(e) << " " << e.kind << " " << e.path;
      ASSERT_FALSE(e.object.starts_with("pipelines/")) << "seed " << seed << ": a pipeline has a version";
    }
    edits += world.workspace.edits().size();
    for (const auto& r : report.results) {
      told += r.outcome == Outcome::conflict || r.detail.find("meanwhile") != std::string::npos ||
              r.detail.find("were kept") != std::string::npos;
    }
  }
  EXPECT_GE(edits, 5'000U);
  EXPECT_GE(told, 100U);
  EXPECT_GE(slow, 300U);
  EXPECT_GE(unread, 500U);
  std::printf(
      "%llu interleavings: %zu edits by somebody else; %zu of them in the moment between reading and writing "
      "the "
      "same task, none elsewhere lost; %zu results tell of one; %zu slow 429s, %zu readings that failed\n",
      static_cast<unsigned long long>(runs), edits, lost, told, slow, unread);
}
INSTANTIATE_TEST_SUITE_P(Parts, Interleavings, ::testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace mlship
