// PEP 508 §Environment Markers on a Linux target with Python 3.11.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "packager/platform.h"

namespace mlship {
namespace {

const MarkerEnvironment& environment() {
  static const MarkerEnvironment e = load_platform("cp311-manylinux_2_28_x86_64", "").environment;
  return e;
}

struct Case {
  const char* marker;
  bool holds;
};

constexpr Case cases[] = {
    {"", true},
    {"python_version >= '3.8'", true},
    {"python_version<'3.11'", false},
    {"python_version == \"3.11.*\"", true},
    {"python_version ~= '3.1'", true},
    {"'3.12' > python_version", true},
    {"python_version >= '3.9' and python_version < '3.10'", false},
    {"python_full_version == '3.11.0'", true},
    {"python_version > '3.2'", true},  // as versions, not as texts
    {"implementation_version >= '3.11.0rc1'", true},
    {"sys_platform == 'linux'", true},
    {"sys_platform == 'win32' or sys_platform == 'darwin'", false},
    {"sys_platform != 'win32' and (platform_machine == 'x86_64' or platform_machine == 'AMD64')", true},
    {"os_name=='posix'or os_name=='nt'and python_version<'3'", true},
    {"(os_name=='nt'or os_name=='posix')and python_version<'3'", false},
    {"os.name == 'posix' and sys.platform == 'linux' and platform.machine == 'x86_64'", true},
    {"python_implementation == 'CPython' and platform.python_implementation == 'CPython'", true},
    {"'linux' in sys_platform", true},
    {"sys_platform in 'linux linux2'", true},
    {"sys_platform not in 'win32 darwin'", true},
    {"python_version in '2.7 3.11'", true},
    {"python_version not   in '3.11'", false},
    {"platform_release >= '5.0'", false},  // unknown: not a version
    {"platform_version == ''", true},
    {"platform_system == 'Linux'", true},
    {"python_version === '3.11'", true},
    {"sys_platform < 'mac'", false},  // texts have no order
    {"sys_platform >= 'linux'", true},
    {"((((os_name == 'posix'))))", true},
    {"python_version >= ' 3.6 '", true},
    {"python_version >= '3.11.*'", false},  // no specifier: texts
    {"extra == 'socks'", false},
};

TEST(Markers, HoldForTheTarget) {
  for (const auto& c : cases) EXPECT_EQ(marker_holds(c.marker, environment()), c.holds) << c.marker;
}

TEST(Markers, KnowExtrasByNormalName) {
  EXPECT_TRUE(marker_holds("extra == 'Foo_Bar'", environment(), {"foo-bar", "other"}));
  EXPECT_FALSE(marker_holds("extra == 'x' and python_version < '3'", environment(), {"x"}));
  EXPECT_FALSE(marker_holds("extra == 'x'", environment(), {"y"}));
}

TEST(Markers, SayWhatIsWrong) {
  const Case bad[] = {{"os_name == 'posix' and", true},
                      {"os_name 'x'", true},
                      {"python_version >= 3.6", true},
                      {"'a' == 'a'", true},
                      {"os_name == sys_platform", true},
                      {"os_name ~= 'x'", true},
                      {"(os_name == 'posix'", true},
                      {"os_name == 'posix", true},
                      {"os_name == 'posix' os_name == 'nt'", true},
                      {"python_versions == '3'", true},
                      {"os_name not 'x'", true},
                      {"os_name == 'a\\\\b'", true}};
  for (const auto& c : bad)
    EXPECT_THROW(marker_holds(c.marker, environment()), std::invalid_argument) << c.marker;
  EXPECT_THROW(marker_holds(std::string(100'000, '(') + "os_name == 'x'", environment()),
               std::invalid_argument);
  EXPECT_THROW(marker_holds("os_name == 'posix'", {}), std::invalid_argument);
}

}  // namespace
}  // namespace mlship
