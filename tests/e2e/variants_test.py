"""Several builds of one version: published together or one after the other, each reference moves to the one that runs where the
old one ran, on this host and in a Databricks workspace."""

import concurrent.futures
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import databricks
import e2e

TARGETS = e2e.file_target("conf", "files", "conf/*", 'library-path = "{root}/libs"') + """
[registries.dev]
url = "layout:{root}/dev"

[registries.prod]
url = "layout:{root}/prod"

[environments.dev]
registry = "dev"
targets = ["conf"]

[environments.prod]
registry = "prod"
targets = ["conf"]
"""
ARM, X86 = "cp310-cp310-manylinux_2_17_aarch64", "cp310-cp310-manylinux_2_17_x86_64"


class Variants(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.root = self.box.root
        for name in ("conf", "libs", "dist", "empty", "home/.cache/mlship/tmp"):
            self.box.folder(name)
        e2e.write_file(self.box.home / ".config/mlship/config.toml", TARGETS.format(root=self.root))

    def mlship(self, *args, **how):
        return self.box.mlship(*args, "--env", "dev", cwd=self.root / "empty", **how)

    def document(self, *args, **how):
        return self.mlship(*args, "--json", **how).json()

    def publish(self, *files, **how):
        return self.document("publish", *(word for file in files for word in ("--artifact", file)), **how)

    def wheel(self, version, tag, folder="dist"):
        return e2e.write_wheel(self.root / folder, "churn", version, {"churn/__init__.py": f"TAG = '{version} {tag}'\n"}, tag=tag)

    def jar(self, version, scala="", classifier="", folder="dist"):
        return e2e.write_jar(self.root / folder, "churn", version, [(f"churn{scala}", version)],
                             f"churn{scala}-{version}{classifier}.jar")

    def conf(self, *files):
        for file in files:
            e2e.write_file(self.root / "libs" / file, "an old one")
        return e2e.write_file(self.root / "conf/app.conf", "".join(f"lib={self.root}/libs/{file}\n" for file in files))

    # ------------------------------------------------------------ publishing

    def test_files_of_one_version_are_published_together_or_one_after_the_other(self):
        x86, arm, new = self.wheel("1.4.0", X86), self.wheel("1.4.0", ARM), self.wheel("1.4.0", "cp312-cp312-win_amd64")
        first = self.publish(x86, arm)
        self.assertEqual([(f["filename"], f["status"]) for f in first["files"]], [(arm.name, "published"), (x86.name, "published")])
        later = self.publish(new)
        self.assertEqual((later["digest"], later["status"]), (first["digest"], "published"))
        again = self.publish(new, x86, arm)
        self.assertEqual((again["digest"], again["status"], again["uploaded"]["bytes"]), (first["digest"], "unchanged", 0))
        rows = self.document("list", "churn")["packages"][0]["versions"]
        self.assertEqual([(r["version"], r["digest"], r["further"], r["tags"]) for r in rows], [("1.4.0", first["digest"], 2, [])])
        names = [o["filename"] for o in self.document("inspect", "churn:1.4.0")["outputs"]]
        self.assertEqual(names, [arm.name, x86.name, new.name])
        self.assertGreater(self.document("verify", "churn:1.4.0")["blobs"], 6)

    def test_diff_compares_all_files_of_a_version(self):
        old = self.wheel("1.3.0", X86)
        self.publish(old)
        new = [self.wheel("1.4.0", tag) for tag in (X86, ARM, "cp312-cp312-win_amd64")]
        for file in new:
            self.publish(file)
        sources = self.jar("1.4.0", "_2.13", "-sources")
        self.publish(sources)
        rows = self.document("diff", "churn:1.3.0", "churn:1.4.0")["files"]
        named = {change: sorted(r["path"].rpartition("/")[2] for r in rows if r["change"] == change) for change in
                 ("added", "removed", "changed")}
        self.assertEqual(named, {"added": sorted(file.name for file in [*new, sources]), "removed": [old.name], "changed": []})
        same = self.document("diff", "churn:1.4.0", "churn:1.4.0")
        self.assertEqual((same["identical"], same["files"]), (True, []))
        self.assertIn("added", self.mlship("diff", "churn:1.3.0", "churn:1.4.0").out)

    def test_a_file_never_changes_and_no_two_are_the_same_build(self):
        x86, arm = self.wheel("1.4.0", X86), self.wheel("1.4.0", ARM)
        first = self.publish(x86, arm)
        before = e2e.snapshot(self.root / "dev")
        for file in (e2e.write_wheel(self.root / "other", "churn", "1.4.0", {"churn/__init__.py": "other"}, tag=ARM),
                     e2e.write_wheel(self.root / "other", "churn", "1.4.0", {"churn/__init__.py": "other"}, tag=X86),
                     shutil.copy(arm, self.root / f"Churn-1.4.0-{ARM}.whl")):
            error = self.publish(file, exit=6)
            self.assertIn("version exists with another digest", error["message"])
        error = self.publish(x86, self.wheel("1.5.0", ARM), exit=2)
        self.assertIn("several versions", error["message"])
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.root / "dev")), [])
        self.assertEqual(self.publish(arm)["digest"], first["digest"])

    def test_files_of_several_kinds_are_one_version(self):
        wheel, jar = self.wheel("1.4.0", "py3-none-any"), self.jar("1.4.0", "_2.13")
        sources, egg = self.jar("1.4.0", "_2.13", "-sources"), e2e.write_egg(self.root / "dist", "churn", "1.4.0")
        first = self.publish(wheel, jar)
        self.assertEqual([(f["kind"], f["status"]) for f in first["files"]], [("wheel", "published"), ("jar", "published")])
        self.assertEqual(self.publish(egg)["digest"], first["digest"])
        self.assertEqual(self.publish(sources, jar)["status"], "published")
        self.assertEqual(self.publish(egg, wheel, jar, sources)["status"], "unchanged")
        for other in (e2e.write_jar(self.root / "other", "churn", "1.4.0", [("churn_2.13", "1.4.0"), ("gson", "2")],
                                    "churn_2.13-1.4.0.jar"),
                      e2e.write_wheel(self.root / "other", "churn", "1.4.0", {"churn/__init__.py": "other"})):
            self.assertIn("another digest", self.publish(other, exit=6)["message"])
        for kind, file in (("wheel", wheel), ("egg", egg)):
            self.mlship("pull", "churn:1.4.0", "--kind", kind, "--into", str(self.root / "out"))
            self.assertEqual((self.root / "out" / file.name).read_bytes(), file.read_bytes())
        conf = self.conf("churn-1.3.0-py3-none-any.whl", "churn_2.13-1.3.0.jar", "churn-1.3.0-py3.6.egg")
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.assertEqual(conf.read_text().split(), [f"lib={self.root}/libs/{f.name}" for f in (wheel, jar, egg)])

    def test_a_jar_beside_what_was_built_here(self):
        project = e2e.make_project(self.box, version="1.4.0", extra=TARGETS.format(root=self.root))
        for args in (["build"], ["publish"], ["publish", "--artifact", str(self.jar("1.4.0"))]):
            run = self.box.mlship(*args, "--env", "dev", cwd=project)
        self.assertIn("churn-1.4.0.jar  published", run.out)
        kinds = [o["kind"] for o in self.document("inspect", "churn:1.4.0")["outputs"]]
        self.assertEqual(kinds, ["wheel", "jar"])

    def test_many_publish_one_version_at_once(self):
        files = [self.wheel("1.4.0", f"cp3{minor}-cp3{minor}-win_amd64") for minor in range(8, 14)]
        with concurrent.futures.ThreadPoolExecutor(len(files)) as pool:
            digests = {done["digest"] for done in pool.map(self.publish, files)}
        self.assertEqual(len(digests), 1)
        outputs = self.document("inspect", "churn:1.4.0")["outputs"]
        self.assertEqual(sorted(o["filename"] for o in outputs), sorted(f.name for f in files))
        self.mlship("verify", "churn:1.4.0")

    def test_each_file_has_its_provenance_and_is_promoted(self):
        x86, arm = self.wheel("1.4.0", X86), self.wheel("1.4.0", ARM)
        digest = self.publish(x86, arm)["digest"]
        self.mlship("promote", "churn:1.4.0", "--to", "prod")
        self.assertIn("unchanged", self.mlship("promote", "churn:1.4.0", "--to", "prod").out)
        inspected = self.document("inspect", "layout:" + str(self.root / "prod") + "/churn:1.4.0")
        self.assertEqual((inspected["digest"], [o["filename"] for o in inspected["outputs"]]), (digest, [arm.name, x86.name]))
        named = set()
        for path in (self.root / "prod/churn/blobs/sha256").iterdir():
            if b"slsa.dev/provenance" in path.read_bytes()[:1 << 16] and b'"predicate"' in path.read_bytes():
                named.add(json.loads(path.read_bytes())["predicate"]["buildDefinition"]["externalParameters"]["artifact"])
        self.assertEqual(named, {arm.name, x86.name})

    def test_one_of_several_files_is_pulled_by_its_name(self):
        x86, arm = self.wheel("1.4.0", X86), self.wheel("1.4.0", ARM)
        self.publish(x86, arm)
        error = self.document("pull", "churn:1.4.0", "--kind", "wheel", exit=2)
        self.assertEqual(error["facts"]["files"], f"{arm.name}, {x86.name}")
        self.assertIn("--file", error["hint"])
        for file in (x86, arm):
            self.mlship("pull", "churn:1.4.0", "--file", file.name, "--into", "pulled")
            self.assertEqual((self.root / "empty/pulled" / file.name).read_bytes(), file.read_bytes())
        self.document("pull", "churn:1.4.0", "--file", "other.whl", exit=5)

    # ------------------------------------------------------------ rolling out

    def test_each_reference_moves_to_the_build_that_fits(self):
        old = ["churn-1.3.0-" + ARM + ".whl", f"churn-1.3.0-{X86}.whl", "churn-1.3.0-cp39-cp39-win_amd64.whl"]
        conf = self.conf(*old)
        self.publish(self.wheel("1.4.0", X86), self.wheel("1.4.0", ARM))
        plan = self.document("plan", "churn:1.4.0")
        self.assertEqual([c["to"].rsplit("/", 1)[1] for c in plan["changes"]], [f.replace("1.3.0", "1.4.0") for f in old[:2]])
        self.assertEqual([s["reason"] for s in plan["skipped"]], ["other-build"])
        self.assertIn(f"churn-1.4.0-{ARM}.whl", plan["skipped"][0]["detail"])
        self.mlship("rollout", "churn:1.4.0", "--yes")
        text = conf.read_text()
        for file in old[:2]:
            self.assertIn(file.replace("1.3.0", "1.4.0"), text)
        self.assertIn(old[2], text)
        # One more build, later: what was left behind moves, the version is the same.
        self.publish(self.wheel("1.4.0", "cp39-cp39-win_amd64"))
        done = self.document("rollout", "churn:1.4.0", "--yes")
        self.assertEqual([r["outcome"] for r in done["results"]], ["updated"])
        self.assertNotIn("1.3.0", conf.read_text())

    def test_a_rollback_puts_back_a_build_that_was_never_published(self):
        conf = self.conf(f"churn-1.3.0-{ARM}.whl")
        before = conf.read_text()
        self.wheel("1.3.0", ARM, "libs")
        self.publish(self.wheel("1.3.0", X86))
        self.publish(self.wheel("1.4.0", ARM))
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.mlship("rollback", "churn", "--to", "1.3.0", "--yes")
        self.assertEqual(conf.read_text(), before)

    def test_strict_falls_short_of_another_build(self):
        self.conf(f"churn-1.3.0-{ARM}.whl")
        self.publish(self.wheel("1.4.0", X86))
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.mlship("rollout", "churn:1.4.0", "--yes", "--strict", exit=8)

    def test_jars_keep_scala_version_and_classifier(self):
        old = ["churn_2.12-1.3.0.jar", "churn_2.13-1.3.0.jar", "churn_2.11-1.3.0.jar", "churn_2.12-1.3.0-sources.jar",
               "churn_2.12-1.3.0-spark33.jar"]
        conf = self.conf(*old)
        self.publish(self.jar("1.4.0", "_2.12"), self.jar("1.4.0", "_2.13"), self.jar("1.4.0", "_2.12", "-spark33"))
        done = self.document("rollout", "churn:1.4.0", "--yes")
        self.assertEqual([s["reason"] for s in done["skipped"]], ["other-build"] * 2)
        new = [f.replace("1.3.0", "1.4.0") if i in (0, 1, 4) else f for i, f in enumerate(old)]
        self.assertEqual(conf.read_text(), "".join(f"lib={self.root}/libs/{file}\n" for file in new))
        self.mlship("rollback", "churn", "--yes")
        self.assertEqual(conf.read_text(), "".join(f"lib={self.root}/libs/{file}\n" for file in old))

    def test_an_accelerator_is_a_build_and_other_labels_are_not(self):
        old = [f"churn-1.3.0{label}-py3-none-any.whl" for label in ("+cpu", "+cu118", "+rocm6.1", "", "+build.7", "+g1a2b3c")]
        conf = self.conf(*old)
        published = self.publish(*(self.wheel("1.4.0" + label, "py3-none-any") for label in ("+cpu", "+cu118", "")))
        self.assertEqual(published["version"], "1.4.0")
        done = self.document("rollout", "churn:1.4.0", "--yes")
        self.assertEqual([s["reason"] for s in done["skipped"]], ["other-build"])
        new = ["churn-1.4.0+cpu", "churn-1.4.0+cu118", "churn-1.3.0+rocm6.1", "churn-1.4.0", "churn-1.4.0", "churn-1.4.0"]
        self.assertEqual(conf.read_text(), "".join(f"lib={self.root}/libs/{file}-py3-none-any.whl\n" for file in new))
        status = self.document("status", "churn")
        self.assertEqual(sorted(r["version"] for o in status["objects"] for r in o["references"]), ["1.3.0+rocm6.1"] + ["1.4.0"] * 3 + ["1.4.0+cpu", "1.4.0+cu118"])
        self.assertEqual(self.document("plan", "churn:1.4.0+cu118")["changes"], [])
        self.document("plan", "churn:1.4.0+cu121", exit=5)
        self.mlship("rollback", "churn", "--yes")
        self.assertEqual(conf.read_text(), "".join(f"lib={self.root}/libs/{file}\n" for file in old))


