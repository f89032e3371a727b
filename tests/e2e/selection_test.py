"""Wheel choice against `packaging`: specifiers, markers, tag order, wheel names and the choice itself must be equal on
random cases. Runs with whatever release of `packaging` there is (Debian: python3-packaging); where an old release
differs from the specifications as they are now, the case is left out, and the rule for that is named below.
"""

import json
import os
import random
import re
import subprocess
import sys
import sysconfig
import unittest
from unittest import mock

try:
    import packaging
except ImportError:  # CTest may run another Python than the one that Debian's package serves
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("SKIPPED: python3-packaging is not installed")
    sys.exit(77)

import packaging._manylinux
import packaging._musllinux
import packaging.markers
import packaging.specifiers
import packaging.tags
import packaging.utils
import packaging.version
from packaging.version import Version

RELEASE = Version(packaging.__version__)
# Since this release: exclusive comparisons as PEP 440 has them, native linux_ARCH tags first, texts without order.
EXACT = RELEASE >= Version("26.3")
SEED = int(os.environ.get("MLSHIP_TEST_SEED", "3"))

PLATFORMS = (
    "cp38-manylinux2014_x86_64", "cp310-manylinux_2_35_x86_64", "cp311-manylinux_2_28_x86_64",
    "cp312-manylinux_2_17_aarch64", "cp313-manylinux_2_5_x86_64", "cp311-musllinux_1_2_x86_64",
    "cp39-musllinux_1_1_aarch64", "cp312-win_amd64", "cp311-macosx_10_15_x86_64", "cp312-macosx_13_0_x86_64",
    "cp313-macosx_14_0_arm64", "databricks-15.4", "databricks-16.4", "aws-lambda-python3.12-arm64",
)


