#include "deployers/reference.h"

#include <cctype>

#include <gtest/gtest.h>

namespace mlship {
namespace {

const std::string hex(64, 'a');
const std::string other_hex(64, 'b');

// "form package version text" of every reference, one per line.
std::string found(const std::string& text, const Grammar& grammar = {Scheme::pep440, {"/opt/mlship"}}) {
  std::string out;
  for (const auto& r : find_references(text, grammar)) {
    if (!out.empty()) out += '\n';
    out += std::string(to_string(r.form)) + " " + r.package + " " + (r.version ? r.version->str() : "-") +
           " " + text.substr(r.span.begin, r.span.size());
    if (r.hash_pinned) out += " (hash)";
    EXPECT_EQ(text.substr(r.version_span.begin, r.version_span.size()), r.version_text);
  }
  return out;
}

// The whole text with every reference to churn rewritten.
std::string rewritten(const std::string& text, const std::string& to = "1.4.0",
                      const std::string& file = "") {
  const Grammar grammar{Scheme::pep440, {"/opt/mlship"}};
  std::string out;
  size_t done = 0;
  for (const auto& r : find_references(text, grammar)) {
    if (r.package != "churn") continue;
    out += text.substr(done, r.span.begin - done);
    out += rewrite(text, r, Version::require(to, Scheme::pep440, "test"), file, Digest::from_hex(other_hex));
    done = r.span.end;
  }
  return out + text.substr(done);
}

struct Case {
  std::string text, expected;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << ::testing::PrintToString(c.text);
}
// "07_churn_1_3_0": the number keeps names apart, the text says which case it is.
std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = (info.index < 10 ? "0" : "") + std::to_string(info.index);
  bool gap = true;
  for (const unsigned char c : info.param.text.substr(0, 40)) {
    const bool word = c < 0x80 && std::isalnum(c) != 0;
    if (word) name += (gap ? "_" : "") + std::string(1, static_cast<char>(c));
    gap = !word;
  }
  return name;
}

class Finds : public ::testing::TestWithParam<Case> {};
TEST_P(Finds, Exactly) {
  EXPECT_EQ(found(GetParam().text), GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Pins, Finds,
    ::testing::Values(
        Case{"churn==1.3.0", "pin churn 1.3.0 churn==1.3.0"},
        Case{"'churn==1.3.0'", "pin churn 1.3.0 churn==1.3.0"},
        Case{"Churn == 1.3.0", "pin churn 1.3.0 Churn == 1.3.0"},
        Case{"churn===1.3.0", "pin churn 1.3.0 churn===1.3.0"},
        Case{"churn (==1.3.0)", "pin churn 1.3.0 churn (==1.3.0"},
        Case{"churn[x, y]==1.3.0 ; python_version>\"3.8\"", "pin churn 1.3.0 churn[x, y]==1.3.0"},
        Case{"churn==1.0.10", "pin churn 1.0.10 churn==1.0.10"},
        Case{"churn==1.3.0+cu118", "pin churn 1.3.0+cu118 churn==1.3.0+cu118"},
        Case{"churn==1!2.0rc1", "pin churn 1!2.0rc1 churn==1!2.0rc1"},
        Case{"pip install --req=churn==1.3.0,numpy==1.26.4",
             "pin churn 1.3.0 churn==1.3.0\npin numpy 1.26.4 numpy==1.26.4"},
        Case{"we use churn==1.3.0.", "pin churn 1.3.0 churn==1.3.0"},
        Case{"<dep>churn==1.3.0</dep>", "pin churn 1.3.0 churn==1.3.0"},
        Case{"my_churn==1.3.0", "pin my-churn 1.3.0 my_churn==1.3.0"},
        Case{"churn-plus==1.3.0", "pin churn-plus 1.3.0 churn-plus==1.3.0"},
        Case{"churn2==1.3.0", "pin churn2 1.3.0 churn2==1.3.0"}, Case{"xchurn==1", "pin xchurn 1 xchurn==1"},
        Case{"churn==1.3.*", "range churn - churn==1.3.*"}, Case{"churn>=1,<2", "range churn - churn>=1,<2"},
        Case{"churn >= 1.2, != 1.3.0", "range churn - churn >= 1.2, != 1.3.0"},
        Case{"churn==1.3.0,!=1.2", "range churn - churn==1.3.0,!=1.2"},
        Case{"churn~=1.3", "range churn - churn~=1.3"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(NoPins, Finds,
                         ::testing::Values(Case{"churn", ""}, Case{"if churn==limit:", ""},
                                           Case{"[ churn == $x ]", ""}, Case{"churn==\"a\"", ""},
                                           Case{"$churn==1.3.0", ""}, Case{"a/churn==1.3.0", ""},
                                           Case{"\xc3\xa9"
                                                "churn==1.3.0",
                                                ""},
                                           Case{"churn=1.3.0", ""}, Case{"churn > /dev/null", ""},
                                           Case{"churn 2>&1", ""}, Case{"churn=>1", ""},
                                           Case{"-churn==1.3.0", ""}, Case{"<churn>1.3.0</churn>", ""},
                                           Case{"if [ \"$a\" == \"1\" ]", ""}),
                         case_name);

// What stands at a version's place and is none: the package is named all the same.
INSTANTIATE_TEST_SUITE_P(
    Unread, Finds,
    ::testing::Values(
        Case{"churn==latest", "pin churn - churn==latest"}, Case{"churn==${V}", "pin churn - churn==${V}"},
        Case{"churn[a]==1.3.${P}", "pin churn - churn[a]==1.3.${P}"},
        Case{"churn==1.3.0-$(date +%s) x", "pin churn - churn==1.3.0-$(date +%s)"},
        Case{"churn=={{ v }},x==1", "pin churn - churn=={{ v }}\npin x 1 x==1"},
        Case{"churn>=$MIN", "range churn - churn>=$MIN"},
        Case{"churn==1.0.9.RELEASE", "pin churn - churn==1.0.9.RELEASE"},
        Case{"churn==1.3.0\xc3\xa9", "pin churn - churn==1.3.0\xc3\xa9"},
        Case{"churn==%(version)s", "pin churn - churn==%(version)s"},
        Case{"/l/churn-{{ job.parameters.my-v }}-py3-none-any.whl",
             "wheel churn - /l/churn-{{ job.parameters.my-v }}-py3-none-any.whl"},
        Case{"pip install dist/churn_plus-*.whl", "wheel churn-plus - dist/churn_plus-*.whl"},
        Case{"x /l/churn-$V.jar /l/churn-${V}-all.jar",
             "jar churn - /l/churn-$V.jar\njar churn - /l/churn-${V}-all.jar"},
        Case{"/l/churn-1.0.9.RELEASE.jar", "jar churn - /l/churn-1.0.9.RELEASE.jar"},
        Case{"/l/churn-latest-1-py3-none-any.whl", "wheel churn - /l/churn-latest-1-py3-none-any.whl"},
        Case{"/l/churn-nightly-py3.11.egg", "egg churn - /l/churn-nightly-py3.11.egg"},
        Case{"f'churn-{version}.zip'", "zip churn - churn-{version}.zip"},
        Case{"/l/churn-v1.3.0.jar", "jar churn 1.3.0 /l/churn-v1.3.0.jar"},
        Case{"/l/my-v8-lib-1.3.0.jar", "jar my-v8-lib 1.3.0 /l/my-v8-lib-1.3.0.jar"},
        Case{"/l/churn-2d-plots.jar", ""}, Case{"/l/churn-core.jar", ""},
        Case{"com.acme:churn_2.12:1.0.9.RELEASE,com.acme:x:${V}",
             "maven churn - com.acme:churn_2.12:1.0.9.RELEASE\nmaven x - com.acme:x:${V}"},
        Case{"com.acme:churn:LATEST a:b:latest", "maven churn - com.acme:churn:LATEST"},
        Case{"docker pull h.io/ml/churn:${TAG}", "image churn - h.io/ml/churn:${TAG}"},
        Case{"h.io/ml/churn:1.3.$P", "image churn - h.io/ml/churn:1.3.$P"}, Case{"db:$PORT", ""}),
    case_name);

// A requirement without a version, where the place leaves no doubt.
INSTANTIATE_TEST_SUITE_P(
    Installs, Finds,
    ::testing::Values(
        Case{"pip install churn", "pin churn - churn"},
        Case{"/opt/venv/bin/pip3.11 install -q 'churn[train]' && churn-score", "pin churn - churn[train]"},
        Case{"sh -c \"pip install --upgrade churn\" \"pip install x\"", "pin churn - churn\npin x - x"},
        Case{"python -m pip install churn==1.3.0 numpy", "pin churn 1.3.0 churn==1.3.0\npin numpy - numpy"},
        Case{"uv pip install churn \\\n  numpy\nchurn", "pin churn - churn\npin numpy - numpy"},
        Case{"RUN pip install -r base.in -Uc limits --target lib --index-url=u churn > log; churn",
             "pin churn - churn"},
        Case{"pip install churn>=1 ./churn churn.whl $X churn${V} .", "range churn - churn>=1"},
        Case{"pip install {{ churn }}", ""}, Case{"# pip install failed for churn", ""},
        Case{"pip installs churn", ""}, Case{"pip uninstall churn", ""}, Case{"unpip install churn", ""},
        Case{"the command pip install churn", ""}),
    case_name);

class Knows : public ::testing::TestWithParam<std::tuple<Whole, Case>> {};
TEST_P(Knows, TheWhole) {
  const auto& [whole, c] = GetParam();
  EXPECT_EQ(found(c.text, {Scheme::pep440, {}, whole}), c.expected) << c.text;
}
INSTANTIATE_TEST_SUITE_P(
    Requirements, Knows,
    ::testing::Combine(
        ::testing::Values(Whole::requirement),
        ::testing::Values(
            Case{"churn", "pin churn - churn"}, Case{" churn[x, y] ", "pin churn - churn[x, y]"},
            Case{"churn ; python_version > '3.8'", "pin churn - churn"},
            Case{"churn==1.3.0 ; python_version > '3.8'", "pin churn 1.3.0 churn==1.3.0"},
            Case{"churn>=1,<2", "range churn - churn>=1,<2"}, Case{"churn==${V}", "pin churn - churn==${V}"},
            Case{"churn == whatever ; x", "pin churn - churn == whatever"}, Case{"# churn==1.3.0 broke", ""},
            Case{"numpy==1.0  # not churn==1.3.0", "pin numpy 1.0 numpy==1.0"},
            Case{"churn @ https://h/main.zip", "pin churn - churn @ https://h/main.zip"},
            Case{"churn==1.3.0 \\", "pin churn 1.3.0 churn==1.3.0"}, Case{"-r requirements.txt", ""},
            Case{"./churn", ""}, Case{"requirements.txt", ""}, Case{"churn failed", ""}, Case{"", ""})));
INSTANTIATE_TEST_SUITE_P(
    Images, Knows,
    ::testing::Combine(::testing::Values(Whole::image),
                       ::testing::Values(Case{"h:5000/ml/churn", "image churn - h:5000/ml/churn"},
                                         Case{"churn", "image churn - churn"},
                                         Case{"churn:latest", "image churn - churn:latest"},
                                         Case{"h/ml/churn:stable", "image churn - h/ml/churn:stable"},
                                         Case{"h/ml/churn:1.3.0", "image churn 1.3.0 h/ml/churn:1.3.0"},
                                         Case{"h/ml/churn:", ""}, Case{"Churn of ml", ""},
                                         Case{"h/ml/Churn", ""},
                                         Case{"churn:1.3.*", "image churn - churn:1.3.*"},
                                         Case{"churn:${V}", "image churn - churn:${V}"})));

INSTANTIATE_TEST_SUITE_P(
    HashPins, Finds,
    ::testing::Values(Case{"churn==1.3.0 --hash=sha256:00", "pin churn 1.3.0 churn==1.3.0 (hash)"},
                      Case{"churn==1.3.0 \\\n    --hash=sha256:00 \\\r\n  --hash=sha256:11\nnumpy==1.0",
                           "pin churn 1.3.0 churn==1.3.0 (hash)\npin numpy 1.0 numpy==1.0"},
                      Case{"churn==1.3.0\nnumpy==1.0 --hash=sha256:00",
                           "pin churn 1.3.0 churn==1.3.0\npin numpy 1.0 numpy==1.0 (hash)"},
                      Case{"churn @ https://h/churn-1.3.0-py3-none-any.whl#sha256=00",
                           "wheel churn 1.3.0 https://h/churn-1.3.0-py3-none-any.whl (hash)"},
                      Case{"https://h/churn-1.3.0-py3-none-any.whl#egg=churn&md5=00",
                           "wheel churn 1.3.0 https://h/churn-1.3.0-py3-none-any.whl (hash)"},
                      Case{"https://h/churn-1.3.0-py3-none-any.whl#egg=sha256",
                           "wheel churn 1.3.0 https://h/churn-1.3.0-py3-none-any.whl"},
                      Case{"churn==1.3.0 ; python_version > '3.8' and extra == \"x\" --hash=sha256:00",
                           "pin churn 1.3.0 churn==1.3.0 (hash)"},
                      Case{"/l/churn-1.3.0-py3-none-any.whl[a] --no-binary=x --hash sha256:00",
                           "wheel churn 1.3.0 /l/churn-1.3.0-py3-none-any.whl (hash)"},
                      Case{"churn==1.3.0; verify --hash=00", "pin churn 1.3.0 churn==1.3.0"},
                      Case{"churn==1.3.0 | tee --hash=00", "pin churn 1.3.0 churn==1.3.0"},
                      Case{"sh -c 'churn==1.3.0' --hash=00", "pin churn 1.3.0 churn==1.3.0"},
                      Case{"churn==1.3.0 x==1 --hash=00",
                           "pin churn 1.3.0 churn==1.3.0\npin x 1 x==1 (hash)"},
                      Case{"churn==1.3.0  # --hash=00", "pin churn 1.3.0 churn==1.3.0"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Vcs, Finds,
    ::testing::Values(
        Case{"git+https://h/x.git@v1.3.0#egg=churn", "vcs churn - git+https://h/x.git@v1.3.0#egg=churn"},
        Case{"churn @ git+ssh://h/ml/x.git@main", "vcs churn - git+ssh://h/ml/x.git@main"},
        Case{"pip install git+https://h/ml/churn.git", "vcs churn - git+https://h/ml/churn.git"},
        Case{"git+https://me:secret@h/ml/churn.git", "vcs churn - h/ml/churn.git"}),
    case_name);

const std::string wheel = "churn-1.3.0-py3-none-any.whl";
INSTANTIATE_TEST_SUITE_P(
    Files, Finds,
    ::testing::Values(
        Case{wheel, "wheel churn 1.3.0 " + wheel},
        Case{"/Volumes/m/l/" + wheel + "[train]", "wheel churn 1.3.0 /Volumes/m/l/" + wheel},
        Case{"dbfs:/libs/" + wheel, "wheel churn 1.3.0 dbfs:/libs/" + wheel},
        Case{"s3a://b/k/" + wheel, "wheel churn 1.3.0 s3a://b/k/" + wheel},
        Case{"local:///x/" + wheel, "wheel churn 1.3.0 local:///x/" + wheel},
        Case{"https://h:8443/p/" + wheel + "?token=abc", "wheel churn 1.3.0 https://h:8443/p/" + wheel},
        Case{"https://me:secret@h/p/" + wheel, "wheel churn 1.3.0 h/p/" + wheel},
        Case{"PYTHONPATH=/a/" + wheel + ":/b/churn_plus-1.3.0-py3-none-any.whl",
             "wheel churn 1.3.0 /a/" + wheel +
                 "\nwheel churn-plus 1.3.0 /b/churn_plus-1.3.0-py3-none-any.whl"},
        Case{"--py-files=/a/churn-1.3.0.zip,/b/churn-1.2.0-py3.11.egg",
             "zip churn 1.3.0 /a/churn-1.3.0.zip\negg churn 1.2.0 /b/churn-1.2.0-py3.11.egg"},
        Case{"a.jar /x/churn_2.12-1.3.0.jar", "jar churn 1.3.0 /x/churn_2.12-1.3.0.jar"},
        Case{"/x/churn-1.3.0-all.jar", "jar churn 1.3.0 /x/churn-1.3.0-all.jar"},
        Case{"churn-1.3.0-1-cp311-cp311-manylinux_2_28_x86_64.whl",
             "wheel churn 1.3.0 churn-1.3.0-1-cp311-cp311-manylinux_2_28_x86_64.whl"},
        Case{"churn-plus-1.3.0-py3-none-any.whl", "wheel churn-plus 1.3.0 churn-plus-1.3.0-py3-none-any.whl"},
        Case{"my-churn-1.3.0.zip", "zip my-churn 1.3.0 my-churn-1.3.0.zip"},
        Case{"https://h/churn-1.3.0%2Bcu118-py3-none-any.whl",
             "wheel churn 1.3.0+cu118 https://h/churn-1.3.0%2Bcu118-py3-none-any.whl"},
        Case{"${LIBS}/" + wheel, "wheel churn 1.3.0 ${LIBS}/" + wheel},
        Case{"$(pwd)/" + wheel, "wheel churn 1.3.0 )/" + wheel},
        Case{"/opt/mlship/churn/1.3.0/" + wheel, "wheel churn 1.3.0 /opt/mlship/churn/1.3.0/" + wheel},
        Case{wheel + ".sha256", ""}, Case{wheel + "x", ""}, Case{"${P}-1.3.0-py3-none-any.whl", ""},
        Case{"\xff" + wheel, ""}, Case{"churn.zip", ""},
        Case{"churn-latest-py3-none-any.whl", "wheel churn - churn-latest-py3-none-any.whl"},
        Case{"pip install -f/srv/l/" + wheel, "wheel churn 1.3.0 /srv/l/" + wheel},
        Case{"scp ada@web1:/srv/l/" + wheel, "wheel churn 1.3.0 ada@web1:/srv/l/" + wheel},
        Case{"abfss://box@acc.dfs.test/l/" + wheel, "wheel churn 1.3.0 abfss://box@acc.dfs.test/l/" + wheel},
        Case{"#!/srv/" + wheel, "wheel churn 1.3.0 /srv/" + wheel}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Folders, Finds,
    ::testing::Values(
        Case{"/opt/mlship/churn/1.3.0/bin/score x", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"cd /opt/mlship/churn/1.3.0", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"in /opt/mlship/churn/1.3.0.", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"PATH=/usr/bin:/opt/mlship/churn/1.3.0/bin:/opt/mlship/other/2.0/bin",
             "folder churn 1.3.0 /opt/mlship/churn/1.3.0\nfolder other 2.0 /opt/mlship/other/2.0"},
        Case{"file:///opt/mlship/My_Churn/1.3.0+cu118/x",
             "folder my-churn 1.3.0+cu118 /opt/mlship/My_Churn/1.3.0+cu118"},
        Case{"/mnt/opt/mlship/churn/1.3.0", ""}, Case{"/opt/mlship/churn/lib/bin", ""},
        Case{"/opt/mlship/churn/current/bin", "folder churn - /opt/mlship/churn/current"},
        Case{"/opt/mlship/churn/1.3.0*", "folder churn - /opt/mlship/churn/1.3.0*"},
        Case{"/opt/mlship/churn/$V/bin", "folder churn - /opt/mlship/churn/$V"},
        Case{"/opt/mlship/churn/{{ v }}/bin", "folder churn - /opt/mlship/churn/{{ v }}"},
        Case{"cc -I/opt/mlship/churn/1.3.0/include", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"docker run -v/opt/mlship/churn/1.3.0:/app x", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"#!/opt/mlship/churn/1.3.0/bin/python -u", "folder churn 1.3.0 /opt/mlship/churn/1.3.0"},
        Case{"ls /opt//mlship/churn///1.3.0//bin", "folder churn 1.3.0 /opt//mlship/churn///1.3.0"},
        Case{"ls //opt/mlship/churn/1.3.0", "folder churn 1.3.0 //opt/mlship/churn/1.3.0"},
        Case{"x://opt/mlship/churn/1.3.0", ""}, Case{"/x-y/opt/mlship/churn/1.3.0", ""},
        Case{"${BASE}/opt/mlship/churn/1.3.0", ""}, Case{"/opt/mlship2/churn/1.3.0", ""},
        Case{"/opt/mlship/churn-1.3.0", ""}, Case{"/opt/other/churn/1.3.0", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Coordinates, Finds,
    ::testing::Values(
        Case{"image: churn:1.3.0", "image churn 1.3.0 churn:1.3.0"},
        Case{"host:5000/ml/churn:v1.3.0", "image churn 1.3.0 host:5000/ml/churn:v1.3.0"},
        Case{"IMAGE=\"h.io/ml/churn:1.3.0_cu118\"", "image churn 1.3.0+cu118 h.io/ml/churn:1.3.0_cu118"},
        Case{"h.io/churn@sha256:" + hex, "image churn - h.io/churn@sha256:" + hex},
        Case{"h.io/churn:1.3.0@sha256:" + hex, "image churn 1.3.0 h.io/churn:1.3.0@sha256:" + hex},
        Case{"docker://h/ml/churn:7", "image churn 7 docker://h/ml/churn:7"},
        Case{"oci://host/ns/churn:1.3.0", "bundle churn 1.3.0 oci://host/ns/churn:1.3.0"},
        Case{"oci://host/ns/churn-plus:1.3.0", "bundle churn-plus 1.3.0 oci://host/ns/churn-plus:1.3.0"},
        Case{"--packages com.acme:churn_2.12:1.3.0,org.x:y:2.0",
             "maven churn 1.3.0 com.acme:churn_2.12:1.3.0\nmaven y 2.0 org.x:y:2.0"},
        Case{"docker run h.io/ml/churn:latest", "image churn - h.io/ml/churn:latest"},
        Case{"oci://h/ml/churn:stable", "bundle churn - oci://h/ml/churn:stable"},
        Case{"oci://h/ml/churn", ""}, Case{"churn:latest", ""},
        Case{"h.io/churn:stable", "image churn - h.io/churn:stable"}, Case{"h.io/churn:other", ""},
        Case{"churn:8080", ""}, Case{"http://h:80/churn:1.3.0", ""}, Case{"12:30.5", ""},
        Case{"root:x:0:0:root", ""}, Case{"$R/churn:1.3.0", ""}, Case{"${R}/churn:1.3.0", ""},
        Case{"h/churn:1.3.${P}", "image churn - h/churn:1.3.${P}"}, Case{"h/churn@sha256:abc", ""},
        Case{"H/Churn:1.3.0", ""}, Case{"2026-01-01T10:20:30", ""}),
    case_name);

TEST(Reference, SchemeDecidesWhatAVersionIs) {
  EXPECT_EQ(found("churn==1.3.0-rc.1 churn==1.3", {Scheme::semver, {}}),
            "pin churn 1.3.0-rc.1 churn==1.3.0-rc.1\npin churn - churn==1.3");
}

// SNAPSHOT builds: PEP 440 has no word for them, so they count as the first development release; SemVer reads
// the whole text.
TEST(Reference, SnapshotsAreOlderThanWhatTheyBecome) {
  const Grammar pep440{Scheme::pep440, {}};
  const Grammar semver{Scheme::semver, {}};
  for (const std::string file :
       {"/x/churn-1.4.0-SNAPSHOT.jar", "/x/churn-1.4.0-SNAPSHOT-my-branch.jar",
        "/x/churn-1.4.0-SNAPSHOT.2.jar", "/x/churn_2.12-1.4.0-20261126.040000-7.jar"}) {
    EXPECT_EQ(found(file, pep440), "jar churn 1.4.0.dev0 " + file);
  }
  EXPECT_EQ(found("/x/churn-1.4.0-SNAPSHOT-py3.6.egg", pep440),
            "egg churn 1.4.0.dev0 /x/churn-1.4.0-SNAPSHOT-py3.6.egg");
  EXPECT_EQ(found("/x/churn-1.4.0-SNAPSHOTS.jar /x/churn-1.4.0-2026.jar", pep440),
            "jar churn 1.4.0 /x/churn-1.4.0-SNAPSHOTS.jar\njar churn 1.4.0.post2026 /x/churn-1.4.0-2026.jar");
  EXPECT_EQ(found("/x/churn-1.4.0-SNAPSHOT.jar", semver),
            "jar churn 1.4.0-SNAPSHOT /x/churn-1.4.0-SNAPSHOT.jar");
  EXPECT_EQ(found("/x/churn-1.4.0-SNAPSHOT-py3.6.egg", semver),
            "egg churn 1.4.0-SNAPSHOT /x/churn-1.4.0-SNAPSHOT-py3.6.egg");
}

TEST(Reference, ThePythonOfAnEggIsNoPreRelease) {
  EXPECT_EQ(found("/x/churn-1.4.0-py3.6.egg /x/churn-1.4.0-py3.6-linux-x86_64.egg /x/my-py3-lib-1.4.0.egg",
                  {Scheme::semver, {}}),
            "egg churn 1.4.0 /x/churn-1.4.0-py3.6.egg\n"
            "egg churn 1.4.0 /x/churn-1.4.0-py3.6-linux-x86_64.egg\n"
            "egg my-py3-lib 1.4.0 /x/my-py3-lib-1.4.0.egg");
  EXPECT_EQ(found("/x/churn-1.4.0-py3.6.egg", {Scheme::pep440, {}}),
            "egg churn 1.4.0 /x/churn-1.4.0-py3.6.egg");
}

TEST(Reference, FileFormsKeepFolderAndName) {
  const auto r = find_references("x=/srv/libs/" + wheel, {});
  ASSERT_EQ(r.size(), 1U);
  EXPECT_EQ(r[0].folder, "/srv/libs/");
  EXPECT_EQ(r[0].file, wheel);
}

TEST(Reference, RewritingKeepsTheForm) {
  const std::string new_wheel = "churn-1.4.0-py3-none-any.whl";
  EXPECT_EQ(rewritten("pip install \"Churn[x] == 1.3.0 ; a\" churn-plus==1.3.0"),
            "pip install \"Churn[x] == 1.4.0 ; a\" churn-plus==1.3.0");
  EXPECT_EQ(rewritten("/opt/mlship/churn/1.3.0/bin/score --v 1.3.0"),
            "/opt/mlship/churn/1.4.0/bin/score --v 1.3.0");
  EXPECT_EQ(rewritten("'/l/" + wheel + "[train]'", "1.4.0", new_wheel), "'/l/" + new_wheel + "[train]'");
  EXPECT_EQ(rewritten("churn @ https://h/churn-1.3.0%2Bcu-py3-none-any.whl", "1.4.0+cu",
                      "churn-1.4.0+cu-py3-none-any.whl"),
            "churn @ https://h/churn-1.4.0%2Bcu-py3-none-any.whl");
  EXPECT_EQ(rewritten("h:5000/ml/churn:v1.3.0"), "h:5000/ml/churn:v1.4.0");
  EXPECT_EQ(rewritten("h/churn:1.3.0", "1.4.0+cu"), "h/churn:1.4.0_cu");
  EXPECT_EQ(rewritten("h/churn@sha256:" + hex), "h/churn@sha256:" + other_hex);
  EXPECT_EQ(rewritten("h/churn:1.3.0@sha256:" + hex), "h/churn:1.4.0@sha256:" + other_hex);
  EXPECT_EQ(rewritten("com.acme:churn_2.12:1.3.0"), "com.acme:churn_2.12:1.4.0");
}

// What a version could not be read from says why, where a shell or systemd puts it in.
TEST(Reference, InterpolatedVersionsAndOtherHostsAreOpaque) {
  const auto why = [](const std::string& text) {
    const auto all = find_references(text, {Scheme::pep440, {"/opt/mlship"}});
    return all.empty() ? std::string("nothing") : all[0].opaque;
  };
  EXPECT_EQ(why("/opt/mlship/churn/$V/bin"), "its version is interpolated: $V");
  EXPECT_EQ(why("churn==${V:-1.3.0}"), "its version is interpolated: ${V:-1.3.0}");
  EXPECT_EQ(why("/opt/mlship/churn/%i/bin"), "its version is interpolated: %i");
  EXPECT_EQ(why("/opt/mlship/churn/latest"), "");
  EXPECT_EQ(why("rsync -a web1:/opt/mlship/churn/1.3.0/ ."), "it is a path of another host: web1");
  EXPECT_EQ(why("x ada@web1:/opt/mlship/churn/1.3.0/"), "it is a path of another host: ada@web1");
  EXPECT_EQ(why("docker run -v data:/opt/mlship/churn/1.3.0 x"), "");
  EXPECT_EQ(why("PATH=bin:/opt/mlship/churn/1.3.0/bin"), "");
}

TEST(Reference, ArgumentsOfSparkApplicationsAreTheirOwn) {
  const auto command = [](const std::string& text) {
    return found(text, {Scheme::pep440, {}, Whole::command});
  };
  const std::string jar = "/l/churn-1.3.0.jar";
  EXPECT_EQ(command("spark-submit --jars " + jar + " -v --class X /app.py --lib " + jar + " churn==1.0"),
            "jar churn 1.3.0 " + jar);
  EXPECT_EQ(command("/opt/spark/bin/spark-submit " + jar + " " + jar), "jar churn 1.3.0 " + jar);
  EXPECT_EQ(command("spark-submit --conf a=b \\\n --name 'x y' app.py " + jar + " && pip install churn==1.0"),
            "pin churn 1.0 churn==1.0");
  EXPECT_EQ(command("sh -c \"spark-submit app.py " + jar + "\" && pip install \"churn==1.0\""),
            "pin churn 1.0 churn==1.0");
  EXPECT_EQ(command("run spark-submit-all " + jar), "jar churn 1.3.0 " + jar);
  EXPECT_EQ(found("spark-submit app.py " + jar), "jar churn 1.3.0 " + jar);
}

TEST(Reference, HugeAndOddTextsAreFast) {
  const std::string big(1U << 20U, '.');
  EXPECT_EQ(found(big), "");
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "a:=<[@]";
  EXPECT_EQ(found(many), "");
  EXPECT_EQ(found(std::string(1U << 20U, ':')), "");
  EXPECT_EQ(found(std::string(1U << 20U, '\\') + "\n"), "");
}

}  // namespace
}  // namespace mlship
