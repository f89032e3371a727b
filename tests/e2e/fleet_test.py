"""The plan equals an independently written expected list, on generated fleets of crontabs and text files.

The generator below knows what it writes: for every line it notes which text must become which, and why others stay.
It shares no code with mlship. After the rollout only the expected spans differ, byte for byte; mode and owner stay.
"""

import json
import os
import random
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

NEW = "1.4.0"
OLDER = ["1.3.0", "1.0.9", "1.0.10", "1.2.10", "1.2.1", "1.4.0rc1", "1.3.0.post1", "1.3.0+build.7", "1.4.0.dev3"]
STAY = {"1.4.0": "same-version", "1.4": "same-version", "1.4.1": "newer", "1.10.0": "newer", "2.0.0": "newer",
        "0.9.0": "other-major", "1.3.0+cu118": "other-build"}
LOOKALIKES = ["churn-plus", "churn_plus", "my-churn", "xchurn", "churn2", "churnx"]


class Line:
    """Bytes of one line; `new` is what it must be after the rollout; moved and skipped are what the plan must say."""

    def __init__(self, old, new=None, moved=(), skipped=()):
        self.old, self.new = old, new if new is not None else old
        self.moved, self.skipped = list(moved), list(skipped)


class Generator:
    def __init__(self, seed, root):
        self.dice, self.root = random.Random(seed), root

    def pick(self, values):
        return self.dice.choice(list(values))

    def reference(self, version, package="churn"):
        """(text with the version, the same with NEW) in one of the forms the targets of this test move."""
        form = self.pick(["folder", "folder", "wheel", "pin"])
        if form == "folder":
            tail = self.pick(["/bin/score", "/bin/train", "/models/classifier.safetensors", ""])
            return tuple(f"{self.root}/opt/{package}/{v}{tail}" for v in (version, NEW))
        if form == "wheel":
            name = package.replace("-", "_")
            tag = self.pick(["py3-none-any", "py3-none-any"])
            return tuple(f"{self.root}/libs/{name}-{v}-{tag}.whl" for v in (version, NEW))
        spelled = {"churn": self.pick(["churn", "Churn", "CHURN"])}.get(package, package)
        extra = self.pick(["", "", "[train]"])
        return tuple(f"{spelled}{extra}=={v}" for v in (version, NEW))

    def mention(self):
        """(old text, new text, moved, skipped) of one mention on a line."""
        kind = self.dice.random()
        if kind < 0.5:
            version = self.pick(OLDER)
            old, new = self.reference(version)
            return old, new, [version], []
        if kind < 0.7:
            version, reason = self.pick(STAY.items())
            old, _ = self.reference(version)
            return old, old, [], [reason]
        if kind < 0.8:
            return "churn>=1.2,<2", "churn>=1.2,<2", [], ["range"]
        old, _ = self.reference(self.pick(OLDER), self.pick(LOOKALIKES))
        return old, old, [], []

    def mentions(self):
        """A line's middle with one to three mentions, some in quotes."""
        old, new, moved, skipped = [], [], [], []
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            a, b, m, s = self.mention()
            quote = self.pick(["", "", "'", '"'])
            old.append(quote + a + quote)
            new.append(quote + b + quote)
            moved += m
            skipped += s
        between = self.pick([" ", "  ", " --with "])
        return between.join(old), between.join(new), moved, skipped

    def crontab_line(self):
        kind = self.dice.random()
        if kind < 0.15:
            return Line(f"# disabled: {self.reference('1.3.0')[0]} \u00e4".encode("latin-1"))
        if kind < 0.2:
            return Line(b"" if self.dice.random() < 0.5 else b"   \t")
        if kind < 0.27:
            return Line(b'LABEL="\xff\xfe not utf-8"')
        if kind < 0.34:
            old, new = (f"PATH={self.root}/opt/churn/{v}/bin:/usr/bin:/bin" for v in ("1.2.1", NEW))
            return Line(old.encode(), new.encode(), ["1.2.1"])
        schedule = self.pick(["5 4 * * *", "*/5  * * * 1-5", "@daily", "0 0 1 jan *", "@reboot"])
        lead = self.pick(["", "", "  ", "\t"])
        old, new, moved, skipped = self.mentions()
        # What follows an unescaped % is the command's standard input, not the command.
        tail = self.pick(["", "", " > /dev/null 2>&1", " \\% done", f" % {self.reference('1.3.0')[0]}", " # churn"])
        first = f"{lead}{schedule}\t{self.pick(['root', 'nobody'])}  run "
        junk = self.pick([b"", b"", b" \xe9\xff"])
        return Line((first + old).encode() + junk + tail.encode(), (first + new).encode() + junk + tail.encode(),
                    moved, skipped)

    def text_line(self):
        old, new, moved, skipped = self.mentions()
        lead = self.pick(["", "# ", "  - ", "key: "])
        return Line((lead + old).encode() + b" \xff", (lead + new).encode() + b" \xff", moved, skipped)

    def file(self, make, whole=False):
        """Lines, what parts them and what ends the last one; whole=True: each line ends (cron reads no other file)."""
        end = self.pick([b"\n", b"\n", b"\r\n"])
        last = end if whole else self.pick([end, end, b""])
        return [make() for _ in range(self.dice.randint(1, 12))], end, last