def ask(questions):
    """The probe's answers, in order: a value, or the string "error"."""
    text = "".join(json.dumps(q) + "\n" for q in questions)
    run = subprocess.run([os.environ["MLSHIP_SELECTION_PROBE"]], input=text, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(replies) == len(questions)
    return [reply.get("answer", "error") for reply in replies]


def or_error(function):
    try:
        return function()
    except (ValueError, KeyError):  # InvalidSpecifier, InvalidMarker, InvalidVersion, UndefinedComparison are these
        return "error"


# ---------------------------------------------------------------- versions and specifiers

def random_version(rng, local=True):
    number = lambda: str(rng.choice((0, 0, 1, 1, 2, 10)))
    text = rng.choice(("", "", "", "", "", "", "", "1!")) + ".".join(number() for _ in range(rng.randint(1, 3)))
    if rng.random() < 0.35:
        text += rng.choice(("a", "b", "rc", ".a", "-alpha", "_beta.", "pre")) + number()
    if rng.random() < 0.3:
        text += rng.choice((".post", "-", "-r", "post")) + number()
    if rng.random() < 0.25:
        text += rng.choice((".dev", "dev", "-dev")) + number()
    if local and rng.random() < 0.2:
        text += "+" + rng.choice(("local", "1", "abc.1", "ABC-1"))
    return text


def random_specifier(rng):
    operator = rng.choice(("~=", "==", "==", "!=", "<=", ">=", "<", ">", "==="))
    if operator in ("==", "!=") and rng.random() < 0.4:
        return operator, ".".join(str(rng.choice((0, 1, 2))) for _ in range(rng.randint(1, 3))) + ".*"
    return operator, random_version(rng, local=rng.random() < 0.3)


def old_difference(operator, text, version):
    """True when releases of packaging before 26.3 answer otherwise than PEP 440."""
    version = Version(version)
    if operator == "===":
        return True  # they compare the normal form of the version, not the text
    prefix = text.endswith(".*")
    limit = Version(text.removesuffix(".*"))
    if prefix or operator == "~=":
        # They compare the epoch as text, and take a suffix that is not in normal form for a part of the release.
        return limit.epoch != version.epoch or (not prefix and text != str(limit))
    if operator not in ("<", ">"):
        return False
    same_base = Version(limit.base_version) == Version(version.base_version)
    return same_base and (limit.is_prerelease or limit.is_postrelease or version.local is not None)


class Specifiers(unittest.TestCase):
    def test_random_specifiers(self):
        rng = random.Random(SEED)
        cases = []
        while len(cases) < 6000:
            version = random_version(rng)
            chosen = [random_specifier(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            valid = or_error(lambda: [packaging.specifiers.Specifier(o + v) for o, v in chosen]) != "error"
            if valid and not EXACT and any(old_difference(o, v, version) for o, v in chosen):
                continue
            cases.append((",".join(o + rng.choice(("", " ")) + v for o, v in chosen), version))
        answers = ask([{"ask": "specifier", "specifier": s, "version": v, "prereleases": True} for s, v in cases])
        for (specifier, version), answer in zip(cases, answers):
            expected = or_error(
                lambda: packaging.specifiers.SpecifierSet(specifier).contains(version, prereleases=True))
            self.assertEqual(answer, expected, f"{specifier!r} on {version!r}")
        self.assertGreater(sum(a is True for a in answers), 1000)
        self.assertGreater(sum(a is False for a in answers), 1000)

    @unittest.skipIf(EXACT, "this release takes a pre-release by itself when nothing else is asked for")
    def test_prereleases_when_a_specifier_names_one(self):
        rng = random.Random(SEED + 1)
        cases = []
        while len(cases) < 1000:
            version = random_version(rng)
            operator, text = random_specifier(rng)
            if or_error(lambda: packaging.specifiers.Specifier(operator + text)) == "error":
                continue
            if not old_difference(operator, text, version):
                cases.append((operator + text, version))
        answers = ask([{"ask": "specifier", "specifier": s, "version": v, "prereleases": False} for s, v in cases])
        for (specifier, version), answer in zip(cases, answers):
            self.assertEqual(answer, packaging.specifiers.SpecifierSet(specifier).contains(version),
                             f"{specifier!r} on {version!r}")


# ---------------------------------------------------------------- markers

VERSION_KEYS = ("python_version", "python_full_version", "implementation_version")
TEXT_VALUES = {
    "os_name": ("posix", "nt", "java"), "sys_platform": ("linux", "win32", "darwin", "cygwin"),
    "platform_machine": ("x86_64", "aarch64", "arm64", "AMD64"), "platform_system": ("Linux", "Windows", "Darwin"),
    "platform_python_implementation": ("CPython", "PyPy"), "implementation_name": ("cpython", "pypy"),
}
OLD_SPELLINGS = {"os_name": "os.name", "sys_platform": "sys.platform", "platform_machine": "platform.machine",
                 "platform_python_implementation": "python_implementation"}


def random_comparison(rng):
    quote = rng.choice("'\"")
    if rng.random() < 0.5:
        key = rng.choice(VERSION_KEYS)
        value = rng.choice(("3", "3.8", "3.9", "3.10", "3.11", "3.12", "3.11.0", "3.12.3", "3.10.12", "4", "3.11.*",
                            "3.*", "3.11rc1", "3.8, 3.9"))
        operator = rng.choice(("<", "<=", "==", "!=", ">=", ">", "~=", "===", "in", "not in"))
        if value.endswith(".*") and not EXACT:
            operator = rng.choice(("==", "!="))  # the others compare texts, which had an order
        if value == "3.8, 3.9":
            operator = rng.choice(("in", "not in"))
    else:
        key = rng.choice(sorted(TEXT_VALUES))
        value = rng.choice(TEXT_VALUES[key])
        if rng.random() < 0.2:
            value += " " + rng.choice(TEXT_VALUES[key])
        operators = ("==", "==", "!=", "in", "not in") + (("<", ">", "<=", ">=", "~=", "===") if EXACT else ())
        operator = rng.choice(operators)
        if rng.random() < 0.1:
            key = OLD_SPELLINGS.get(key, key)
    left, right = key, quote + value + quote
    if rng.random() < 0.2 and (EXACT or (operator not in ("~=", "===") and key not in VERSION_KEYS)):
        left, right = right, left
    if operator in ("in", "not in"):
        return f"{left} {operator.replace(' ', rng.choice((' ', '  ')))} {right}"
    space = rng.choice(("", " "))
    return f"{left}{space}{operator}{space}{right}"


def random_marker(rng, depth=0):
    if depth > 2 or rng.random() < 0.45:
        return random_comparison(rng)
    left, right = random_marker(rng, depth + 1), random_marker(rng, depth + 1)
    text = f"{left} {rng.choice(('and', 'or'))} {right}"
    if rng.random() < 0.08:
        # A mistake. Old releases do not look at what follows a whole comparison.
        text = text.replace(" and", rng.choice((" and and", " &", "") if EXACT else (" and and",)), 1)
    return f"({text})" if rng.random() < 0.4 else text


class Markers(unittest.TestCase):
    def test_random_markers(self):
        rng = random.Random(SEED + 2)
        environments = dict(zip(PLATFORMS, ask([{"ask": "environment", "platform": p} for p in PLATFORMS])))
        for environment in environments.values():
            self.assertEqual(set(environment), set(packaging.markers.default_environment()))
        cases = [(random_marker(rng), rng.choice(PLATFORMS)) for _ in range(4000)]
        answers = ask([{"ask": "marker", "marker": m, "platform": p} for m, p in cases])
        for (marker, platform), answer in zip(cases, answers):
            expected = or_error(lambda: packaging.markers.Marker(marker).evaluate(environments[platform]))
            self.assertEqual(answer, expected, f"{marker!r} on {platform}")
        for outcome in (True, False, "error"):
            self.assertGreater(answers.count(outcome), 100, outcome)


    @unittest.skipUnless(EXACT, "old releases compare versions on the left otherwise")
    def test_the_literal_stands_on_the_left(self):
        rng = random.Random(SEED + 5)
        environments = dict(zip(PLATFORMS, ask([{"ask": "environment", "platform": p} for p in PLATFORMS])))
        keys = (*VERSION_KEYS, "platform_release", "platform_version", *TEXT_VALUES)
        literals = lambda: rng.choice((
            random_version(rng), "3.%d" % rng.randint(6, 14), "3.%d.%d" % (rng.randint(8, 13), rng.randint(0, 12)), "3",
            "3.11.*", "linux", "", "3.11,<4", "6.1.0-17-amd64", "2!3.11", " 3.11 ", "3.11.0+local", ">=3.8", "cpython"))
        cases = []
        for _ in range(6000):
            operator = rng.choice(("<", "<=", "==", "!=", ">=", ">", "~=", "~=", "===", "in", "not in"))
            space = rng.choice(("", " ")) if operator[0] not in "in" else " "
            cases.append((f"'{literals()}'{space}{operator}{space}{rng.choice(keys)}", rng.choice(PLATFORMS)))
        answers = ask([{"ask": "marker", "marker": m, "platform": p} for m, p in cases])
        for (marker, platform), answer in zip(cases, answers):
            expected = or_error(lambda: packaging.markers.Marker(marker).evaluate(environments[platform]))
            self.assertEqual(answer, expected, f"{marker!r} on {platform}")
        for outcome in (True, False, "error"):
            self.assertGreater(answers.count(outcome), 300, outcome)


# ---------------------------------------------------------------- tags, wheel names, the choice

def pythons_and_platforms():
    """Each platform's Python (major, minor) and what packaging.tags lists as its platform tags."""
    for python in ((3, 8), (3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14)):
        for minor in (5, 12, 16, 17, 24, 28, 34, 39):
            yield python, f"manylinux_2_{minor}_x86_64", linux_platforms("x86_64", glibc=(2, minor))
            if minor >= 17:
                yield python, f"manylinux_2_{minor}_aarch64", linux_platforms("aarch64", glibc=(2, minor))
        yield python, "linux_x86_64", linux_platforms("x86_64", glibc=(2, 17))
        yield python, "manylinux2010_x86_64", linux_platforms("x86_64", glibc=(2, 12))
        for minor in (0, 1, 2):
            yield python, f"musllinux_1_{minor}_aarch64", linux_platforms("aarch64", musl=(1, minor))
        for version in ((10, 9), (10, 15), (11, 0), (14, 0)):
            name = f"macosx_{version[0]}_{version[1]}"
            yield python, f"{name}_x86_64", mac_platforms(version, "x86_64")
            if version >= (11, 0):
                yield python, f"{name}_arm64", mac_platforms(version, "arm64")
        yield python, "win_amd64", ["win_amd64"]


def linux_platforms(arch, glibc=None, musl=None):
    musl_version = packaging._musllinux._MuslVersion(*musl) if musl else None
    with mock.patch.object(sysconfig, "get_platform", return_value=f"linux-{arch}"), \
         mock.patch.object(packaging._manylinux, "_get_glibc_version",
                           return_value=packaging._manylinux._GLibCVersion(*(glibc or (-1, -1)))), \
         mock.patch.object(packaging._manylinux, "_have_compatible_abi", return_value=bool(glibc)), \
         mock.patch.object(packaging._musllinux, "_get_musl_version", return_value=musl_version):
        tags = list(packaging.tags._linux_platforms(is_32bit=False))
    native = f"linux_{arch}"
    return [native] + [tag for tag in tags if tag != native]  # last before 26.3


def mac_platforms(version, arch):
    # Before 26 a format of three architectures was misspelt fat32.
    return [re.sub(r"_fat32$", "_fat3", tag) for tag in packaging.tags.mac_platforms(version, arch)]


def reference_tags(python, platforms):
    version = f"{python[0]}{python[1]}"
    own = packaging.tags.cpython_tags(python, abis=[f"cp{version}"], platforms=platforms)
    rest = packaging.tags.compatible_tags(python, f"cp{version}", platforms)
    return [str(tag) for tag in (*own, *rest)]


def random_wheel(rng):
    tags = [rng.choice(("py3", "py2.py3", "cp311", "cp310", "cp38", "cp36", "cp312", "pp310")),
            rng.choice(("none", "none", "cp311", "cp310", "abi3", "cp312")),
            ".".join(sorted(set(rng.choice((
                "any", "any", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64",
                "manylinux1_x86_64", "musllinux_1_1_x86_64", "linux_x86_64", "manylinux_2_17_aarch64", "win_amd64",
                "win32", "macosx_10_9_x86_64", "macosx_11_0_arm64", "macosx_10_9_universal2",
                "manylinux_2_35_x86_64")) for _ in range(rng.choice((1, 1, 2, 3))))))]
    build = rng.choice(("", "", "", "1-", "2-", "10-", "2b-"))
    return f"demo-1.0-{build}{'-'.join(tags)}.whl"


def reference_choice(files, tags):
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags)))}
    best = None
    for file in files:
        _, _, build, wheel_tags = packaging.utils.parse_wheel_filename(file)
        fits = [ranks[str(tag)] for tag in wheel_tags if str(tag) in ranks]
        if not fits:
            continue
        # pip, link evaluation: the earliest tag, then the highest build tag.
        if best is None or min(fits) < best[0] or (min(fits) == best[0] and build > best[1]):
            best = (min(fits), build, file)
    return best and best[2]


