"""The example project, run from the tree mlship makes of it. Needs the package index for numpy."""

import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.box.variables = {"PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL")}
        cls.project = cls.box.root / "churn"
        shutil.copytree(e2e.source_folder() / "examples/churn", cls.project,
                        ignore=shutil.ignore_patterns("dist", ".mlship", "__pycache__"))
        cls.box.git(cls.project, "init", "-q", "-b", "main")
        e2e.commit(cls.box, cls.project, "churn 1.3.0")
        cls.box.mlship("build", cwd=cls.project)
        cls.box.mlship("publish", cwd=cls.project)
        cls.tree = cls.box.root / "a folder" / "tree"
        cls.tree.parent.mkdir()
        cls.box.mlship("pull", "churn:1.3.0", "--into", cls.tree, cwd=cls.project)

    @classmethod
    def tearDownClass(cls):
        cls.box.close()

    def test_training_again_gives_the_same_bytes(self):
        out = self.box.root / "model"
        self.box.run([self.tree / "bin/train", self.project / "data/customers.csv", out, "1.3.0"])
        self.assertEqual(out.read_bytes(), (self.project / "models/classifier.safetensors").read_bytes())

    def test_scores_as_cron_would_run_it(self):
        link = self.box.root / "score"
        link.symlink_to(self.tree / "bin/score")
        for program in (self.tree / "bin/score", link):
            result = self.box.run(["env", "-i", f"HOME={self.box.home}", "PATH=/usr/bin:/bin", "/bin/sh", "-c",
                                   f"cd / && '{program}' '{self.project}/data/today.csv'"])
            self.assertEqual(result.out, "churn 1.3.0, model of 1.3.0\nc-2001 0.983\nc-2003 0.814\nc-2002 0.082\n")

    def test_the_programs_exit_code_is_passed_on(self):
        self.box.run([self.tree / "bin/score"], exit=2)

    def test_running_it_does_not_change_the_tree(self):
        # pull into the same folder again verifies every file of it.
        self.box.mlship("pull", "churn:1.3.0", "--into", self.tree, cwd=self.project)


if __name__ == "__main__":
    e2e.main()
