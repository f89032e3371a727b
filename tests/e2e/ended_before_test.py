"""`rollout … || rollback` of a pipeline: a rollout that ends before it begins is on record where it matters, so that the
rollback after it takes no good version back. Over a ledger in a folder and one in git."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import git_server

SETTINGS = """
[registries.shared]
url = "layout:{root}/registry"

[targets.edge]
kind = "files"
trust-pins = true
files = ["{root}/edge/*.txt"]

[environments.prod]
registry = "shared"
targets = ["edge"]
ledger = "{ledger}"
"""


class EndedBefore:
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        root = self.box.root
        self.project = e2e.make_project(self.box, version="1.2.0", extra=SETTINGS.format(root=root, ledger=self.ledger()))
        for version in ("1.2.0", "1.3.0", "1.4.0"):
            if version != "1.2.0":
                e2e.set_version(self.box, self.project, version)
            self.run_mlship("build")
            self.run_mlship("publish")
        self.job = e2e.write_file(root / "edge/job.txt", "churn==1.2.0\n")
        self.run_mlship("rollout", "churn:1.3.0", "--yes")
        self.run_mlship("rollout", "churn:1.4.0", "--yes")

    def run_mlship(self, *args, exit=0):
        return self.box.mlship(*args, cwd=self.project, exit=exit)

    def states(self):
        return [entry["state"] for entry in self.run_mlship("history", "--json").json()["entries"]]

    def stands(self, version):
        self.assertEqual(self.job.read_text(), f"churn=={version}\n")

    def without_registry(self):
        registry = self.box.root / "registry"
        registry.rename(self.box.root / "away")
        return lambda: (self.box.root / "away").rename(registry)

    def fails(self, *args, exits, around=lambda: None):
        before = self.states()
        mend = around() or (lambda: None)
        failed = self.run_mlship("rollout", *args, "--yes", exit=None)
        mend()
        self.assertIn(failed.exit, exits, failed)
        self.assertEqual(self.states(), ["failed", *before])
        said = self.run_mlship("rollback", "--yes")
        self.assertIn("nothing to undo", said.out)
        self.assertIn("mlship rollback --rollout", said.out)
        self.stands("1.4.0")
        # Every night: one record is enough.
        mend = around() or (lambda: None)
        self.run_mlship("rollout", *args, "--yes", exit=None)
        mend()
        self.assertEqual(self.states(), ["failed", *before])
        self.run_mlship("history", "--verify")

    def test_a_version_that_is_not_there(self):
        self.fails("churn:1.9.0", exits=(5,))

    def test_a_tag_that_is_not_there(self):
        self.fails("churn:nightly", exits=(5,))

    def test_a_registry_that_is_away(self):
        self.fails("churn:1.2.0", exits=(5, 7), around=self.without_registry)

    def test_a_name_that_no_job_has(self):
        self.fails("churn:1.3.0", "--jobs=no-such-job", exits=(5,))

    def test_a_plan_file_that_cannot_be_read(self):
        e2e.write_file(self.box.root / "broken.json", "{}")
        self.fails("--plan", self.box.root / "broken.json", exits=(2, 3, 5, 6))

    def test_nothing_to_resume(self):
        self.fails("--resume", exits=(5,))

    def test_a_rollout_that_finds_its_version_in_place_stands_for_the_try_before(self):
        before = self.states()
        self.run_mlship("rollout", "--resume", "--yes", exit=5)
        self.run_mlship("rollout", "churn:1.4.0", "--yes")
        self.assertEqual(self.states(), ["committed", "failed", *before])
        self.run_mlship("rollback", "--yes")
        self.stands("1.3.0")
        # The rollback run again takes no good version back.
        self.assertIn("nothing to undo", self.run_mlship("rollback", "--yes").out)
        self.stands("1.3.0")

    def test_a_held_version_and_a_good_rollout_after_it(self):
        self.run_mlship("rollback", "--yes")
        self.stands("1.3.0")
        self.run_mlship("rollout", "churn:1.4.0", "--yes", exit=6)
        self.assertIn("nothing to undo", self.run_mlship("rollback", "--yes").out)
        self.stands("1.3.0")
        self.run_mlship("rollback", "churn:1.4.0", "--release-hold")
        self.run_mlship("rollout", "churn:1.4.0", "--yes")
        self.run_mlship("rollback", "--yes")
        self.stands("1.3.0")

    def test_what_is_no_attempt(self):
        before = self.states()
        self.run_mlship("plan", "churn:1.9.0", exit=5)
        e2e.write_file(self.job, "churn==1.2.0\n")
        self.run_mlship("rollout", "churn:1.4.0", exit=None)  # nobody to ask
        self.assertEqual(self.states(), before)
        e2e.write_file(self.job, "churn==1.4.0\n")
        self.run_mlship("rollback", "--yes")
        self.stands("1.3.0")


class InAFolder(EndedBefore, unittest.TestCase):
    def ledger(self):
        return self.box.root / "ledger"


class InGit(EndedBefore, unittest.TestCase):
    def ledger(self):
        return f"git+file://{git_server.make_repository(self.box, self.box.root / 'ledger.git')}"


if __name__ == "__main__":
    e2e.main()
