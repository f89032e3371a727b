"""All changes of one file are one write: as many exchanges as files, whatever stands in them, forth and back."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

ROOT = 'install-root = "{root}/opt"'
TARGETS = (e2e.file_target("cron", "cron", "cron.d/*", ROOT) + e2e.file_target("stacks", "compose", "stacks/*.yaml", ROOT) +
           e2e.file_target("texts", "files", "texts/*", ROOT))
ENTRIES = 1_300  # of one crontab: more than a wave of other objects holds


def exchanges(box, project, *args):
    """How often a file was exchanged for another while mlship ran, and how many files were made beside one."""
    log = box.root / "strace.log"
    box.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=renameat2", "-e", "signal=none", e2e.mlship_binary(), *args],
            cwd=project, env={"ASAN_OPTIONS": "detect_leaks=0"}, timeout=900)
    return len(re.findall(r"RENAME_EXCHANGE", log.read_text(errors="replace")))


class OneWrite(unittest.TestCase):
    def setUp(self):
        e2e.require_program("strace")
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        root = self.box.root
        program = f"{root}/opt/churn/1.3.0/bin/score"
        e2e.write_file(root / "opt/churn/1.3.0/bin/score", "")
        e2e.write_file(root / "cron.d/many", "".join(f"{n % 60} 1 * * * root {program} --job {n}\n" for n in range(ENTRIES)))
        e2e.write_file(root / "cron.d/same", f"@daily root {program}\n" * 40)
        e2e.write_file(root / "stacks/jobs.yaml", "services:\n" + "".join(
            f"  s{n}:\n    image: busybox\n    command: [{program}, --job, '{n}']\n" for n in range(40)))
        e2e.write_file(root / "texts/list", f"run {program} --twice {program}\n" * 300)
        self.project = e2e.make_project(self.box, version="1.4.0", extra=TARGETS.format(root=root))
        self.box.mlship("build", cwd=self.project)
        self.box.mlship("publish", cwd=self.project)
        self.old = e2e.snapshot(root)

    def text(self):
        return {path: (self.box.root / path).read_text() for path in ("cron.d/many", "cron.d/same", "stacks/jobs.yaml", "texts/list")}

    def test_forth_and_back(self):
        old = self.text()
        self.assertEqual(exchanges(self.box, self.project, "rollout", "--yes"), len(old))
        self.assertEqual(self.text(), {path: text.replace("1.3.0", "1.4.0") for path, text in old.items()})
        self.assertEqual(exchanges(self.box, self.project, "rollback", "--yes"), len(old))
        self.assertEqual(self.text(), old)

    def test_waves_that_were_asked_for_stay_as_they_are(self):
        made = exchanges(self.box, self.project, "rollout", "--yes", "--jobs=many:*", "--canary", "3", "--wave", "1000")
        self.assertLessEqual(made, 4)
        self.assertGreaterEqual(made, 3)
        self.assertNotIn("1.3.0", self.text()["cron.d/many"])

    def test_one_entry_that_is_somebody_elses_now_keeps_no_other(self):
        plan = self.box.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        many = self.box.root / "cron.d/many"
        lines = many.read_text().splitlines(keepends=True)
        lines[7] = lines[7].replace("1.3.0", "1.1.0")
        many.write_text("# by hand\n" + "".join(lines))
        run = self.box.mlship("rollout", "--plan", plan, "--yes", "--json", cwd=self.project, exit=8)
        self.assertEqual(many.read_text().count("1.4.0"), ENTRIES - 1)
        self.assertIn("/opt/churn/1.1.0/", many.read_text())
        conflicts = [row for row in run.json()["skipped"] if row["reason"] == "conflict"]
        self.assertEqual(len(conflicts), 1)


if __name__ == "__main__":
    e2e.main()
