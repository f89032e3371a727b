#include "core/settings.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/host/env.h"

namespace mlship {
namespace {

TEST(Settings, FlagThenVariableThenFileThenDefault) {
  const auto& row = program_setting("registry");
  using Variables = std::map<std::string, std::string, std::less<>>;
  const Env env(Variables{{"MLSHIP_REGISTRY", "from-variable"}});
  const Env none(Variables{{"MLSHIP_REGISTRY", ""}});
  const SettingValue file{"from-file", Origin::project_file, "mlship.toml:12"};

  const auto flag = resolve_setting(row, "from-flag", env, file);
  EXPECT_EQ(flag.value, "from-flag");
  EXPECT_EQ(flag.where, "--registry");
  const auto variable = resolve_setting(row, std::nullopt, env, file);
  EXPECT_EQ(variable.value, "from-variable");
  EXPECT_EQ(variable.origin, Origin::environment);
  EXPECT_EQ(variable.where, "MLSHIP_REGISTRY");
  EXPECT_EQ(resolve_setting(row, std::nullopt, none, file).where, "mlship.toml:12");
  const auto built_in = resolve_setting(row, std::nullopt, none);
  EXPECT_EQ(built_in.origin, Origin::built_in);
  EXPECT_EQ(built_in.value, "the environment's");
}

TEST(Settings, EveryRowHasAFlagAVariableAndHelp) {
  for (const auto& row : program_settings()) {
    EXPECT_TRUE(row.flag.starts_with("--")) << row.name;
    EXPECT_TRUE(row.variable.starts_with("MLSHIP_")) << row.name;
    EXPECT_FALSE(row.help.empty()) << row.name;
  }
  EXPECT_THROW((void)program_setting("nothing"), Error);
}

}  // namespace
}  // namespace mlship
