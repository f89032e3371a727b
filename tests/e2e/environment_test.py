"""A tree is a Python environment: what runs from it finds what it would find in a virtual environment made by pip."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

PROBE = '''import importlib.metadata, json, multiprocessing, os, subprocess, sys

def module():
    import helper
    return helper.NAME

def pool():
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        return workers.apply(module)

def child(*args, **env):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, env={**os.environ, **env}).stdout.strip()

def again():
    """As a server does that starts itself again."""
    return child(*sys.argv[:1], "plain")

WAYS = {
    "plain": module,
    "module": lambda: child("-m", "helper"),
    "command": lambda: child("-c", "import helper; print(helper.NAME)"),
    "grandchild": lambda: child("-c", "import subprocess, sys; subprocess.run([sys.executable, '-m', 'helper'])"),
    "spawn": pool,
    "again": again,
    "data": lambda: open(os.path.join(sys.prefix, "share/helper/greeting.txt")).read(),
    "etc": lambda: open(os.path.join(sys.prefix, "etc/helper.ini")).read(),
    "root": lambda: open(os.path.join(sys.prefix, "jupyter/kernel.json")).read(),
    "model": lambda: str(os.path.exists(os.path.join(sys.prefix, "models/classifier.safetensors"))),
    "same": lambda: str(os.path.realpath(sys.prefix) == os.environ["MLSHIP_ROOT"]),
    "files": lambda: " ".join(str(f) for f in importlib.metadata.files("helper")),
    "hook": lambda: sys.hooked,
    "vendored": lambda: __import__("inner").NAME,
    "user": lambda: str(__import__("site").ENABLE_USER_SITE),
}

def main():
    print(WAYS[sys.argv[1]]())
'''

HELPER = {
    "helper/__init__.py": "NAME = 'helper'\n",
    "helper/__main__.py": "import helper\nprint(helper.NAME)\n",
    "helper-1.0.data/data/share/helper/greeting.txt": "hello",
    "helper-1.0.data/data/etc/helper.ini": "[a]",
    "helper-1.0.data/data/jupyter/kernel.json": "{}",
    "helper_hook.pth": "import sys; sys.hooked = 'hooked'\n",
    "helper_vendor.pth": "# vendored\nhelper_vendor\n",
    "helper_vendor/inner.py": "NAME = 'inner'\n",
}
EXPECTED = {"plain": "helper", "module": "helper", "command": "helper", "grandchild": "helper", "spawn": "helper",
            "again": "helper", "data": "hello", "etc": "[a]", "root": "{}", "model": "True", "same": "True",
            "hook": "hooked", "vendored": "inner", "user": "False"}


class Environment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        box = cls.box
        cls.project = e2e.make_project(box)
        wheel = e2e.write_wheel(cls.project / "wheels", "helper", "1.0", HELPER, scripts={"helper": "helper:print"})
        with open(cls.project / "requirements.lock", "a") as lock:
            lock.write(f"helper==1.0 --hash=sha256:{e2e.sha256_hex(wheel)}\n")
        e2e.write_file(cls.project / "src/churn/probe.py", PROBE)
        toml = cls.project / "mlship.toml"
        e2e.write_file(toml, toml.read_text().replace("entry-points = {", 'entry-points = { probe = "churn.probe:main",'))
        e2e.commit(box, cls.project, "probe")
        box.mlship("build", cwd=cls.project)
        box.mlship("publish", cwd=cls.project)
        cls.made = box.root / "made"
        cls.pull(cls.made)

    @classmethod
    def pull(cls, tree, **kw):
        return cls.box.mlship("pull", "churn:1.4.0", "--into", tree, cwd=cls.project, **kw)

    def run_probe(self, tree, way, cwd="/", **env):
        return subprocess.run([tree / "bin/probe", way], cwd=cwd, capture_output=True, text=True, timeout=60,
                              env={"PATH": "/usr/bin:/bin", "HOME": "/", **env})

    def check_all(self, tree, ways=EXPECTED, **kw):
        for way in ways:
            with self.subTest(way):
                ran = self.run_probe(tree, way, **kw)
                self.assertEqual(ran.stdout.strip(), EXPECTED[way], ran.stderr)

    def test_everything_is_found(self):
        self.check_all(self.made)

    def test_wherever_the_tree_is_moved_and_whatever_links_to_it(self):
        tree = self.box.root / "with a blank" / "tree"
        tree.parent.mkdir()
        self.pull(self.box.root / "first")
        (self.box.root / "first").rename(tree)
        self.check_all(tree)
        link = self.box.root / "current"
        link.symlink_to(tree)
        self.check_all(link)

    def test_the_callers_folder_variables_and_modules_stay_out(self):
        alien = self.box.folder("alien")
        for module in ("helper", "churn", "inner", "sitecustomize", "usercustomize"):
            e2e.write_file(alien / f"{module}.py", "NAME = 'alien'\nprint('alien')\n")
        self.check_all(self.made, cwd=alien, PYTHONPATH=str(alien), PYTHONHOME="/nowhere", PYTHONSTARTUP=str(alien / "helper.py"),
                       PYTHONUSERBASE=str(alien))

    def test_a_tree_that_nobody_may_write(self):
        tree = self.box.root / "readonly"
        self.pull(tree)
        for path in [tree, *tree.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
        self.addCleanup(e2e.remove_tree, tree)
        self.check_all(tree)

    def test_the_interpreter_itself(self):
        python = self.made / "bin/python"
        for name in ("python", "python3"):
            ran = self.box.run([self.made / "bin" / name, "-c", "import sys, helper; print(sys.prefix, helper.__file__)"])
            self.assertEqual(ran.out.strip(), f"{self.made} {self.made}/lib/helper/__init__.py")
        ran = self.box.run([python, "-m", "helper"])
        self.assertEqual(ran.out, "helper\n")
        self.assertEqual([p for p in self.made.rglob("__pycache__")], [])

    def test_without_the_interpreter_it_was_installed_with(self):
        tree = self.box.root / "elsewhere"
        self.pull(tree)
        (tree / "bin/python").unlink()
        (tree / "bin/python").symlink_to("/nowhere/python3.11")
        self.check_all(tree, ("plain", "data", "hook", "vendored", "model", "same"))
        ran = self.run_probe(tree, "plain", MLSHIP_PYTHON="/no/python")
        self.assertEqual(ran.returncode, 127)
        self.assertIn("MLSHIP_PYTHON", ran.stderr)

    def test_with_another_interpreter(self):
        self.check_all(self.made, MLSHIP_PYTHON=os.path.realpath(shutil.which("python3", path="/usr/bin")))

    def test_a_version_managers_script_is_no_interpreter(self):
        shims = self.box.folder("shims")
        real = os.path.realpath(shutil.which("python3.11") or shutil.which("python3"))
        e2e.write_file(shims / "python3.11", f'#!/bin/sh\nexec {real} "$@"\n', 0o755)
        tree = self.box.root / "shimmed"
        self.pull(tree, env={"MLSHIP_PYTHON": str(shims / "python3.11")})
        self.assertFalse(os.readlink(tree / "bin/python").startswith(str(shims)))
        self.check_all(tree, ("plain", "module"))

    def test_every_record_lists_what_is_there(self):
        listed = self.run_probe(self.made, "files").stdout.split()
        for path in ("helper/__init__.py", "../bin/helper", "../share/helper/greeting.txt", "helper_hook.pth",
                     "helper-1.0.dist-info/RECORD"):
            self.assertIn(path, listed)
        for record in self.made.glob("lib/*.dist-info/RECORD"):
            for row in record.read_text().splitlines():
                path, digest, size = row.rsplit(",", 2)
                file = (self.made / "lib" / path)
                self.assertTrue(file.is_file(), row)
                if size:
                    self.assertEqual(file.stat().st_size, int(size), row)

    def test_two_pulls_are_one_tree_and_what_changes_is_seen(self):
        other = self.box.root / "other"
        self.pull(other)
        self.assertEqual(subprocess.run(["diff", "-r", "--no-dereference", "-x", ".pycache", self.made, other]).returncode, 0)
        self.assertIn("unchanged", self.pull(other).out)
        for damage in (lambda: (other / "bin/python").unlink(), lambda: (other / "pyvenv.cfg").unlink()):
            damage()
            self.assertNotIn("unchanged", self.pull(other).out)
            self.assertEqual(self.run_probe(other, "plain").stdout, "helper\n")

    def test_the_same_wheels_in_a_virtual_environment(self):
        """What pip makes of the same wheels answers the same, but for what is the tree's own (model, root)."""
        venv = self.box.root / "venv"
        made = subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True, text=True)
        if made.returncode:
            self.skipTest("no venv here")
        wheels = self.box.root / "own"
        self.box.mlship("pull", "churn:1.4.0", "--kind", "wheel", "--into", wheels, cwd=self.project)
        [own] = [wheels] if wheels.is_file() else wheels.iterdir()
        subprocess.run([venv / "bin/pip", "install", "-q", "--no-index", "--no-deps", "--find-links",
                        self.project / "wheels", own, "helper", "tinydep"], check=True)
        for way in set(EXPECTED) - {"model", "same"}:
            with self.subTest(way):
                ran = subprocess.run([venv / "bin/probe", way], cwd="/", capture_output=True, text=True)
                self.assertEqual(ran.stdout.strip(), EXPECTED[way], ran.stderr)


if __name__ == "__main__":
    e2e.main()
