// After an edit of a unit file only the references' own text differs.
#include "document_writer.h"
#include <gtest/gtest.h>

#include "deployers/document/site.h"
#include "deployers/document/unit.h"

namespace mlship {
namespace {

class UnitWriter : public DocumentWriter {
 public:
  using DocumentWriter::DocumentWriter;

  std::string run(size_t& moved) {
    for (size_t i = 1 + roll(3); i > 0; --i) section();
    if (chance(5)) text_ += "ExecStart=/bin/x " + words(true) + pick<std::string>({"", " \\"});
    moved = moved_;
    return text_;
  }

 private:
  void line(const std::string& text) { text_ += text + end_; }
  void between() {
    if (chance(4))
      line(pick<std::string>({"", "  ", "\t"}) + pick<std::string>({"# ", ";", "#\xff "}) + words(false));
    if (chance(8)) line("");
  }
  void section() {
    between();
    line("[" + pick<std::string>({"Unit", "Service", "Container", "X-Own"}) + "]");
    for (size_t i = roll(6); i > 0; --i) {
      between();
      setting();
    }
  }
  void setting() {
    const std::string name =
        pick<std::string>({"ExecStart", "Environment", "EnvironmentFile", "Exec", "Image"});
    std::string text = name + pick<std::string>({"=", " = ", "=  "}) + value();
    for (size_t i = chance(3) ? 1 + roll(2) : 0; i > 0; --i) {
      line(text + pick<std::string>({" \\", "\\"}));
      if (chance(3)) line(" " + pick<std::string>({"#", "; "}) + words(false));  // does not end the value
      text = pick<std::string>({"  ", "\t"}) + value();
    }
    line(text);
  }
  std::string value() {
    const std::string prefix = pick<std::string>({"", "", "-", "+", "@-"});
    if (!prefix.empty()) return prefix + folder();
    switch (roll(4)) {
      case 0: return "\"" + words(true) + "\" " + words(true);
      case 1: return "'A=" + words(true) + "' --x=\xff\xfe " + words(true);
      case 2: return folder() + " %i $$HOME ${HOME} ; -" + folder();
      default: return "/bin/run " + words(true);
    }
  }
  // systemd takes its prefixes off paths only.
  std::string folder() {
    const size_t before = moved_;
    std::string text = reference(true);
    if (text.starts_with("/")) return text + "/bin/score";
    moved_ = before;
    return "/bin/score";
  }
};

TEST(UnitProperty, OnlyTheSpansDifferAfterAnEdit) {
  const Grammar grammar{Scheme::pep440, {"/opt/mlship"}};
  size_t expected = 0, made = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    size_t moved = 0;
    const std::string before = UnitWriter(seed, "1.3.0").run(moved);
    const std::string after = UnitWriter(seed, "1.4.0").run(moved);
    std::vector<Edit> edits;
    for (const auto& site : parse_unit(before, "systemd-service").sites) {
      for (const auto& found : references_at(before, site, grammar)) {
        const Reference& r = found.reference;
        if (r.package != "churn" || !r.version) continue;
        edits.push_back({r.span, rewrite(before, r, *Version::parse("1.4.0"))});
      }
    }
    made += edits.size();
    expected += moved;
    ASSERT_EQ(apply_edits(before, std::move(edits)), after) << "seed " << seed << "\n" << before;
  }
  EXPECT_EQ(made, expected);
  EXPECT_GT(made, 10000U);
}

}  // namespace
}  // namespace mlship
