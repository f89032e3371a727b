"""Golden tests: what a person sees. Every folder tests/golden/<command>/<case>/ holds

    cmd      a bash script, run with -eu in a fresh folder with a private HOME and mlship on PATH
    stdout   what its standard output must be, after the replacements below
    stderr   the same for standard error
    exit     its exit status

Inside the script `$GOLDEN` is the case's own folder, and `. "$LIB"` gives the helpers of tests/golden/lib.sh: `project`
makes a git project that builds offline, `crontab` a target. Replacements, so that what changes from run to run does not
count (see NORMALISE): the run's folder becomes <TMP>, digests <DIGEST n> numbered in order of appearance (which keeps
"the same" and "another" apart), rollout ids <ROLLOUT n>, plan ids <PLAN>, times <TIME>, durations <SECONDS>, byte
rates, the user and host <WHO>.

MLSHIP_TEST_ACCEPT=1 rewrites stdout, stderr and exit: read the diff before committing it. MLSHIP_GOLDEN=GLOB runs only
the cases whose COMMAND/CASE matches.

One more test compares the error codes of core/error.cpp with what the cases show: a code without a case fails, unless
ELSEWHERE names the test that has it.
"""

import concurrent.futures
import fnmatch
import getpass
import os
import re
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

GOLDEN = e2e.source_folder() / "tests" / "golden"
ACCEPT = os.environ.get("MLSHIP_TEST_ACCEPT") == "1"
ONLY = os.environ.get("MLSHIP_GOLDEN", "*")

# Error codes that need a server, a full disk or a race, and the test that shows each.
ELSEWHERE = {
    "internal": "a bug: nothing reaches it on purpose",
    "unauthorized": "tests/unit/core/http_test.cpp",
    "forbidden": "tests/unit/core/http_test.cpp",
    "http-conflict": "tests/unit/core/http_test.cpp",
    "http-precondition": "tests/unit/core/http_test.cpp",
    "http-refused": "tests/unit/deployers/databricks_api_test.cpp",
    "network": "tests/unit/core/http_test.cpp",
    "rate-limited": "tests/unit/core/http_test.cpp",
    "server-error": "tests/unit/core/http_test.cpp",
    "tls": "tests/unit/core/http_test.cpp",
    "tag-moved": "tests/contract/registry/registry_contract_test.cpp: needs a race",
    "disk-full": "tests/e2e/bad_input_test.py: needs a small tmpfs",
    "read-only": "tests/e2e/bad_input_test.py: needs a read-only mount",
    "file-permission": "tests/e2e/bad_input_test.py: root is denied nothing, and tests run as root too",
    "interrupted": "tests/e2e/cli_test.py: needs a signal",
}

