"""`pull --into` a folder in which a tree of the package stands: what others put there is never removed."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e


class Pull(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.project = e2e.make_project(self.box, version="1.2.0")
        for version in ("1.3.0", "1.4.0"):
            e2e.set_version(self.box, self.project, version)
            self.box.mlship("build", cwd=self.project)
            self.box.mlship("publish", cwd=self.project)
        self.tree = self.box.root / "tree"
        self.pull("1.3.0")

    def pull(self, version, exit=0):
        return self.box.mlship("pull", f"churn:{version}", "--into", self.tree, cwd=self.project, exit=exit)

    def test_files_of_others_are_named_and_stay(self):
        for path in (".env", "models/tuned.bin", ".mlship/notes", "logs/a/b.log"):
            with self.subTest(path):
                e2e.write_file(self.tree / path, "mine\n")
                for version in ("1.4.0", "1.3.0"):
                    self.assertIn(path, self.pull(version, exit=6).err)
                self.assertEqual((self.tree / path).read_text(), "mine\n")
                (self.tree / path).unlink()

    def test_a_link_of_others_stays(self):
        (self.tree / "data").symlink_to("/var/lib/data")
        self.assertIn("data", self.pull("1.4.0", exit=6).err)
        self.assertTrue((self.tree / "data").is_symlink())

    def test_without_its_list_nothing_is_known_to_be_mlships(self):
        (self.tree / ".mlship/tree.json").write_text("{")
        self.assertIn("bin/score", self.pull("1.4.0", exit=6).err)

    def test_the_next_version_replaces_a_tree_and_its_caches(self):
        for path in (".pycache/a.pyc", "lib/__pycache__/b.pyc"):
            e2e.write_file(self.tree / path, "")
        self.pull("1.4.0")
        self.assertEqual(self.pull("1.4.0").out.count("unchanged"), 1)


if __name__ == "__main__":
    e2e.main()