class InAWorkspace(unittest.TestCase):
    def test_each_library_moves_to_the_build_that_fits(self):
        box = e2e.Sandbox()
        self.addCleanup(box.close)
        workspace = databricks.Workspace(box)
        self.addCleanup(workspace.stop)
        e2e.write_file(box.home / ".config/mlship/config.toml",
                       '[targets.dbx]\nkind = "databricks"\nlibrary-path = "/Volumes/main/ml/libs"\n')
        old = ["churn-1.3.0-cp312-cp312-manylinux_2_17_x86_64.whl", "churn-1.3.0-cp311-cp311-manylinux_2_17_aarch64.whl",
               "churn-1.3.0-cp310-cp310-manylinux_2_17_x86_64.whl", "churn-1.3.0+cu118-cp312-cp312-manylinux_2_17_x86_64.whl"]
        for number, file in enumerate(old, 1):
            workspace.put_file(f"/Volumes/main/ml/old/{file}", b"as it was")
            workspace.put(f"jobs/{number}", {"settings": {"name": f"job {number}", "tasks": [
                {"task_key": "t", "notebook_task": {"notebook_path": "/n"},
                 "new_cluster": {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.large", "num_workers": 1},
                 "libraries": [{"whl": f"/Volumes/main/ml/old/{file}"}]}]}})
        new = [file.replace("1.3.0", "1.4.0") for file in old]
        for file in (new[0], new[1], new[3]):
            version, tag = file[:-len(".whl")].split("-", 2)[1:]
            wheel = e2e.write_wheel(box.root, "churn", version, tag=tag)
            box.mlship("publish", "--artifact", wheel, env=workspace.environment())
        done = box.mlship("rollout", "churn:1.4.0", "--yes", "--json", env=workspace.environment()).json()
        self.assertEqual([r["outcome"] for r in done["results"]], ["updated"] * 3)
        self.assertEqual([(s["object"]["id"], s["reason"]) for s in done["skipped"]], [("jobs/3", "other-build")])
        libraries = [workspace.document(f"jobs/{n}")["tasks"][0]["libraries"][0]["whl"] for n in range(1, 5)]
        self.assertEqual([path.rsplit("/", 1)[1] for path in libraries], [new[0], new[1], old[2], new[3]])
        again = box.mlship("rollout", "churn:1.4.0", "--yes", "--json", env=workspace.environment()).json()
        self.assertEqual(again["results"], [])
        box.mlship("rollback", "churn", "--yes", env=workspace.environment())
        libraries = [workspace.document(f"jobs/{n}")["tasks"][0]["libraries"][0]["whl"] for n in range(1, 5)]
        self.assertEqual(libraries, [f"/Volumes/main/ml/old/{file}" for file in old])


if __name__ == "__main__":
    unittest.main()
