#include "deployers/waves.h"

#include <gtest/gtest.h>

namespace mlship {
namespace {

Operation operation(const std::string& name, const std::string& kind = "job",
                    const std::string& target = "edge") {
  Operation op;
  op.id = "op-" + name;
  op.target = target;
  op.object = {"/jobs/" + name, name, kind, "", "", ObjectClass::job};
  return op;
}

ObjectSection section(const std::string& glob) {
  ObjectSection s;
  s.glob = glob;
  return s;
}

std::vector<size_t> sizes(const Course& course) {
  std::vector<size_t> all;
  all.reserve(course.waves.size());
  for (const auto& wave : course.waves) all.push_back(wave.size());
  return all;
}

std::vector<Operation> many(size_t count) {
  std::vector<Operation> all;
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) all.push_back(operation("job" + std::to_string(i)));
  return all;
}

TEST(Waves, TheCanaryHoldsEveryKindAndTheLeastCriticalOfIt) {
  const std::vector<Operation> operations = {operation("pay"), operation("score"), operation("report"),
                                             operation("api", "service"), operation("x", "job", "other")};
  ObjectSection pay = section("pay");
  pay.criticality = 5;
  ObjectSection report = section("report");
  report.criticality = 1;
  const std::vector<ObjectSection> sections = {pay, report};
  const Course course = make_course(operations, sections, {}, {3, 1, false});
  EXPECT_EQ(course.waves.front(), (Wave{2, 3, 4}));  // report, api, x
  EXPECT_EQ(sizes(course), (std::vector<size_t>{3, 1, 1}));
}

TEST(Waves, WidenAfterACanaryAndAreNeverLargerThanTheLedgersBatch) {
  EXPECT_EQ(sizes(make_course(many(600), {}, {}, {2, 0, false})), (std::vector<size_t>{2, 8, 32, 128, 430}));
  EXPECT_EQ(sizes(make_course(many(600), {}, {}, {})), (std::vector<size_t>{500, 100}));
  EXPECT_EQ(sizes(make_course(many(5), {}, {}, {0, 2, false})), (std::vector<size_t>{2, 2, 1}));
  EXPECT_EQ(sizes(make_course(many(2), {}, {}, {5, 0, false})), (std::vector<size_t>{2}));
  EXPECT_TRUE(make_course({}, {}, {}, {5, 0, true}).waves.empty());
}

TEST(Waves, SplitNothingThatIsWrittenTogetherUnlessTheyAreAskedToBeSmaller) {
  const std::vector<Operation> operations = many(1'200);
  CourseHints hints;
  hints.together.assign(100, "");
  hints.together.resize(1'150, "one file");
  hints.together.resize(1'200, "another");
  EXPECT_EQ(sizes(make_course(operations, {}, hints, {})), (std::vector<size_t>{1'150, 50}));
  EXPECT_EQ(sizes(make_course(operations, {}, hints, {0, 400, false})), (std::vector<size_t>{400, 400, 400}));
  EXPECT_EQ(sizes(make_course(operations, {}, hints, {1, 0, false})),
            (std::vector<size_t>{1, 4, 16, 64, 256, 809, 50}));
}

TEST(Waves, FollowDeclaredInputsOutputsAndNames) {
  const std::vector<Operation> operations = {operation("report"), operation("score"), operation("ingest"),
                                             operation("mail")};
  ObjectSection ingest = section("ingest");
  ingest.writes = {"raw.events"};
  ObjectSection score = section("sco*");
  score.reads = {"raw.events"};
  score.writes = {"ml.scores"};
  ObjectSection report = section("report");
  report.reads = {"ml.scores", "raw.other"};
  ObjectSection mail = section("/jobs/mail");
  mail.after = {"rep*"};
  const std::vector<ObjectSection> sections = {ingest, score, report, mail};
  const Course course = make_course(operations, sections, {}, {0, 0, true});
  EXPECT_EQ(course.waves, (std::vector<Wave>{{2}, {1}, {0}, {3}}));
  EXPECT_EQ(course.before.at(1), std::vector<size_t>{2});
  EXPECT_EQ(make_course(operations, sections, {}, {}).waves, (std::vector<Wave>{{0, 1, 2, 3}}));
}

TEST(Waves, FollowWhatObjectsThemselvesReferTo) {
  const std::vector<Operation> operations = {operation("parent"), operation("child"),
                                             operation("child", "job", "other")};
  const Course course = make_course(operations, {}, {{{"child"}, {}, {}}, {}}, {0, 0, true});
  EXPECT_EQ(course.waves, (std::vector<Wave>{{1, 2}, {0}}));
  EXPECT_EQ(course.before.at(0), std::vector<size_t>{1});
}

TEST(Waves, ACycleIsPrinted) {
  const std::vector<Operation> operations = {operation("alone"), operation("a"), operation("b"),
                                             operation("c")};
  ObjectSection a = section("a");
  a.after = {"c"};
  ObjectSection b = section("b");
  b.after = {"a"};
  ObjectSection c = section("c");
  c.after = {"b"};
  const std::vector<ObjectSection> sections = {a, b, c};
  try {
    make_course(operations, sections, {}, {0, 0, true});
    FAIL() << "a cycle has no order";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::dependency_cycle);
    EXPECT_NE(e.message().find("a -> c -> b -> a"), std::string::npos) << e.message();
  }
}

TEST(Waves, TheFirstSectionThatSaysSomethingWins) {
  ObjectSection first = section("nightly-*");
  first.probe = "true";
  ObjectSection second = section("*");
  second.probe = "false";
  second.criticality = 2;
  const std::vector<ObjectSection> sections = {first, second};
  const ObjectTraits traits = traits_of(ObjectRules(sections), operation("nightly-score").object);
  EXPECT_EQ(traits.probe, "true");
  EXPECT_EQ(traits.criticality, 2);
  EXPECT_EQ(traits_of(ObjectRules({}), operation("x").object).criticality, 3);
}

// An entry, or a name in `after`, that is an object's own means that object alone, whatever it would match as
// a pattern; where there is no such object it is a pattern.
TEST(Waves, ASectionThatIsAnObjectsNameOrIdMeansThatObjectAlone) {
  for (const auto* name : {"[dev ada] nightly", "score-[12]", "job?", "a*b"}) {
    const std::string other = std::string(name) == "[dev ada] nightly" ? "d nightly"
                              : std::string(name) == "score-[12]"      ? "score-1"
                              : std::string(name) == "job?"            ? "job1"
                                                                       : "axb";
    ObjectSection one = section(name);
    one.probe = "true";
    one.owner = "ada";
    const std::vector<ObjectSection> sections = {one};
    ObjectRules rules(sections), without(sections);
    for (const auto& there : {std::string(name), other}) rules.saw(operation(there).object);
    without.saw(operation(other).object);
    EXPECT_EQ(traits_of(rules, operation(name).object).probe, "true") << name;
    EXPECT_EQ(traits_of(rules, operation(other).object).probe, "") << name;
    EXPECT_EQ(rules.owner_of(operation(other).object), "") << name;
    EXPECT_EQ(without.owner_of(operation(other).object), "ada") << name;

    ObjectSection last = section("last");
    last.after = {name};
    const std::vector<ObjectSection> ordered = {last};
    const std::vector<Operation> operations = {operation("last"), operation(other), operation(name)};
    const Course course = make_course(operations, ordered, {}, {0, 0, true});
    EXPECT_EQ(course.before.at(0), std::vector<size_t>{2}) << name;
  }
}

TEST(Waves, APathIsNoKindAndNumber) {
  const auto fit_of = [](const std::string& selector, const std::string& id) {
    ObjectInfo object;
    object.id = id;
    object.name = "other";
    return fit(selector, object);
  };
  EXPECT_EQ(fit_of("1001", "jobs/1001"), Fit::number);
  EXPECT_EQ(fit_of("0123-abcd", "pipelines/0123-abcd"), Fit::number);
  for (const auto* id : {"deploy/app/churn", "deploy/churn.service", "cron.d/jobs:2", "/etc/crontab"}) {
    const std::string path(id);
    EXPECT_EQ(fit_of(path.substr(path.find('/') + 1), path), Fit::none) << id;
  }
}

}  // namespace
}  // namespace mlship