class Wheels(unittest.TestCase):
    def test_order_of_tags(self):
        rows = list(pythons_and_platforms())
        answers = ask([{"ask": "tags", "platform": f"cp3{python[1]}-{name}"} for python, name, _ in rows])
        for (python, name, platforms), answer in zip(rows, answers):
            self.assertEqual(answer, reference_tags(python, platforms), f"cp3{python[1]}-{name}")
        self.assertGreater(len(rows), 150)

    def test_wheel_names(self):
        rng = random.Random(SEED + 3)
        files = []
        for _ in range(1500):
            file = rng.choice(("demo", "Demo_x", "d.e", "demo__x", "")) + "-" + random_version(rng).replace("-", "_") + \
                random_wheel(rng).removeprefix("demo-1.0")
            files.append(file if rng.random() < 0.8 else file.replace(rng.choice("-._1n"), rng.choice("-.x"), 1))
        for file, answer in zip(files, ask([{"ask": "wheel_name", "file": f} for f in files])):
            expected = or_error(lambda: packaging.utils.parse_wheel_filename(file))
            if expected == "error":
                self.assertIsNone(answer, file)
                continue
            name, version, build, tags = expected
            if answer is None:  # releases before 26.3 take empty names and empty parts of a tag
                self.assertTrue(not EXACT and (file.startswith("-") or ".." in file or "-." in file or ".-" in file
                                               or ".whl" in file[:-4] or file.endswith("..whl")
                                               or not all(t.interpreter.isidentifier() for t in tags)), file)
                continue
            self.assertEqual(packaging.utils.canonicalize_name(answer["name"]), name, file)
            self.assertEqual(Version(answer["version"]), version, file)
            self.assertEqual(bool(answer["build"]), bool(build), file)
            self.assertEqual(set(answer["tags"]), {str(tag) for tag in tags}, file)

    def test_choice_among_random_wheels(self):
        rng = random.Random(SEED + 4)
        tags = dict(zip(PLATFORMS, ask([{"ask": "tags", "platform": p} for p in PLATFORMS])))
        cases = [([random_wheel(rng) for _ in range(rng.randint(1, 8))], rng.choice(PLATFORMS)) for _ in range(3000)]
        answers = ask([{"ask": "choice", "files": f, "platform": p} for f, p in cases])
        for (files, platform), answer in zip(cases, answers):
            self.assertEqual(answer, reference_choice(files, tags[platform]), f"{files} on {platform}")
        self.assertGreater(sum(a is not None for a in answers), 500)


if __name__ == "__main__":
    print(f"packaging {RELEASE}, seed {SEED}")
    unittest.main()
