"""A library-path or install-root that nothing can be put into is found by `plan`, before anybody says yes."""

import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

SETTINGS = """
[outputs]
wheel = true

[targets.edge]
kind = "{kind}"
files = ["{root}/edge/*"]
library-path = "{root}/libs/churn"
install-root = "{root}/opt/apps"
"""


def missing_parent(place):
    e2e.remove_tree(place.parent)
    place.parent.parent.chmod(0o555)


def read_only(place):
    place.chmod(0o555)


def anothers(place):
    os.chown(place, 0, 0)
    place.chmod(0o755)


def a_file(place):
    e2e.remove_tree(place)
    place.write_text("no folder\n")


def a_file_above(place):
    e2e.remove_tree(place.parent)
    place.parent.write_text("no folder\n")


def a_dangling_link(place):
    e2e.remove_tree(place)
    place.symlink_to("/nowhere/at/all")


DAMAGES = [missing_parent, read_only, anothers, a_file, a_file_above, a_dangling_link]


class LibraryPath(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        root = self.box.root
        self.program = root / "mlship"
        shutil.copy(e2e.mlship_binary(), self.program)
        self.kinds = {}
        for kind in ("cron", "files"):
            folder = self.box.folder(kind)
            project = e2e.make_project(self.box, folder=f"{kind}/project", version="1.4.0",
                                       extra=SETTINGS.format(root=folder, kind=kind))
            self.box.mlship("build", cwd=project)
            self.box.mlship("publish", cwd=project)
            self.kinds[kind] = project

    def references(self, folder):
        folder.chmod(0o755)
        self.box.run(["rm", "-rf", folder / "libs", folder / "opt", folder / "edge"])
        for part in ("libs/churn", "opt/apps", "edge"):
            (folder / part).mkdir(parents=True)
        return e2e.write_file(folder / "edge/jobs",
                              f"1 2 * * * root run {folder}/libs/churn/churn-1.3.0-py3-none-any.whl\n"
                              f"3 4 * * * root {folder}/opt/apps/churn/1.3.0/bin/score\n")

    def as_nobody(self, project, *args):
        return self.box.run([*e2e.NOBODY, self.program, *args], cwd=project, exit=None)

    def test_found_by_the_plan(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        e2e.require_able(e2e.NOBODY)
        found = 0
        for kind, project in self.kinds.items():
            folder = self.box.root / kind
            for place, needs_it in (("libs/churn", ".whl"), ("opt/apps", "bin/score")):
                for damage in DAMAGES:
                    with self.subTest(kind=kind, place=place, damage=damage.__name__):
                        jobs = self.references(folder)
                        self.box.run(["chown", "-R", "65534:65534", self.box.root])
                        damage(folder / place)
                        self.check(project, jobs, folder / place, needs_it)
                        found += 1
        self.assertEqual(found, 2 * 2 * len(DAMAGES))

    def check(self, project, jobs, place, needs_it):
        lines = jobs.read_text().splitlines()
        planned = self.as_nobody(project, "plan", "--json")
        self.assertIn(planned.exit, (0, 8), planned)
        plan = planned.json()
        self.assertEqual([row["reason"] for row in plan["skipped"]], ["no-permission"], planned)
        self.assertIn(str(place.parent.parent), plan["skipped"][0]["detail"])
        self.assertEqual(len(plan["changes"]), 1, planned)
        # What needs the folder stays, what does not moves; nothing fails after the yes.
        rolled = self.as_nobody(project, "rollout", "--yes", "--json")
        self.assertEqual(rolled.exit, 8, rolled)
        self.assertEqual([row["outcome"] for row in rolled.json()["results"]], ["updated"], rolled)
        expected = [line if needs_it in line else line.replace("1.3.0", "1.4.0") for line in lines]
        self.assertEqual(jobs.read_text().splitlines(), expected)


if __name__ == "__main__":
    e2e.main()
