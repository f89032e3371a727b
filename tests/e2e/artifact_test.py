"""Starting with rollout alone: a wheel, an egg or a jar built elsewhere is published as a bundle with that one output, and
plan, rollout and rollback work on it, with nothing configured but a target."""

import json
import os
import shutil
import sys
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

# In the user file: there is no mlship.toml anywhere.
TARGETS = """
[targets.edge]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"
library-path = "{root}/libs"

[targets.conf]
kind = "files"
files = ["{root}/conf/*"]
library-path = "{root}/libs"
"""
MAKERS = {"wheel": e2e.write_wheel, "egg": e2e.write_egg, "jar": e2e.write_jar}


class Artifacts(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.root = self.box.root
        # The last one is mlship's own place for what it works on.
        for name in ("cron.d", "conf", "libs", "dist", "empty", "home/.cache/mlship/tmp"):
            self.box.folder(name)

    def configure(self, more=""):
        e2e.write_file(self.box.home / ".config/mlship/config.toml", TARGETS.format(root=self.root) + more)

    def mlship(self, *args, **how):
        return self.box.mlship(*args, cwd=how.pop("cwd", self.root / "empty"), **how)

    def document(self, *args, **how):
        return self.mlship(*args, "--json", **how).json()

    def publish(self, file, **how):
        return self.document("publish", "--artifact", file, **how)

    def refused(self, file, *words, exit=3, **how):
        """Publishing fails, says these words, and the home and the registry are as they were."""
        before = e2e.snapshot(self.box.home)
        error = self.document("publish", "--artifact", file, exit=exit, **how)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.box.home)), [], error)
        text = json.dumps(error, ensure_ascii=False)
        for word in words:
            self.assertIn(word, text)
        return error

    # ------------------------------------------------------------ the whole way

    def test_plan_rollout_and_rollback_of_each_kind(self):
        self.configure()
        for kind, make in MAKERS.items():
            with self.subTest(kind):
                name = f"churn-{kind}"
                old = make(self.root / "libs", name, "1.3.0")
                new = make(self.root / "dist", name, "1.4.0")
                line = f"5 2 * * * root run --with '{old}' today.csv\n"
                crontab = e2e.write_file(self.root / "cron.d/job", "# nightly\n" + line)
                conf = e2e.write_file(self.root / "conf/app.conf", f"lib={old}\nother=/x/{name}-plus-1.0.0.jar\n")
                before = e2e.snapshot(self.root / "cron.d"), e2e.snapshot(self.root / "conf")

                self.assertEqual(self.publish(new)["name"], name)
                plan = self.document("plan", f"{name}:1.4.0")
                self.assertEqual(sorted((c["target"], c["from"], c["to"], c["form"]) for c in plan["changes"]),
                                 [(target, str(old), str(self.root / "libs" / new.name), kind) for target in ("conf", "edge")])
                self.assertEqual(plan["skipped"], [])
                self.assertFalse((self.root / "libs" / new.name).exists())

                done = self.document("rollout", f"{name}:1.4.0", "--yes")
                self.assertEqual([r["outcome"] for r in done["results"]], ["updated", "updated"])
                self.assertEqual((self.root / "libs" / new.name).read_bytes(), new.read_bytes())
                self.assertEqual(crontab.read_text(), "# nightly\n" + line.replace(old.name, new.name))
                self.assertIn(f"lib={self.root}/libs/{new.name}\n", conf.read_text())
                status = self.document("status", name)
                self.assertEqual([(r["version"], r["current"]) for o in status["objects"] for r in o["references"]],
                                 [("1.4.0", True)] * 2)
                self.assertEqual(self.document("rollout", f"{name}:1.4.0", "--yes")["results"], [])

                self.mlship("rollback", name, "--yes")
                after = e2e.snapshot(self.root / "cron.d"), e2e.snapshot(self.root / "conf")
                self.assertEqual([e2e.differences(b, a) for b, a in zip(before, after, strict=True)], [[], []])

    def test_rollback_to_an_older_artifact(self):
        self.configure()
        for version in ("1.3.0", "1.4.0"):
            self.publish(e2e.write_jar(self.root / "dist", "churn", version))
        crontab = e2e.write_file(self.root / "cron.d/job", f"5 2 * * * root java -jar {self.root}/libs/churn-1.2.0.jar\n")
        e2e.write_jar(self.root / "libs", "churn", "1.2.0")
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.mlship("rollback", "churn", "--to", "1.3.0", "--yes")
        self.assertIn("/libs/churn-1.3.0.jar\n", crontab.read_text())

    def test_a_folder_cannot_be_made_of_a_file(self):
        self.configure()
        self.publish(e2e.write_wheel(self.root / "dist", "churn", "1.4.0"))
        line = f"5 2 * * * root {self.root}/opt/churn/1.3.0/bin/score\n"
        crontab = e2e.write_file(self.root / "cron.d/job", line)
        result = self.mlship("rollout", "churn:1.4.0", "--yes", exit=8)
        self.assertIn("churn 1.4.0 was published as a single file, not as a tree", result.out)
        self.assertIn("mlship build && mlship publish", result.out)
        self.assertEqual(crontab.read_text(), line)
        pulled = self.mlship("pull", "churn:1.4.0", "--into", "tree", exit=5)
        self.assertIn("hint: mlship pull churn:1.4.0 --kind wheel", pulled.err)
        self.assertFalse((self.root / "empty/tree").exists())

    # ------------------------------------------------------------ the bundle

    def test_every_command_knows_it_without_any_configuration(self):
        for kind, make in MAKERS.items():
            with self.subTest(kind):
                file = make(self.root / "dist", f"churn-{kind}", "1.4.0")
                ref = f"churn-{kind}:1.4.0"
                published = self.publish(file)
                self.assertEqual((published["version"], published["status"]), ("1.4.0", "published"))
                output = {"kind": kind, "filename": file.name, "size": file.stat().st_size,
                          "digest": "sha256:" + e2e.sha256_hex(file)}
                inspected = self.document("inspect", ref)
                self.assertEqual(inspected["outputs"], [output])
                self.assertEqual([f["path"] for f in inspected["files"]],
                                 [".mlship/bundle.json", f".mlship/outputs/{kind}/{file.name}"])
                self.mlship("verify", ref)
                self.mlship("pull", ref, "--kind", kind, "--into", "pulled")
                self.assertEqual((self.root / "empty/pulled" / file.name).read_bytes(), file.read_bytes())
                rows = self.document("list", f"churn-{kind}")["packages"][0]["versions"]
                self.assertEqual([(r["version"], r["digest"]) for r in rows], [("1.4.0", published["digest"])])

    def test_the_same_file_is_the_same_bundle_wherever_and_whenever(self):
        for kind, make in MAKERS.items():
            with self.subTest(kind):
                file = make(self.root / "dist", "churn", "1.4.0")
                first = self.publish(file, env={"XDG_DATA_HOME": str(self.root / kind / "one")})
                other = shutil.copy(file, self.box.folder(f"{kind}/else where") / file.name)
                os.utime(other, (1, 1))
                os.chmod(other, 0o755)
                there = {"XDG_DATA_HOME": str(self.root / kind / "two"), "TZ": "Asia/Tokyo", "LANG": "C", "USER": "eve"}
                second = self.publish(other, env=there)
                self.assertEqual(second["digest"], first["digest"])
                again = self.publish(other, env={"XDG_DATA_HOME": str(self.root / kind / "one")})
                self.assertEqual((again["status"], again["uploaded"]["bytes"]), ("unchanged", 0))

    def test_other_content_under_one_version_is_a_conflict(self):
        first = e2e.write_jar(self.root / "dist", "churn", "1.4.0")
        self.publish(first)
        self.refused(e2e.write_jar(self.root / "other", "churn", "1.4.0", [("churn", "1.4.0"), ("gson", "2.8.9")]),
                     "version exists with another digest", "raise the version and build again", exit=6)
        # Equality is parsed: 1.4 is 1.4.0.
        self.refused(e2e.write_jar(self.root / "other", "churn", "1.4"), "another digest", exit=6)

    def test_the_provenance_names_the_file(self):
        file = e2e.write_egg(self.root / "dist", "churn", "1.4.0")
        self.publish(file)
        statements = []
        for path in (self.box.home / ".local/share/mlship/registry/churn/blobs/sha256").iterdir():
            if path.stat().st_size < 1 << 16 and b"slsa.dev/provenance" in path.read_bytes():
                statements.append(json.loads(path.read_bytes()))
        definition = next(s for s in statements if "predicate" in s)["predicate"]["buildDefinition"]
        self.assertEqual(definition["buildType"], "urn:mlship:artifact:v1")
        self.assertEqual(definition["externalParameters"], {"artifact": file.name, "package": "churn"})
        self.assertEqual(definition["resolvedDependencies"],
                         [{"name": file.name, "digest": {"sha256": e2e.sha256_hex(file)}}])

    # ------------------------------------------------------------ names and versions

    def test_what_a_jar_is_called(self):
        made = [("churn-1.4.0.jar", [], "churn", "1.4.0"),
                ("churn-1.4.0.jar", [("churn", "1.4.0")], "churn", "1.4.0"),
                ("churn_2.12-1.4.0.jar", [("churn_2.12", "1.4.0")], "churn", "1.4.0"),
                ("churn_3-1.4.0.jar", [], "churn", "1.4.0"),
                ("churn-1.4.0-jar-with-dependencies.jar", [("churn", "1.4.0"), ("gson", "2.8.9")], "churn", "1.4.0"),
                ("churn-assembly-1.4.0.jar", [], "churn-assembly", "1.4.0"),
                ("churn-assembly-1.4.0.jar", [("churn", "1.4.0")], "churn-assembly", "1.4.0"),
                ("churn-assembly-1.4.0.jar", [("gson", "2.8.9"), ("guava", "33.0.0")], "churn-assembly", "1.4.0"),
                ("churn-1.4.0-rc1.jar", [("churn", "1.4.0-rc1")], "churn", "1.4.0rc1"),
                ("churn-1.0.10.jar", [("churn", "1.0.9"), ("churn", "1.0.10")][1:], "churn", "1.0.10"),
                ("churn-1.4.0-20261126.040000-7.jar", [("churn", "1.4.0-SNAPSHOT")], "churn", "1.4.0-20261126.040000-7"),
                ("churn-1.4.0-SNAPSHOT.jar", [], "churn", "1.4.0-SNAPSHOT"),
                ("churn-1.4.0-SNAPSHOT-my-branch.jar", [], "churn", "1.4.0-SNAPSHOT-my-branch")]
        for number, (file, poms, name, version) in enumerate(made):
            with self.subTest(file, poms=poms):
                jar = e2e.write_jar(self.root / f"made{number}", "churn", "0", poms, file)
                published = self.publish(jar, env={"XDG_DATA_HOME": str(self.root / f"data{number}")})
                self.assertEqual((published["name"], published["version"]), (name, version))

    def test_what_disagrees_is_refused_and_nothing_is_written(self):
        wheel = e2e.write_wheel(self.root / "dist", "churn", "1.4.0")
        for name in ("churn-1.5.0-py3-none-any.whl", "other-1.4.0-py3-none-any.whl"):
            self.refused(shutil.copy(wheel, self.root / name), "its name and its metadata disagree", "churn 1.4.0")
        self.refused(shutil.copy(wheel, self.root / "churn.whl"), "could not be told the version")
        egg = e2e.write_egg(self.root / "dist", "churn", "1.4.0")
        self.refused(shutil.copy(egg, self.root / "churn-1.5.0-py3.6.egg"), "disagree", "churn 1.5.0", "EGG-INFO/PKG-INFO")
        self.refused(shutil.copy(egg, self.root / "churn-1.4.0.jar.egg"), "could not be told")
        for file, poms in [("churn-1.5.0.jar", [("churn", "1.4.0")]), ("other-1.4.0.jar", [("churn", "1.4.0")]),
                           ("churn-1.4.0-SNAPSHOT.jar", [("churn", "1.4.0")]),
                           ("churn-1.4.0.jar", [("churn", "1.4.0-SNAPSHOT")])]:
            with self.subTest(file, poms=poms):
                self.refused(e2e.write_jar(self.root / "bad", "", "", poms, file), "its name and its metadata disagree")
        self.refused(e2e.write_jar(self.root / "bad", "", "", [], "churn.jar"), "does not say which version")
        self.refused(e2e.write_jar(self.root / "bad", "", "", [("churn", "latest")], "churn-1.4.0.jar"),
                     "'latest' is neither a PEP 440 nor a SemVer version")

    def test_what_is_no_sound_file_is_refused(self):
        bad = self.box.folder("bad")
        self.refused(e2e.write_file(bad / "churn-1.4.0.jar", "no zip"), "does not end with the end record of a zip")
        self.refused(e2e.write_file(bad / "churn-1.4.0.tar.gz", "x"), "it is no .whl, .egg or .jar file")
        self.refused(self.box.folder("bad/churn-1.4.0.egg"), "it is not a file")
        self.refused(bad / "absent-1.4.0.jar", "there is no such file", exit=5)
        real = e2e.write_jar(self.root / "dist", "churn", "1.4.0")
        (bad / "link-1.4.0.jar").symlink_to(real)
        self.refused(bad / "link-1.4.0.jar", "it is a link")
        self.refused(e2e.write_zip(bad / "bomb-1.4.0.jar", {"zeros": b"\0" * (80 << 20)}), "50 times its size")
        self.refused(e2e.write_zip(bad / "churn-1.4.0-py3-none-any.whl", {"churn/__init__.py": ""}), "no .dist-info folder")
        self.refused(e2e.write_zip(bad / "churn-1.4.0-py3.6.egg", {"churn/__init__.py": ""}), "it has no EGG-INFO/PKG-INFO")
        two = {"EGG-INFO/PKG-INFO": "Name: churn\nName: other\nVersion: 1.4.0\n"}
        self.refused(e2e.write_zip(bad / "churn-1.4.0-py3.6.egg", two), "two lines 'name'")
        forged = e2e.write_wheel(self.root / "dist", "forged", "1.4.0", files={"forged.py": "a"})
        with zipfile.ZipFile(forged) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        self.refused(e2e.write_zip(bad / forged.name, {**members, "forged.py": b"b"}), "another sha256 than in its RECORD")
        self.refused(e2e.write_zip(bad / forged.name, {**members, "more.py": b""}), "'more.py' is not in its RECORD")
        self.assertIn("--artifact", self.mlship("publish", bad, "--artifact", real, exit=2).err)

    # ------------------------------------------------------------ snapshots and schemes

    def test_a_snapshot_is_a_pre_release_that_never_changes(self):
        self.configure('prereleases = true\n')
        first = self.publish(e2e.write_jar(self.root / "dist", "churn", "1.4.0-SNAPSHOT"))
        self.assertEqual(first["version"], "1.4.0-SNAPSHOT")
        changed = e2e.write_jar(self.root / "next", "churn", "1.4.0-SNAPSHOT", [("churn", "1.4.0-SNAPSHOT"), ("a", "1")])
        self.refused(changed, "another digest", "give every snapshot its own, such as 1.4.0-SNAPSHOT.2", exit=6)
        self.assertEqual(self.publish(e2e.write_jar(self.root / "next", "churn", "1.4.0-SNAPSHOT.2"))["status"], "published")
        old = e2e.write_jar(self.root / "libs", "churn", "1.3.0")
        crontab = e2e.write_file(self.root / "cron.d/job", f"5 2 * * * root java -jar {old}\n")
        conf = e2e.write_file(self.root / "conf/app", f"jar={old}\n")
        project = self.box.folder("project")
        e2e.write_file(project / "mlship.toml",
                       '[package]\nname = "churn"\nversion = "1.4.0-SNAPSHOT"\nscheme = "semver"\n')
        done = self.document("rollout", "--yes", cwd=project)
        # Nobody asked for a pre-release by name, and only `conf` takes them.
        self.assertEqual([(s["target"], s["reason"]) for s in done["skipped"]], [("edge", "pre-release")])
        self.assertIn("/churn-1.3.0.jar", crontab.read_text())
        self.assertEqual(conf.read_text(), f"jar={self.root}/libs/churn-1.4.0-SNAPSHOT.jar\n")
        status = self.document("status", "churn")
        self.assertEqual({(o["target"], r["version"], r["current"]) for o in status["objects"] for r in o["references"]},
                         {("edge", "1.3.0", False), ("conf", "1.4.0-SNAPSHOT", True)})
        self.assertEqual(len(self.document("list", "churn")["packages"][0]["versions"]), 2)
        asked = self.document("rollout", "churn:1.4.0-SNAPSHOT", "--yes")
        self.assertEqual([(s["target"], s["reason"]) for s in asked["skipped"]], [("conf", "same-version")])
        self.assertIn("/churn-1.4.0-SNAPSHOT.jar", crontab.read_text())

        # One package has one scheme; the project file can say which.
        release = e2e.write_jar(self.root / "dist", "churn", "1.4.0")
        self.refused(release, "it is a PEP 440 version, and those there are SemVer", 'scheme = \\"semver\\"')
        e2e.write_file(project / "mlship.toml", '[package]\nname = "churn"\nversion = "1.4.0"\nscheme = "semver"\n')
        self.assertEqual(self.publish(release, cwd=project)["status"], "published")
        self.mlship("rollout", "--yes", cwd=project)
        self.assertIn("/libs/churn-1.4.0.jar\n", crontab.read_text())
        self.assertIn("/libs/churn-1.4.0.jar\n", conf.read_text())
        self.mlship("rollback", "churn", "--yes", cwd=project)
        self.assertIn("/libs/churn-1.4.0-SNAPSHOT.jar\n", conf.read_text())

    def test_a_pep_440_package_takes_no_snapshot_and_leaves_none_behind(self):
        self.configure()
        self.publish(e2e.write_jar(self.root / "dist", "churn", "1.4.0"))
        snapshot = e2e.write_jar(self.root / "dist", "churn", "1.5.0-SNAPSHOT")
        self.refused(snapshot, "it is a SemVer version, and those there are PEP 440", "1.5.0.dev1")
        old = e2e.write_jar(self.root / "libs", "churn", "1.4.0-SNAPSHOT")
        newer = e2e.write_jar(self.root / "libs", "churn", "1.5.0-SNAPSHOT")
        crontab = e2e.write_file(self.root / "cron.d/job", f"5 2 * * * root run {old}\n6 2 * * * root run {newer}\n")
        done = self.document("rollout", "churn:1.4.0", "--yes")
        self.assertEqual(crontab.read_text(), f"5 2 * * * root run {self.root}/libs/churn-1.4.0.jar\n6 2 * * * root run {newer}\n")
        self.assertEqual([s["reason"] for s in done["skipped"]], ["newer"])

    def test_the_project_scheme_counts_for_its_own_package_alone(self):
        project = self.box.folder("project")
        e2e.write_file(project / "mlship.toml", '[package]\nname = "churn"\nversion = "1.4.0"\nscheme = "semver"\n')
        self.refused(e2e.write_jar(self.root / "dist", "churn", "1.4"), "'1.4' is not a SemVer", cwd=project)
        self.publish(e2e.write_jar(self.root / "dist", "churn", "1.5.0"), cwd=project)
        self.assertEqual(self.document("inspect", "churn:1.5.0")["scheme"], "semver")
        self.publish(e2e.write_jar(self.root / "dist", "other", "1.4"), cwd=project)
        self.assertEqual(self.document("inspect", "other:1.4")["scheme"], "pep440")



class Renamed(unittest.TestCase):
    """Jobs are moved by what a wheel's name says, so that its WHEEL file has to say the same."""

    def test_a_wheel_under_another_name_is_refused(self):
        box = e2e.Sandbox()
        self.addCleanup(box.close)
        for own, named in (("cp312-cp312-manylinux_2_17_aarch64", "cp312-cp312-manylinux_2_17_x86_64"),
                           ("cp310-cp310-linux_x86_64", "cp312-cp312-linux_x86_64"), ("py3-none-any", "py2.py3-none-any"),
                           ("py2.py3-none-any", "cp312-cp312-linux_x86_64"), ("cp311-abi3-win_amd64", "py3-none-any")):
            with self.subTest(own=own, named=named):
                wheel = e2e.write_wheel(box.folder("made"), "renamed", "1.0", tag=own.split(".")[-1] if "." not in own else own)
                other = wheel.rename(wheel.parent / f"renamed-1.0-{named}.whl")
                refused = box.mlship("publish", "--artifact", other, exit=3)
                self.assertIn(other.name, refused.err)
                self.assertIn("WHEEL", refused.err)
                self.assertEqual(box.mlship("list", "renamed", exit=5).out, "")


if __name__ == "__main__":
    e2e.main()