# In this order; each pattern is replaced everywhere in both streams.
NORMALISE = [
    (re.compile(r"\b\d{8}T\d{6}Z-[a-z0-9]+"), "ROLLOUT"),
    (re.compile(r"\bplan-[0-9a-f]{12,64}"), "PLAN"),
    (re.compile(r"sha256:[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"sha256:[0-9a-f]{12}…"), "DIGEST"),
    (re.compile(r"(?<=blobs/sha256/)[0-9a-f]{64}\b"), "DIGEST"),
]
FIXED = [
    # A slow machine says how far a rollout is, a fast one does not.
    (re.compile(r"^\w+ [^\n]*: \d+ of \d+ in \d[^\n]*\n", re.MULTILINE), ""),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<TIME>"),
    (re.compile(r'("seconds": )\d+(\.\d+)?(e-?\d+)?'), r"\1<SECONDS>"),
    (re.compile(r"\b(\d+ min )?\d+ s\b"), "<SECONDS>"),
    (re.compile(r"\bprocess \d+\b"), "process <PID>"),
    (re.compile(r"\.mlship-[A-Za-z0-9]{12}"), ".mlship-<RANDOM>"),
]


class Names:
    """Numbers the values of one kind in the order they appear, the same value with the same number; an abbreviated
    digest has the number of the whole one it begins."""

    def __init__(self):
        self.seen = {}

    def name(self, kind, text):
        hexadecimal = text.removeprefix("sha256:").removesuffix("…")
        key = (kind, hexadecimal[:12] if kind == "DIGEST" else text)
        if key not in self.seen:
            self.seen[key] = sum(1 for k in self.seen if k[0] == kind) + 1
        return f"<{kind} {self.seen[key]}>"


def normalise(text, root, names):
    text = text.replace(str(root), "<TMP>")
    user, host = getpass.getuser(), socket.gethostname()
    text = re.sub(rf"\b{re.escape(user)}@{re.escape(host)}\b", "<WHO>", text)
    text = text.replace(f'"who": "{user}"', '"who": "<USER>"').replace(f'"host": "{host}"', '"host": "<HOST>"')
    for pattern, kind in NORMALISE:
        text = pattern.sub(lambda match, kind=kind: names.name(kind, match.group()), text)
    for pattern, replacement in FIXED:
        text = pattern.sub(replacement, text)
    # Columns are as wide as what stood in them: where something was replaced, runs of blanks say nothing.
    return "".join(squeeze(line) for line in text.splitlines(keepends=True)) if "<" in text else text


def squeeze(line):
    """Inner runs of two or more blanks become two; the indentation stays."""
    lead = len(line) - len(line.lstrip(" "))
    return line[:lead] + re.sub(r" {2,}", "  ", line[lead:])


def run_case(folder):
    with e2e.Sandbox("mlship-golden-") as sandbox:
        work = sandbox.folder("work")
        env = sandbox.environment({"GOLDEN": str(folder), "LIB": str(GOLDEN / "lib.sh"), "COLUMNS": "",
                                   "MLSHIP_SOURCE": str(e2e.source_folder())})
        done = subprocess.run(["bash", "-eu", str(folder / "cmd")], cwd=work, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300, check=False)
        names = Names()
        out = normalise(done.stdout.decode("utf-8", "replace"), sandbox.root, names)
        err = normalise(done.stderr.decode("utf-8", "replace"), sandbox.root, names)
        return {"stdout": out, "stderr": err, "exit": f"{done.returncode}\n"}


def cases():
    found = sorted(path.parent for path in GOLDEN.glob("*/*/cmd"))
    return [c for c in found if fnmatch.fnmatch(str(c.relative_to(GOLDEN)), ONLY)]


def compare(folder, got):
    """Lines that say what differs; with ACCEPT writes what was got instead."""
    lines = []
    for name, text in got.items():
        file = folder / name
        if ACCEPT:
            file.write_text(text, encoding="utf-8")
        wanted = file.read_text(encoding="utf-8") if file.exists() else ""
        if wanted != text:
            lines.append(f"--- {folder.relative_to(GOLDEN)}/{name}, wanted:\n{wanted}--- got:\n{text}")
    return lines


class Golden(unittest.TestCase):
    maxDiff = None

    def test_every_case(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for folder, got in zip(cases(), pool.map(run_case, cases())):
                with self.subTest(case=str(folder.relative_to(GOLDEN))):
                    differing = compare(folder, got)
                    if differing:
                        self.fail("\n".join(differing))

    def test_every_error_code_has_a_case(self):
        table = (e2e.source_folder() / "core" / "error.cpp").read_text(encoding="utf-8")
        codes = set(re.findall(r'^    \{\w+, "([a-z-]+)"', table, re.M))
        self.assertGreater(len(codes), 40)
        shown = set()
        for file in GOLDEN.glob("*/*/stdout"):
            shown.update(re.findall(r'"code": "([a-z-]+)"', file.read_text(encoding="utf-8")))
        for file in GOLDEN.glob("*/*/code"):  # exit 8 prints the run's document; the case says which code it shows
            shown.update(file.read_text(encoding="utf-8").split())
        self.assertEqual(sorted(codes - shown - set(ELSEWHERE)), [], "error codes without a golden case")
        self.assertEqual(sorted(set(ELSEWHERE) - codes), [], "exceptions for codes that do not exist")

    def test_every_command_has_a_case(self):
        commands = {path.stem.replace("_", "-") for path in (e2e.source_folder() / "cli/commands").glob("*.cpp")}
        self.assertEqual(sorted(commands - {path.name for path in GOLDEN.iterdir()}), [])


if __name__ == "__main__":
    e2e.main()
