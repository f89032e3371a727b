"""What people install: the Debian package, with its dependencies told and everything in it removed again, and the wheel
of mlship itself, which pip puts into a virtual environment."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

BUILD = pathlib.Path(e2e.mlship_binary()).parent
# What has to be there, whatever else is installed.
INSTALLED = ["usr/bin/mlship", "usr/share/doc/mlship/README.md", "usr/share/doc/mlship/copyright",
             "usr/share/doc/mlship/docs/targets.md", "usr/share/doc/mlship/examples/churn/mlship.toml",
             "usr/share/man/man1/mlship.1", "usr/share/man/man1/mlship-rollout.1",
             "usr/share/bash-completion/completions/mlship", "usr/share/zsh/vendor-completions/_mlship",
             "usr/share/fish/vendor_completions.d/mlship.fish"]


def version(box):
    return box.run([e2e.mlship_binary(), "--version"]).out


def files(root):
    """{path: mode} of everything under root, without dpkg's own records."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith("var"):
            found[name] = path.lstat().st_mode
    return found


class DebianPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("cpack", "dpkg-shlibdeps", "fakeroot"):
            e2e.require_program(program)
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        # A umask of somebody who hides everything must not get into the package.
        cls.box.run(["sh", "-c", 'umask 077 && cpack --config "$1" -B deb', "-", BUILD / "CPackConfig.cmake"],
                    cwd=cls.box.root)
        [cls.package] = (cls.box.root / "deb").glob("mlship_*.deb")

    def field(self, name):
        return self.box.run(["dpkg-deb", "-f", self.package, name]).out.strip()

    def dpkg(self, root, *args, exit=0):
        """dpkg on a system of its own in `root`; fakeroot lets it give files to root."""
        return self.box.run(["fakeroot", "dpkg", f"--root={root}", f"--log={root}/log", "--force-not-root",
                             "--force-script-chrootless", *args], exit=exit, env={"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})

    def system(self, name, status):
        root = self.box.folder(name)
        for folder in ("info", "updates", "triggers"):
            (root / "var/lib/dpkg" / folder).mkdir(parents=True)
        (root / "var/lib/dpkg/status").write_text(status)
        return root

    def test_says_what_it_is(self):
        self.assertEqual(self.field("Package"), "mlship")
        self.assertEqual(self.field("Architecture"), self.box.run(["dpkg", "--print-architecture"]).out.strip())
        self.assertIn(self.field("Version"), version(self.box))
        self.assertRegex(self.package.name, r"^mlship_[0-9.]+_[a-z0-9]+\.deb$")

    def test_names_the_libraries_linked_and_the_ones_loaded_later(self):
        depends = {row.split()[0] for row in self.field("Depends").split(",")}
        self.assertIn("libc6", depends)
        self.assertIn("libssl3", depends)
        loaded = set()
        for source in e2e.source_folder().glob("*/**/*.cpp"):
            if source.parts[len(e2e.source_folder().parts)] in ("core", "packager", "registry", "deployers"):
                loaded.update(re.findall(r'DynamicLibrary \w+\("[^"]+", "([^"]+)"\)', source.read_text("utf-8")))
        self.assertGreaterEqual(len(loaded), 3)
        self.assertEqual(loaded - depends, set())

    def test_holds_everything_that_is_installed(self):
        self.box.run(["cmake", "--install", BUILD, "--prefix", "/usr"], env={"DESTDIR": str(self.box.root / "plain")})
        self.box.run(["dpkg-deb", "-x", self.package, self.box.root / "unpacked"])
        plain, packed = files(self.box.root / "plain"), files(self.box.root / "unpacked")
        self.assertEqual(sorted(plain), sorted(packed))
        for name in INSTALLED:
            self.assertIn(name, packed)
        for line in self.box.run(["dpkg-deb", "-c", self.package]).out.splitlines():
            mode, owner = line.split()[:2]
            self.assertEqual(owner, "root/root", line)
            self.assertIn(mode, ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"), line)

    def test_installs_runs_and_leaves_nothing(self):
        root = self.system("system", pathlib.Path("/var/lib/dpkg/status").read_text("utf-8"))
        before = files(root)
        self.dpkg(root, "-i", self.package)
        self.assertIn("ok installed", self.dpkg(root, "-s", "mlship").out)
        program = root / "usr/bin/mlship"
        self.assertEqual(self.box.run([program, "--version"]).out, version(self.box))
        project = self.box.folder("project")
        shutil.copytree(root / "usr/share/doc/mlship/examples/churn", project / "churn")
        # Nothing of the source folder is needed: templates are inside.
        self.box.run([program, "init", "--template", "jenkins", project])
        self.assertTrue((project / "Jenkinsfile").exists())
        self.dpkg(root, "--purge", "mlship")
        after = {name: mode for name, mode in files(root).items() if name != "log"}
        self.assertEqual(after, before)

    def test_is_refused_where_its_libraries_are_missing(self):
        root = self.system("empty", "")
        result = self.dpkg(root, "-i", self.package, exit=1)
        self.assertRegex(result.err + result.out, r"mlship depends on \w+")


class Wheel(unittest.TestCase):
    def setUp(self):
        e2e.require_program("readelf")
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)

    def wheel(self, binary, name="wheels"):
        result = self.box.run([e2e.source_folder() / "scripts/wheel", "--binary", binary, "--output",
                               self.box.root / name])
        return pathlib.Path(result.out.strip())

    def test_pip_installs_and_removes_it(self):
        wheel = self.wheel(e2e.mlship_binary())
        environment = self.box.root / "venv"
        self.box.run([sys.executable, "-m", "venv", environment])
        before = files(environment)
        pip = [environment / "bin/pip", "--no-input", "--disable-pip-version-check"]
        self.box.run([*pip, "install", "--no-index", wheel])
        program = environment / "bin/mlship"
        self.assertEqual(self.box.run([program, "--version"]).out, version(self.box))
        self.assertEqual(program.read_bytes(), pathlib.Path(e2e.mlship_binary()).read_bytes())
        told = self.box.run([*pip, "show", "--files", "mlship"]).out
        self.assertIn("License: Apache-2.0", told)
        self.box.run([*pip, "check"])
        self.box.run([*pip, "uninstall", "-y", "mlship"])
        left = [name for name in files(environment) if name not in before and "__pycache__" not in name]
        self.assertEqual(left, [])

    def test_is_the_same_whoever_makes_it(self):
        first, second = self.wheel(e2e.mlship_binary()), self.wheel(e2e.mlship_binary(), "again")
        self.assertEqual(first.name, second.name)
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def tag(self, source, *options):
        program = self.box.root / "program"
        e2e.write_file(self.box.root / "program.c", source)
        self.box.run(["gcc", "-o", program, self.box.root / "program.c", *options])
        wheel = self.wheel(program)
        with zipfile.ZipFile(wheel) as archive:
            [info] = [name for name in archive.namelist() if name.endswith("/WHEEL")]
            tag = re.search(r"^Tag: (.*)$", archive.read(info).decode(), re.M)[1]
        self.assertTrue(wheel.name.endswith(f"-{tag}.whl"), wheel.name)
        return tag

    def test_its_platform_is_what_the_program_needs(self):
        machine = os.uname().machine
        plain = "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n"
        match = re.fullmatch(rf"py3-none-manylinux_2_(\d+)_{machine}", self.tag(plain))
        self.assertTrue(match, plain)
        newest = int(self.box.run(["getconf", "GNU_LIBC_VERSION"]).out.split(".")[-1])
        self.assertLessEqual(int(match[1]), newest)
        # arc4random came with glibc 2.36.
        newer = "#include <stdlib.h>\nint main(void) { return arc4random() == 7; }\n"
        self.assertEqual(self.tag(newer), f"py3-none-manylinux_2_36_{machine}")
        # One library more, and no other machine is promised anything.
        zlib = "#include <zlib.h>\nint main(void) { return zlibVersion() == 0; }\n"
        self.assertEqual(self.tag(zlib, "-lz"), f"py3-none-linux_{machine}")

    def test_only_a_program_becomes_one(self):
        script = e2e.write_file(self.box.root / "script", "#!/bin/sh\n", 0o755)
        result = subprocess.run([e2e.source_folder() / "scripts/wheel", "--binary", script], capture_output=True,
                                text=True, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("is no ELF program", result.stderr)


if __name__ == "__main__":
    e2e.main()
