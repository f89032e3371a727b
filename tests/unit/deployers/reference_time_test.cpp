// Every scan of a text is linear: four times the text takes at most six times as long, whatever it is full
// of.
#include <ctime>

#include <gtest/gtest.h>

#include "deployers/document/document.h"
#include "deployers/document/site.h"
#include "deployers/reference.h"

namespace mlship {
namespace {

double thread_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string full_of(std::string_view unit, size_t size) {
  std::string out;
  while (out.size() < size) out += unit;
  return out;
}

// The shortest of three.
double time_of(const std::string& text, Whole whole, Dialect dialect) {
  const Grammar grammar{Scheme::pep440, {"/opt/mlship", "/ my"}, whole, {"/srv/my libs"}};
  double best = 0;
  for (int i = 0; i < 2; ++i) {
    const double begin = thread_seconds();
    const Site site{{0, text.size()}, "", {}, dialect, whole};
    (void)references_at(text, site, grammar);
    const double took = thread_seconds() - begin;
    if (i == 0 || took < best) best = took;
  }
  return best;
}

class Linear : public ::testing::TestWithParam<std::string> {};
TEST_P(Linear, FourTimesTheTextTakesFourTimesTheTime) {
  constexpr size_t small = 1U << 14U;
  constexpr double most = 6, noise = 0.02;
  for (const Whole whole :
       {Whole::text, Whole::command, Whole::requirement, Whole::list, Whole::path, Whole::image}) {
    for (const Dialect dialect : {Dialect::plain, Dialect::shell, Dialect::unit}) {
      if (dialect != Dialect::plain && whole != Whole::text && whole != Whole::command) continue;
      const double one = time_of(full_of(GetParam(), small), whole, dialect);
      const double four = time_of(full_of(GetParam(), 4 * small), whole, dialect);
      EXPECT_LE(four, most * one + noise)
          << "as " << static_cast<int>(whole) << " in " << static_cast<int>(dialect) << ": " << one << " s, "
          << four << " s";
    }
  }
}
const std::string hash = "--hash=sha256:" + std::string(64, 'a');
INSTANTIATE_TEST_SUITE_P(
    Texts, Linear,
    ::testing::Values(
        "churn==1.3.0 ", "churn==1.3.0,", "churn[a]==1.3.0;", "churn-1.3.0-py3-none-any.whl,",
        "churn-1.3.0-py3-none-any.whl:", "/churn-1.3.0-py3-none-any.whl", "a-1.whl", ".whl", "x.jar",
        "-1.jar", ".tar.gz", "https://ada:secret@x.example/churn-1.3.0-py3-none-any.whl ", "https://ada@",
        "://", "git+https://a@b/c.git@v1 ", "git+https://", "git+https://a@",
        "churn==1.3.0 \\\n    " + hash + " \\\n", hash + " \\\n", hash + " ", "\\\n", "\"", "'", "'\"",
        "pip install 'x ", "pip install \"", "pip install a ", "pip install ", "pip install -a ",
        "pip install a= ", "pip ", "$(", "${", "{{", "{{a}}", "${a}", "`", "%i", "*", " ", "\t", "@", "a@",
        "a@1.0 ", "]@", "[a]@", "a[", "churn-", "churn-*", "-", ".", "/", "/.", "./", "//", "/opt/mlship/",
        "/opt/mlship/churn/", "/opt/mlship/churn/1.3.0/", "/opt/mlship/churn/1.3.0 ", ":",
        "a:", "a:b:", "h/a:1.0 ", "sha256:", "oci://", "oci://h/a:1.0,", "spark-submit ",
        "spark-submit --jars a.jar b.py c ", "spark-submit 'a ", "=", "==", "a==", "a==${V}", "a==1,",
        "a>=1,<2,", ";", "a==1 ; ", "a==1;os_name=='x' and ", "(", ")", "((", "/srv/my libs/",
        "/srv/my libs/churn-1.3.0.whl ", "\\ ", "#", "#sha256=", "a #", "rsync ",
        "rsync h:/opt/mlship/churn/1.0 ", "ada@h:/opt/mlship/churn/1.0 ", "-I/opt/mlship/churn/1.0",
        "\xc3\xa4", "%2B", "a%2B", std::string("\0", 1), "a.b:c:latest ", "a:b:${c}", "%(a)", "{a}", "{", "}",
        "x}", "-f /a/churn-1.3.0.whl ", ".whl[", ".whl ;", ".whl?", "' ;", "' x", "a\\", "\\\\", "a'",
        "a'b\"", "churn=='1.3.0' ", "churn=='1.3.0'", "'churn'==1.3.0,", "\\x2e", "churn==1\\.2 ", "\\n",
        "a\\n", "\"a\":\"b\",", "'/opt/mlship/churn'/1.3.0 ", "h/a:'1.0' ", "churn==\\\n"));

}  // namespace
}  // namespace mlship
