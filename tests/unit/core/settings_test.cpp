#include "core/settings.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/env.h"

namespace mlship {
namespace {

TEST(Settings, FlagThenVariableThenDefault) {
  const auto& row = program_setting("registry");
  using Variables = std::map<std::string, std::string, std::less<>>;
  const Env env(Variables{{"MLSHIP_REGISTRY", "from-variable"}});
  const Env none(Variables{{"MLSHIP_REGISTRY", ""}});

  const auto flag = resolve_setting(row, "from-flag", env);
  EXPECT_EQ(flag.value, "from-flag");
  EXPECT_EQ(flag.where, "--registry");
  const auto variable = resolve_setting(row, std::nullopt, env);
  EXPECT_EQ(variable.value, "from-variable");
  EXPECT_EQ(variable.origin, Origin::environment);
  EXPECT_EQ(variable.where, "MLSHIP_REGISTRY");
  const auto built_in = resolve_setting(row, std::nullopt, none);
  EXPECT_EQ(built_in.origin, Origin::built_in);
  EXPECT_EQ(built_in.value, "");
  EXPECT_EQ(resolve_setting(program_setting("color"), std::nullopt, none).value, "auto");
}

TEST(Settings, AVariableWithAnotherWordIsRefused) {
  using Variables = std::map<std::string, std::string, std::less<>>;
  const Env env(Variables{{"MLSHIP_COLOR", "allways"}});
  try {
    (void)resolve_setting(program_setting("color"), std::nullopt, env);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), ExitCode::usage);
    EXPECT_EQ(e.message(),
              "cannot use MLSHIP_COLOR=allways: not one of auto|always|never (did you mean 'always'?)");
  }
}

TEST(Settings, EveryRowHasAFlagAVariableAndHelp) {
  for (const auto& row : program_settings()) {
    EXPECT_TRUE(row.flag().starts_with("--")) << row.name;
    EXPECT_TRUE(row.variable.starts_with("MLSHIP_")) << row.name;
    EXPECT_FALSE(row.help.empty()) << row.name;
  }
  EXPECT_THROW((void)program_setting("nothing"), Error);
}

}  // namespace
}  // namespace mlship