def joined(lines, end, last, which):
    return end.join(getattr(line, which) for line in lines) + (last if lines else b"")


CONFIGURATION = """
[targets.cron]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"
library-path = "{root}/libs"
trust-pins = true

[targets.texts]
kind = "files"
files = ["{root}/etc/**/*.conf"]
install-root = "{root}/opt"
library-path = "{root}/libs"
trust-pins = true

[outputs]
wheel = true
"""


def published(box):
    """A project with 1.4.0 published and the two targets configured; nothing rolled out."""
    for folder in ("cron.d", "etc", "libs", "opt"):
        box.folder(folder)
    project = e2e.make_project(box, version=NEW, extra=CONFIGURATION.format(root=box.root))
    box.mlship("build", cwd=project)
    box.mlship("publish", cwd=project)
    # What names 1.4.0 already finds it there.
    box.mlship("rollout", "--install", "--yes", cwd=project)
    return project


class Fleet(unittest.TestCase):
    def generate(self, box, seed):
        """Writes the fleet; returns {path: (lines, end, last)}."""
        generator, fleet = Generator(seed, box.root), {}
        for number in range(4):
            fleet[box.root / f"cron.d/jobs{number}"] = generator.file(generator.crontab_line, whole=True)
            fleet[box.root / f"etc/app{number % 2}/x{number}.conf"] = generator.file(generator.text_line)
        for path, (lines, end, last) in fleet.items():
            e2e.write_file(path, joined(lines, end, last, "old"), generator.pick([0o644, 0o600, 0o640]))
            if os.getuid() == 0:
                os.chown(path, generator.pick([0, 65534]), generator.pick([0, 65534]))
        return fleet

    def check_plan(self, plan, fleet):
        moved, skipped = {}, {}
        for change in plan["changes"]:
            path, line = where(change)
            moved.setdefault((path, line), []).append(change["from_version"])
            lines, end, last = fleet[path]
            column = int(change["path"].split(":")[1])
            text = change["from"].encode()
            self.assertEqual(lines[line - 1].old[column - 1:][:len(text)], text, change)
        for skip in plan["skipped"]:
            path, line = where(skip)
            skipped.setdefault((path, line), []).append(skip["reason"])
        expected_moved = {(path, number): line.moved for path, (lines, _, _) in fleet.items()
                          for number, line in enumerate(lines, 1) if line.moved}
        expected_skipped = {(path, number): sorted(line.skipped) for path, (lines, _, _) in fleet.items()
                            for number, line in enumerate(lines, 1) if line.skipped}
        self.assertEqual(moved, expected_moved)
        self.assertEqual({key: sorted(value) for key, value in skipped.items()}, expected_skipped)

    def test_plan_and_rollout_equal_the_expected_list(self):
        with e2e.Sandbox() as box:
            project = published(box)
            changes = 0
            for seed in range(int(os.environ.get("MLSHIP_FLEETS", "25"))):
                with self.subTest(seed=seed):
                    changes += self.one_fleet(box, project, seed)
            print(f"\n{changes} references planned and rolled out", file=sys.stderr)
            self.assertGreater(changes, 100)

    def one_fleet(self, box, project, seed):
        for folder in ("cron.d", "etc"):
            e2e.remove_tree(box.root / folder)
        fleet = self.generate(box, seed)
        # The way back leads only to what is still there: the old versions' trees and wheels.
        for version in [*OLDER, "1.4"]:
            box.folder(f"opt/churn/{version}")
            e2e.write_file(box.root / f"libs/churn-{version}-py3-none-any.whl", "old")
        before = {path: os.stat(path) for path in fleet}
        snapshot = e2e.snapshot(box.root / "cron.d"), e2e.snapshot(box.root / "etc")
        plan = box.mlship_json("plan", cwd=project)
        self.check_plan(plan, fleet)
        self.assertEqual((e2e.snapshot(box.root / "cron.d"), e2e.snapshot(box.root / "etc")), snapshot)
        result = box.mlship_json("rollout", "--yes", cwd=project)
        self.assertTrue(all(r["outcome"] == "updated" for r in result["results"]), result["results"])
        for path, (lines, end, last) in fleet.items():
            self.assertEqual(path.read_bytes(), joined(lines, end, last, "new"), path)
            now = os.stat(path)
            self.assertEqual((now.st_mode, now.st_uid, now.st_gid),
                             (before[path].st_mode, before[path].st_uid, before[path].st_gid), path)
        self.assertEqual(box.mlship_json("plan", cwd=project)["changes"], [])
        if plan["changes"]:
            box.mlship("rollback", "--yes", cwd=project)
            self.assertEqual((e2e.snapshot(box.root / "cron.d"), e2e.snapshot(box.root / "etc")), snapshot)
            box.mlship("rollback", f"churn:{NEW}", "--release-hold", cwd=project)
        return len(plan["changes"])


