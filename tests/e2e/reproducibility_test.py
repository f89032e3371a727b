"""One commit, one digest: another folder, user, time zone, umask, locale, file order, time and number of cores."""

import os
import pathlib
import pwd
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

# The digest of examples/churn 1.3.0. It never changes within a bundle format version.
GOLDEN = pathlib.Path(__file__).parents[1] / "data" / "golden-digests"


def build(box, project, env=None, prefix=()):
    return box.run([*prefix, e2e.mlship_binary(), "build", "--json"], cwd=project, env=env).json()["digest"]


class OneCommitOneDigest(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.project = e2e.make_project(self.box, extra='\n[outputs]\nwheel = true\n')
        self.digest = build(self.box, self.project)

    def clone(self, name):
        copy = self.box.root / name
        self.box.run(["git", "clone", "-q", self.project, copy])
        return copy

    def check(self, project, env=None, prefix=()):
        self.assertEqual(build(self.box, project, env, prefix), self.digest)

    def test_another_folder_time_zone_locale_time(self):
        copy = self.clone("a folder with spaces/and ünïcode")
        for path in copy.rglob("*"):
            if ".git" not in path.parts:
                os.utime(path, (1, 1), follow_symlinks=False)
        self.check(copy, {"TZ": "Pacific/Kiritimati", "LANG": "C", "LC_ALL": "C", "SOURCE_DATE_EPOCH": "12345"})
        self.check(copy, {"TZ": "America/New_York", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"})

    def test_another_umask(self):
        for umask in ("0077", "0000", "0027"):
            copy = self.clone(f"umask{umask}")
            self.check(copy, prefix=["sh", "-c", f'umask {umask}; chmod -R go-rwx .; exec "$@"', "sh"])

    def test_one_and_two_cores(self):
        self.check(self.clone("one"), prefix=["taskset", "-c", "0"])
        self.check(self.clone("two"), prefix=["taskset", "-c", "0,1"] if (os.cpu_count() or 1) > 1 else [])

    def test_another_file_order(self):
        copy = self.clone("order")
        files = sorted((p for p in (copy / "src").rglob("*") if p.is_file()), reverse=True)
        contents = [(p, p.read_bytes()) for p in files]
        shutil.rmtree(copy / "src")
        for path, content in contents:
            e2e.write_file(path, content)
        self.check(copy)

    def test_another_user(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become another user")
        e2e.require_able(e2e.NOBODY)
        nobody = pwd.getpwnam("nobody")
        copy = self.clone("other-user")
        for path in (self.box.root, self.box.home, copy, *copy.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        home = self.box.folder("nobody-home")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        env = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "c"), "XDG_DATA_HOME": str(home / "d"),
               "XDG_CONFIG_HOME": str(home / "e"), "GIT_CONFIG_COUNT": None}
        binary = self.box.root / "mlship"
        shutil.copy(e2e.mlship_binary(), binary)
        result = self.box.run(["setpriv", "--reuid", nobody.pw_uid, "--regid", nobody.pw_gid, "--clear-groups", binary,
                               "build", "--json"], cwd=copy, env=env)
        self.assertEqual(result.json()["digest"], self.digest)

    def test_a_commit_that_touches_only_the_readme_keeps_the_digest(self):
        e2e.write_file(self.project / "README.md", "# changed\n")
        e2e.commit(self.box, self.project, "readme")
        self.check(self.project)

    def test_a_commit_that_touches_code_does_not(self):
        e2e.write_file(self.project / "src/churn/__init__.py", '__version__ = "1.4.0"  # changed\n')
        e2e.commit(self.box, self.project, "code")
        self.assertNotEqual(build(self.box, self.project), self.digest)

    def test_build_verify_builds_twice_and_agrees(self):
        self.assertEqual(self.box.mlship_json("build", "--verify", cwd=self.project)["digest"], self.digest)


class Golden(unittest.TestCase):
    """Needs the package index for numpy: the example is a real project."""

    def test_examples(self):
        golden = dict(line.split() for line in GOLDEN.read_text().splitlines() if not line.startswith("#"))
        with e2e.Sandbox() as box:
            # The surroundings' own index settings, as a user has them.
            box.variables = {"PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL")}
            project = box.root / "churn"
            shutil.copytree(e2e.source_folder() / "examples/churn", project,
                            ignore=shutil.ignore_patterns("next", "dist", ".mlship", "__pycache__"))
            box.git(project, "init", "-q", "-b", "main")
            e2e.commit(box, project, "churn 1.3.0")
            self.assertEqual(build(box, project), golden["churn-1.3.0"])
            shutil.copytree(e2e.source_folder() / "examples/churn/next", project, dirs_exist_ok=True)
            toml = project / "mlship.toml"
            toml.write_text(toml.read_text().replace('version = "1.3.0"', 'version = "1.4.0"'))
            e2e.commit(box, project, "churn 1.4.0")
            self.assertEqual(build(box, project), golden["churn-1.4.0"])


if __name__ == "__main__":
    e2e.main()
