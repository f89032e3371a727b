"""The first deployment: what a reference names is put there, what is absent is seen, and nothing green is left undone."""

import json
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|\b(mkdir|rename|unlink|link|symlink|truncate|ftruncate|chmod|fchmod|rmdir)(at|at2)?\(")
TARGET = """
[targets.edge]
kind = "cron"
files = ["../cron.d/*"]
install-root = "../opt"
library-path = "../libs"
"""


class FirstDay(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.box.variables["PIP_NO_INDEX"] = "1"
        self.opt = self.box.root / "opt"
        self.libs = self.box.root / "libs"

    def project(self, version="1.4.0", extra=TARGET):
        self.folder = e2e.make_project(self.box, version=version, extra=extra)
        self.publish()

    def publish(self):
        self.box.mlship("build", cwd=self.folder)
        self.box.mlship("publish", cwd=self.folder)

    def next_version(self, version):
        e2e.set_version(self.box, self.folder, version)
        self.publish()

    def job(self, *versions, name="churn", form="{opt}/churn/{version}/bin/score"):
        lines = [f"5 {i} * * * root " + form.format(opt=self.opt, libs=self.libs, version=v) for i, v in enumerate(versions)]
        e2e.write_file(self.box.root / "cron.d" / name, "\n".join(lines) + "\n")

    def says(self, *args, exit=0):
        return self.box.mlship_json(*args, cwd=self.folder, exit=exit)

    def outcomes(self, document):
        return [row["outcome"] for row in document["results"]]

    def broken(self, exit):
        document = self.says("status", exit=exit)
        return [r["broken"] for o in document["objects"] for r in o["references"]]

    def test_the_first_version(self):
        self.project()
        self.job("1.4.0")
        before = e2e.snapshot(self.box.root / "cron.d")
        self.assertEqual(self.broken(8), [True])
        self.assertIn("is not there", json.dumps(self.says("doctor", exit=8)))
        plan = self.says("plan", "--detailed-exitcode", exit=11)
        self.assertEqual([(c["action"], c["from"] == c["to"]) for c in plan["changes"]], [("install", True)])
        self.assertEqual(plan["counts"]["installs"], 1)
        done = self.says("rollout", "--jobs", "--yes")
        self.assertEqual(self.outcomes(done), ["installed"])
        self.assertEqual(done["counts"]["installed"], 1)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.box.root / "cron.d")), [])
        self.box.run([str(self.opt / "churn/1.4.0/bin/score"), "--help"], exit=None)
        self.assertTrue((self.opt / "churn/1.4.0/bin/score").exists())
        self.assertEqual(self.broken(0), [False])
        self.assertEqual(self.says("rollout", "--jobs", "--yes")["results"], [])
        # Nothing was changed, so nothing is undone.
        self.assertEqual(self.says("rollback", "--yes")["results"], [])
        self.assertTrue((self.opt / "churn/1.4.0").exists())

    def remove(self, tree):
        e2e.remove_tree(tree)

    def test_a_tree_that_is_removed_later(self):
        self.project("1.4.0")
        self.job("1.4.0")
        self.says("rollout", "--yes")
        self.next_version("1.5.0")
        self.assertEqual(self.outcomes(self.says("rollout", "--yes")), ["updated"])
        self.remove(self.opt / "churn/1.5.0")
        self.assertEqual(self.broken(8), [True])
        self.assertEqual(self.outcomes(self.says("rollout", "--yes")), ["installed"])
        self.assertEqual(self.broken(0), [False])

    def test_a_rollback_to_a_tree_that_is_gone_says_the_way_back(self):
        self.project("1.4.0")
        self.job("1.4.0")
        self.says("rollout", "--yes")
        self.next_version("1.5.0")
        self.says("rollout", "--yes")
        self.remove(self.opt / "churn/1.4.0")
        [row] = self.says("rollback", "--yes", exit=8)["skipped"]
        self.assertEqual((row["reason"], row["hint"]), ("no-output", "mlship rollback churn --to 1.4.0"))
        self.assertEqual(self.outcomes(self.says(*row["hint"].split()[1:], "--yes")), ["updated"])
        self.assertIn("churn/1.4.0/bin", (self.box.root / "cron.d/churn").read_text())
        self.assertEqual(self.broken(0), [False])

    def test_what_is_installed_is_said_once(self):
        self.project()
        self.job("1.4.0")
        said = self.box.mlship("rollout", "--yes", cwd=self.folder).out
        self.assertIn(f"= {self.opt}/churn/1.4.0  the text stays, what it names is put there\n", said)
        self.assertIn(f"at 1:16: {self.opt}/churn/1.4.0\n", said)

    def test_one_line_that_moves_and_names_what_is_absent(self):
        self.project("1.4.0")
        self.job("1.3.0", form="{opt}/churn/{version}/bin/score {opt}/churn/1.4.0/share")
        done = self.says("rollout", "--yes")
        self.assertEqual(sorted(self.outcomes(done)), ["installed", "updated"])
        self.assertEqual(self.broken(0), [False, False])
        self.box.folder("opt/churn/1.3.0")
        self.says("rollback", "--yes")
        self.assertIn("churn/1.3.0/bin", (self.box.root / "cron.d/churn").read_text())

    def test_a_wheel_in_the_library(self):
        self.project()
        self.libs.mkdir()
        self.job("1.4.0", form="pip install {libs}/churn-{version}-py3-none-any.whl")
        self.assertEqual(self.broken(8), [True])
        self.assertEqual(self.outcomes(self.says("rollout", "--yes")), ["installed"])
        self.assertEqual(len(list(self.libs.glob("*.whl"))), 1)

    def test_a_wheel_that_nobody_may_place(self):
        self.project()
        self.job("1.4.0", form="pip install {opt}/elsewhere/churn-{version}-py3-none-any.whl")
        document = self.says("rollout", "--yes", exit=8)
        self.assertEqual([row["reason"] for row in document["skipped"]], ["broken"])
        self.assertEqual([row["reason"] for row in self.says("plan", exit=8)["skipped"]], ["broken"])

    def test_install_before_anything_refers_to_it(self):
        self.project()
        self.libs.mkdir()
        (self.box.root / "cron.d").mkdir()
        plan = self.says("plan", "--install", "--out", "../plan.json")
        self.assertEqual(sorted(os.path.basename(c["place"]) for c in plan["carriers"]),
                         ["1.4.0", "churn-1.4.0-py3-none-any.whl"])
        self.assertFalse(self.opt.exists())
        done = self.says("rollout", "--plan", "../plan.json", "--yes")
        self.assertEqual(self.outcomes(done), ["installed", "installed"])
        self.assertTrue((self.opt / "churn/1.4.0/bin/score").exists())
        self.assertEqual(self.says("rollout", "--install", "--yes")["results"], [])
        self.says("history")
        self.says("status")
        self.assertEqual(self.says("rollback", "--yes")["results"], [])

    def test_an_installation_that_fails_is_gone_on_with(self):
        self.project()
        self.job("1.4.0")
        e2e.write_file(self.opt, "in the way")
        failed = self.box.mlship("rollout", "--yes", cwd=self.folder, exit=8)
        self.assertIn("1.4.0", failed.out + failed.err)
        self.opt.unlink()
        self.assertEqual(self.outcomes(self.says("rollout", "--yes")), ["installed"])

    def test_what_stays_is_said(self):
        self.project("0.2.0")
        self.job("0.1.0", "0.1.0")
        for how in ([], ["-q"], ["--json"]):
            err = self.box.mlship("rollout", "--jobs", "--yes", *how, cwd=self.folder).err
            self.assertIn("2 older references stay: other-major (below 1.0 every minor counts); mlship plan", err)
            self.assertIn("--compat any", err)
        self.says("rollout", "--jobs", "--yes", "--strict", exit=8)

    def test_what_is_accepted(self):
        self.project("2.0.0", TARGET + 'strict = true\naccept = ["other-major: legacy*"]\n')
        self.job("1.3.0", name="legacy")
        run = self.box.mlship("rollout", "--yes", cwd=self.folder)
        self.assertIn("other-major (accepted)", run.out)
        self.assertNotIn("older", run.err)
        self.assertEqual([(r["accepted"], r["fell_short"]) for r in self.says("plan")["skipped"]], [(True, False)])
        self.job("1.3.0", name="other")
        self.says("rollout", "--yes", exit=8)

    def test_accept_names_a_reason(self):
        for entry, why in (("other-mayor: *", "did you mean 'other-major'?"), ("opaque", "REASON: GLOB")):
            shutil.rmtree(self.box.root / "project", ignore_errors=True)
            self.folder = e2e.make_project(self.box, extra=TARGET + f'accept = ["{entry}"]\n')
            self.assertIn(why, self.box.mlship("status", cwd=self.folder, exit=3).err)

    def test_a_plan_keeps_its_flags(self):
        self.project("2.0.0")
        self.job("1.3.0")
        self.says("plan", "--compat", "any", "--out", "../plan.json")
        err = self.box.mlship("rollout", "--plan", "../plan.json", "--compat", "minor", "--yes", cwd=self.folder, exit=2).err
        self.assertIn("--compat any", err)
        self.assertIn("--compat minor", err)
        self.assertEqual(self.outcomes(self.says("rollout", "--plan", "../plan.json", "--yes")), ["updated"])

    def test_dist_that_is_not_the_build_of_head(self):
        self.folder = e2e.make_project(self.box)
        self.box.mlship("build", cwd=self.folder)
        e2e.write_file(self.folder / "NOTES.md", "nothing that is packed\n")
        e2e.commit(self.box, self.folder, "notes")
        self.box.mlship("publish", cwd=self.folder)
        source = next((self.folder / "src/churn").glob("*.py"))
        source.write_text(source.read_text() + "# mended\n")
        e2e.commit(self.box, self.folder, "mend it")
        refused = self.box.mlship("publish", cwd=self.folder, exit=6).err
        self.assertIn("hint: mlship build", refused)
        self.assertIn("built from", refused)
        self.box.mlship("publish", "--stale", cwd=self.folder)

    def test_what_only_reads_writes_nothing(self):
        e2e.require_program("strace")
        self.project()
        self.job("1.3.0")
        self.says("rollout", "--yes")
        self.next_version("1.5.0")
        trace = self.box.root / "trace"
        for words in (["scan"], ["plan", "--jobs"], ["status"], ["history"], ["list"]):
            self.box.run(["strace", "-f", "-e", "trace=%file,ftruncate,fchmod", "-o", trace, e2e.mlship_binary(), *words],
                         cwd=self.folder, env={"ASAN_OPTIONS": "detect_leaks=0"})
            written = [line for line in trace.read_text(errors="replace").splitlines() if WRITES.search(line) and "/dev/" not in line]
            self.assertEqual(written, [], words)

    def test_registries_written_otherwise(self):
        self.folder = e2e.make_project(self.box)
        shared = self.box.folder("shared")
        for word, wanted in (("127.0.0.1:5011/ml", "oci://127.0.0.1:5011/ml"), ("docker://r.example.com/ml", "oci://r.example.com/ml"),
                             (str(shared), f"layout:{shared}"), ("https://r.example.com/ml", "oci://r.example.com/ml")):
            run = self.box.mlship("list", "--registry", word, cwd=self.folder, exit=None)
            self.assertIn(run.exit, (2, 3), run)
            self.assertIn(f"write {wanted}", run.err)
        self.box.mlship("build", cwd=self.folder)
        self.box.mlship("publish", "--registry", f"layout:{shared}", cwd=self.folder)
        again = self.box.mlship_json("publish", "--registry", f"layout:{shared}/", cwd=self.folder)
        self.assertEqual((again["status"], again["registry"]), ("unchanged", f"layout:{shared}"))


if __name__ == "__main__":
    e2e.main()