def where(row):
    """(file, line number) of a change or skip; its object starts with the file, its path is line:column."""
    import pathlib
    line = int(row["path"].split(":")[0])
    name = row["object"]["id"]
    path = name if os.path.exists(name) else name.rpartition(":")[0]
    return pathlib.Path(path), line


class ForeignEdits(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.project = published(self.box)
        self.file = self.box.root / "cron.d/jobs"
        opt = self.box.root / "opt"
        self.lines = [f"{n} 1 * * * root {opt}/churn/1.3.0/bin/score --job {n}\n" for n in range(3)]
        e2e.write_file(self.file, "".join(self.lines))

    def test_between_plan_and_rollout(self):
        plan = self.box.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        # Job 0: its reference changed; a new line above; job 1: another part of its line changed; job 2 as it was.
        edited = ["# by hand\n", self.lines[0].replace("1.3.0", "1.2.0"), self.lines[1].replace("1 1 *", "7 7 *"),
                  self.lines[2]]
        e2e.write_file(self.file, "".join(edited))
        result = self.box.mlship("rollout", "--plan", plan, "--yes", "--json", cwd=self.project, exit=8).json()
        text = self.file.read_text().splitlines(keepends=True)
        self.assertEqual(text[:2], edited[:2], "what somebody else wrote stays")
        self.assertEqual(text[2:], [line.replace("1.3.0", NEW) for line in edited[2:]])
        outcomes = [r["outcome"] for r in result["results"]] + [s["reason"] for s in result["skipped"]]
        self.assertEqual(sorted(outcomes), ["conflict", "updated", "updated"])

    def test_a_stale_plan_changes_nothing(self):
        plan = self.box.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        e2e.write_file(self.file, "".join(line.replace("1.3.0", "1.2.0") for line in self.lines))
        before = e2e.snapshot(self.file.parent)
        result = self.box.mlship("rollout", "--plan", plan, "--yes", cwd=self.project, exit=6)
        self.assertIn("nothing of it fits what is live", result.err)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.file.parent)), [])

    def test_between_read_and_swap(self):
        e2e.require_program("strace")
        # strace holds every exchange for a second; the edit lands in that window, by rename and in place.
        for way in ("rename", "in place"):
            with self.subTest(way=way):
                e2e.write_file(self.file, "".join(self.lines))
                log = self.box.root / "trace"
                argv = ["strace", "-f", "-qq", "-o", log, "-e", "trace=renameat2", "-e",
                        "inject=renameat2:delay_enter=1000000:when=1+", e2e.mlship_binary(), "rollout", "--yes", "--json"]
                log.unlink(missing_ok=True)
                process = subprocess.Popen([str(a) for a in argv], cwd=self.project, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE,
                                           env=self.box.environment({"ASAN_OPTIONS": "detect_leaks=0"}))
                self.wait_for_temporary_file(process)
                # A comment and another version in job 0: the other jobs are read again and written.
                edited = ["# somebody else\n", self.lines[0].replace("1.3.0", "1.2.0"), *self.lines[1:]]
                foreign = "".join(edited)
                if way == "rename":
                    e2e.write_file(self.box.root / "cron.new", foreign)
                    os.rename(self.box.root / "cron.new", self.file)
                else:
                    self.file.write_text(foreign)
                out, err = process.communicate(timeout=120)
                result = json.loads(out)
                self.assertEqual(self.file.read_text(), foreign.replace("1.3.0", NEW), "the foreign edit stays")
                conflicts = [r for r in result["results"] if r["outcome"] == "conflict"]
                self.assertEqual(len(conflicts), 1, result["results"])
                self.assertEqual(process.returncode, 8, err)
                self.assertEqual([p.name for p in self.file.parent.iterdir()], ["jobs"], "nothing left behind")
                # The next run takes up what is left.
                self.box.mlship("rollout", "--yes", cwd=self.project)
                self.assertEqual(self.file.read_text(), foreign.replace("1.3.0", NEW).replace("1.2.0", NEW))
                self.box.mlship("rollback", "--to", "1.3.0", "--yes", cwd=self.project, exit=None)
                self.box.mlship("rollback", f"churn:{NEW}", "--release-hold", cwd=self.project, exit=None)

    def wait_for_temporary_file(self, process):
        """The swap's temporary file stands beside the crontab while strace holds the exchange."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if any(p.name.startswith(".") for p in self.file.parent.iterdir()):
                time.sleep(0.3)  # the file is written and synced before the exchange is entered
                return
            time.sleep(0.01)
        self.fail("no temporary file appeared")


if __name__ == "__main__":
    e2e.main()
