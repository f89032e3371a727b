"""`mlship init` in small projects of each build tool: what it writes builds at once, with the version, the files and
the commands of the project's own wheel; what it leaves out it says, one line each.

Each project of LAYOUTS says what the wheel that its own tool builds has in it.
"""

import os
import pickle
import sys
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

MAIN = "def main():\n    print('ok')\n"
POETRY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
HATCH_VCS = '[build-system]\nrequires = ["hatchling", "hatch-vcs"]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n'
SCM = '[build-system]\nrequires = ["setuptools>=64", "setuptools-scm>=8"]\nbuild-backend = "setuptools.build_meta"\n'
PDM = '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n'
FLIT = '[build-system]\nrequires = ["flit_core>=3.2"]\nbuild-backend = "flit_core.buildapi"\n'
UV = '[build-system]\nrequires = ["uv_build>=0.7"]\nbuild-backend = "uv_build"\n'
NAMED = '[project]\nname = "fraud"\nversion = "3.1.0"\n'
DYNAMIC = '[project]\nname = "fraud"\ndynamic = ["version"]\n'
SCRIPT = '[project.scripts]\nfraud = "fraud.cli:main"\n'
SRC = {"src/fraud/__init__.py": "", "src/fraud/cli.py": MAIN}
FLAT = {"fraud/__init__.py": "", "fraud/cli.py": MAIN}
TESTS = {"tests/__init__.py": "", "tests/test_cli.py": "import fraud\n"}
PACKAGE = ["fraud/__init__.py", "fraud/cli.py"]

# name: (files, tags, version, members of the wheel, commands)
LAYOUTS = {
    "poetry src": ({**SRC, **TESTS, "pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "3.1.0"\n'
                    'packages = [{ include = "fraud", from = "src" }]\n[tool.poetry.dependencies]\npython = "^3.10"\n'
                    '[tool.poetry.scripts]\nfraud = "fraud.cli:main"\n' + POETRY}, [], "3.1.0", PACKAGE, ["fraud"]),
    "poetry flat, one of two packages": (
        {**FLAT, "other/__init__.py": "", "pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "3.1.0"\n'
         + POETRY}, [], "3.1.0", PACKAGE, []),
    "poetry 2": ({**SRC, "pyproject.toml": NAMED + SCRIPT + POETRY}, [], "3.1.0", PACKAGE, ["fraud"]),
    "poetry without a package": (
        {"app/run.py": MAIN, "train.py": MAIN,
         "pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "0.2.0"\npackage-mode = false\n' + POETRY},
        [], "0.2.0", ["app/run.py", "train.py"], []),
    "poetry with versions of tags": (
        {**FLAT, "pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "0.0.0"\n'
         '[tool.poetry-dynamic-versioning]\nenable = true\n' + POETRY}, ["v2.3.0"], "2.3.0", PACKAGE, []),
    "hatch src": ({**SRC, **TESTS, "pyproject.toml": NAMED + SCRIPT + HATCH}, [], "3.1.0", PACKAGE, ["fraud"]),
    "hatch flat, version of a file": (
        {**FLAT, "fraud/__about__.py": '__version__ = "1.2.3"\n',
         "pyproject.toml": DYNAMIC + '[tool.hatch.version]\npath = "fraud/__about__.py"\n' + HATCH},
        [], "1.2.3", ["fraud/__about__.py", *PACKAGE], []),
    "hatch, packages named": (
        {**SRC, "src/extra/__init__.py": "", "src/third/__init__.py": "", "pyproject.toml": NAMED + HATCH
         + '[tool.hatch.build.targets.wheel]\npackages = ["src/fraud", "src/extra"]\n'},
        [], "3.1.0", ["extra/__init__.py", *PACKAGE], []),
    "hatch-vcs": ({**SRC, "pyproject.toml": DYNAMIC + '[tool.hatch.version]\nsource = "vcs"\n' + HATCH_VCS},
                  ["v2.3.0", "v2.2.0-none"], "2.3.0", PACKAGE, []),
    "setuptools src": ({**SRC, "src/other/__init__.py": "", **TESTS, "pyproject.toml": NAMED + SCRIPT + SETUPTOOLS},
                       [], "3.1.0", [*PACKAGE, "other/__init__.py"], ["fraud"]),
    "setuptools flat": ({**FLAT, **TESTS, "setup.py": "from setuptools import setup\nsetup()\n",
                         "pyproject.toml": NAMED + SCRIPT + SETUPTOOLS}, [], "3.1.0", PACKAGE, ["fraud"]),
    "setuptools, a namespace": ({"src/acme/fraud/__init__.py": "", "pyproject.toml": NAMED + SETUPTOOLS},
                                [], "3.1.0", ["acme/fraud/__init__.py"], []),
    "setuptools, one module": ({"fraud.py": MAIN, "pyproject.toml": NAMED + '[project.scripts]\nf = "fraud:main"\n'
                                + SETUPTOOLS + '[tool.setuptools]\npy-modules = ["fraud"]\n'},
                               [], "3.1.0", ["fraud.py"], ["f"]),
    "setuptools, package-dir": ({"lib/fraud/__init__.py": "", "pyproject.toml": NAMED + SETUPTOOLS
                                 + '[tool.setuptools]\npackages = ["fraud"]\npackage-dir = { "" = "lib" }\n'},
                                [], "3.1.0", ["fraud/__init__.py"], []),
    "setuptools, find where": ({"lib/fraud/__init__.py": "", "pyproject.toml": NAMED + SETUPTOOLS
                                + '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'},
                               [], "3.1.0", ["fraud/__init__.py"], []),
    "setuptools, version of an attribute": (
        {**SRC, "src/fraud/__init__.py": '__version__ = "5.0"\n', "pyproject.toml": DYNAMIC + SETUPTOOLS
         + '[tool.setuptools.dynamic]\nversion = { attr = "fraud.__version__" }\n'}, [], "5.0", PACKAGE, []),
    "setuptools, version of a file": (
        {**SRC, "VERSION": "5.1\n", "pyproject.toml": DYNAMIC + SETUPTOOLS
         + '[tool.setuptools.dynamic]\nversion = { file = "VERSION" }\n'}, [], "5.1", PACKAGE, []),
    "setuptools_scm": ({**SRC, "pyproject.toml": DYNAMIC + "[tool.setuptools_scm]\n" + SCM},
                       ["v2.3.0"], "2.3.0", PACKAGE, []),
    "setuptools_scm, tags without v": ({**SRC, "pyproject.toml": DYNAMIC + SCM}, ["2.4.0"], "2.4.0", PACKAGE, []),
    "setuptools_scm, tags with a name": (
        {**SRC, "pyproject.toml": DYNAMIC + "[tool.setuptools_scm]\n" + SCM}, ["fraud-v2.5.0", "other-v9.0"],
        "2.5.0", PACKAGE, []),
    "setup.cfg": ({**SRC, "setup.py": "from setuptools import setup\nsetup()\n", "setup.cfg":
                   "[metadata]\nname = fraud\nversion = 3.2\ndescription = Finds fraud\n\n[options]\n"
                   "package_dir =\n    = src\npackages = find:\ninstall_requires =\n    numpy\n\n"
                   "[options.packages.find]\nwhere = src\n\n[options.entry_points]\nconsole_scripts =\n"
                   "    fraud = fraud.cli:main\n    again = fraud.cli:main\n\n[flake8]\nmax-line-length = 100\n"},
                  [], "3.2", PACKAGE, ["again", "fraud"]),
    "setup.cfg, version of an attribute": (
        {**FLAT, "fraud/__init__.py": '__version__ = "1.9"\n',
         "setup.cfg": "[metadata]\nname = fraud\nversion = attr: fraud.__version__\n[options]\npackages = find:\n"},
        [], "1.9", PACKAGE, []),
    "setup.py": ({**FLAT, "fraud/__init__.py": '__version__ = "1.9"\n',
                  "setup.py": "from setuptools import setup\nsetup(name='fraud', packages=['fraud'])\n"},
                 [], "1.9", PACKAGE, []),
    "pdm src": ({**SRC, "pyproject.toml": NAMED + SCRIPT + PDM}, [], "3.1.0", PACKAGE, ["fraud"]),
    "pdm, package-dir": ({"lib/fraud/__init__.py": "", "pyproject.toml": NAMED + PDM
                          + '[tool.pdm.build]\npackage-dir = "lib"\n'}, [], "3.1.0", ["fraud/__init__.py"], []),
    "pdm scm": ({**SRC, "pyproject.toml": DYNAMIC + '[tool.pdm.version]\nsource = "scm"\n' + PDM},
                ["v0.4.0"], "0.4.0", PACKAGE, []),
    "pdm, version of a file": (
        {**FLAT, "fraud/__init__.py": '__version__ = "0.5"\n', "pyproject.toml": DYNAMIC + PDM
         + '[tool.pdm.version]\nsource = "file"\npath = "fraud/__init__.py"\n'}, [], "0.5", PACKAGE, []),
    "flit": ({**FLAT, "fraud/__init__.py": '"""Finds fraud."""\n__version__ = "0.7"\n',
              "pyproject.toml": '[project]\nname = "fraud"\ndynamic = ["version", "description"]\n' + SCRIPT + FLIT},
             [], "0.7", PACKAGE, ["fraud"]),
    "flit, another module": (
        {"src/detect/__init__.py": '"""Finds fraud."""\n__version__ = "0.8"\n', "pyproject.toml":
         '[project]\nname = "fraud"\ndynamic = ["version", "description"]\n[tool.flit.module]\nname = "detect"\n'
         + FLIT}, [], "0.8", ["detect/__init__.py"], []),
    "flit of before": (
        {"fraud.py": '"""Finds fraud."""\n__version__ = "0.9"\n' + MAIN, "pyproject.toml":
         '[build-system]\nrequires = ["flit_core >=2,<4"]\nbuild-backend = "flit_core.buildapi"\n'
         '[tool.flit.metadata]\nmodule = "fraud"\nauthor = "A"\n[tool.flit.scripts]\nf = "fraud:main"\n'},
        [], "0.9", ["fraud.py"], ["f"]),
    "uv": ({**SRC, "pyproject.toml": NAMED + SCRIPT + UV}, [], "3.1.0", PACKAGE, ["fraud"]),
    "uv, flat": ({**FLAT, "pyproject.toml": NAMED + UV + '[tool.uv.build-backend]\nmodule-root = ""\n'},
                 [], "3.1.0", PACKAGE, []),
    "uv without a package": ({"app.py": MAIN, "steps/load.py": MAIN, "pyproject.toml": NAMED},
                             [], "3.1.0", ["app.py", "steps/load.py"], []),
    "no build tool": ({"train.py": MAIN, "steps/load.py": MAIN, **TESTS, "venv/pyvenv.cfg": "", "venv/x.py": "",
                       "conftest.py": ""}, [], "0.1.0", ["steps/load.py", "train.py"], []),
    "a date in pyproject.toml": ({**SRC, "pyproject.toml": NAMED + SETUPTOOLS + "[tool.x]\nsince = 2026-01-02\n"},
                                 [], "3.1.0", PACKAGE, []),
}


class Place(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.box = e2e.Sandbox("mlship-init-")
        self.addCleanup(self.box.close)

    def make(self, files, tags=(), git=True):
        """A committed project of `files` {path: text or bytes}; its folder."""
        root = self.box.folder("fraud")
        e2e.remove_tree(root)
        root.mkdir()
        for path, content in {".gitignore": "dist/\n.mlship/\n", **files}.items():
            e2e.write_file(root / path, content)
        if git:
            self.box.git(root, "init", "-q", "-b", "main")
            e2e.commit(self.box, root, "first")
            for tag in tags:
                self.box.git(root, "tag", tag)
        return root

    def init(self, root):
        return self.box.mlship_json("init", cwd=root)

    def build(self, root, tags=()):
        e2e.commit(self.box, root, "init")
        for tag in tags:
            self.box.git(root, "tag", "-f", tag)
        return self.box.mlship_json("build", cwd=root)

    def left_out(self, root, word):
        """The one line of what is left out that has `word`."""
        lines = [line for line in self.init(root)["left_out"] if word in line]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]


class Layouts(Place):
    def test_what_init_writes_builds_at_once(self):
        for name, (files, tags, version, members, commands) in LAYOUTS.items():
            with self.subTest(layout=name):
                root = self.make(files, tags)
                found = self.init(root)
                self.assertEqual(found["notes"], [])
                built = self.build(root, tags)
                self.assertEqual((built["name"], built["version"]), ("fraud", version))
                wheel = next(output for output in built["outputs"] if output["kind"] == "wheel")
                digest = wheel["digest"].removeprefix("sha256:")
                with zipfile.ZipFile(root / built["layout"] / "blobs/sha256" / digest) as archive:
                    names = archive.namelist()
                    entries = [archive.read(n).decode() for n in names if n.endswith("/entry_points.txt")]
                self.assertEqual([n for n in names if ".dist-info/" not in n], sorted(members))
                lines = entries[0].splitlines()[1:] if entries else []
                self.assertEqual([line.split(" = ")[0] for line in lines], commands)


class LeftOut(Place):
    def test_a_version_that_cannot_be_had_is_said(self):
        root = self.make({**SRC, "pyproject.toml": DYNAMIC + "[tool.setuptools_scm]\n" + SCM})
        notes = self.init(root)["notes"]
        self.assertEqual(len(notes), 1)
        self.assertIn("no tag that matches 'v*' points at HEAD", notes[0])
        self.assertIn("git tag v", notes[0])
        root = self.make({**SRC, "pyproject.toml": DYNAMIC + "[tool.setuptools_scm]\n" + SCM}, git=False)
        self.assertIn("no repository", self.init(root)["notes"][0])
        root = self.make({**SRC, "pyproject.toml": DYNAMIC + HATCH + '[tool.hatch.version]\npath = "gone.py"\n'})
        self.assertIn("gone.py, which is not there", self.init(root)["notes"][0])

    def test_commands(self):
        root = self.make({**SRC, "pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "1.0"\n'
                          '[tool.poetry.scripts]\nok = "fraud.cli:main"\n'
                          'more = { reference = "fraud.cli:main", extras = ["all"], type = "console" }\n'
                          'shell = { reference = "bin/x.sh", type = "file" }\ngone = "fraud.cli:absent"\n'
                          'odd = "fraud.cli"\n[tool.poetry.plugins."mlflow.flavors"]\nx = "fraud.cli:main"\n' + POETRY})
        found = self.init(root)
        self.assertEqual(found["entry_points"], {"more": "fraud.cli:main", "ok": "fraud.cli:main"})
        text = "\n".join(found["left_out"])
        for words in ("the extra [all] of the command more", "the command shell: a file", "the command gone: ",
                      "the command odd: ", "the entry points of mlflow.flavors"):
            self.assertIn(words, text)
        self.build(root)

    def test_code_that_is_not_taken(self):
        root = self.make({**FLAT, **TESTS, "train.py": MAIN, "scripts/x.py": "", "pyproject.toml": NAMED + HATCH})
        line = self.left_out(root, "beside the code")
        for name in ("train.py", "tests", "scripts"):
            self.assertIn(name, line)
        root = self.make({**SRC, "pyproject.toml": NAMED
                          + '[build-system]\nrequires = ["maturin"]\nbuild-backend = "maturin"\n'})
        self.assertIn("mlship publish --artifact", self.left_out(root, "compiles"))
        root = self.make({**FLAT, "setup.py": "setup(name='fraud', version='1', entry_points={})\n"})
        line = self.left_out(root, "setup.py: a program")
        self.assertIn("name, version, entry points", line)

    def test_a_second_project_file_is_not_written(self):
        root = self.make({**SRC, "pyproject.toml": NAMED + '[tool.mlship.package]\nname = "fraud"\n'
                          'version = { file = "pyproject.toml" }\n[tool.mlship.code]\nroot = "src"\n'})
        refused = self.box.mlship("init", cwd=root, exit=6)
        self.assertIn("pyproject.toml has [tool.mlship] already", refused.err)
        self.assertFalse((root / "mlship.toml").exists())
        self.assertEqual(self.box.mlship_json("build", cwd=root)["version"], "3.1.0")
        self.box.mlship("publish", cwd=root)
        self.assertIn("pyproject.toml:", self.box.mlship("config", cwd=root).out)
        self.assertIn("fraud", self.box.mlship("list", cwd=root).out)


class Locks(Place):
    def command(self, files):
        root = self.make({**SRC, "pyproject.toml": NAMED + SETUPTOOLS, **files})
        found = self.init(root)
        self.assertIsNone(found["lock"])
        first = found["to_lock"][0]
        self.assertIn(first["command"], (root / "mlship.toml").read_text())
        self.assertIn(first["file"], self.text_of(root))
        self.build(root)
        return first["file"], first["command"]

    def text_of(self, root):
        os.remove(root / "mlship.toml")
        return self.box.mlship("init", cwd=root).out

    def test_the_command_that_makes_a_lock(self):
        expected = {
            "poetry.lock": "poetry export --format requirements.txt",
            "uv.lock": "uv export --no-dev --no-emit-project",
            "pdm.lock": "pdm export --prod",
            "Pipfile.lock": "pipenv requirements --hash",
            "pylock.toml": "uv pip compile --generate-hashes",
            "conda-lock.yml": "conda packages are no wheels",
            "environment.yml": "conda packages are no wheels",
            "requirements.txt": "pip-compile --generate-hashes --output-file requirements.lock requirements.txt",
            "requirements.in": "pip-compile --generate-hashes --output-file requirements.lock requirements.in",
            "requirements/base.txt": "--generate-hashes --output-file requirements.lock requirements/base.txt",
            "requirements-prod.txt": "requirements-prod.txt",
        }
        for name, words in expected.items():
            with self.subTest(lock=name):
                file, command = self.command({name: "pandas==2.2.2\n"})
                self.assertEqual(file, name)
                self.assertIn(words, command)

    def test_a_list_without_a_lock(self):
        file, command = self.command({"pyproject.toml": NAMED + 'dependencies = ["pandas"]\n' + SETUPTOOLS})
        self.assertEqual(file, "pyproject.toml")
        self.assertIn("--generate-hashes", command)
        file, command = self.command({"setup.cfg": "[options]\ninstall_requires =\n  pandas\n"})
        self.assertEqual(file, "setup.cfg")
        file, command = self.command({"pyproject.toml": NAMED + POETRY + '[tool.poetry.dependencies]\npython = "^3.12"\n'
                                      'pandas = "^2"\n'})
        self.assertIn("poetry lock", command)

    def test_the_lock_that_is_read_and_those_beside_it(self):
        root = self.make({**SRC, "pyproject.toml": NAMED + SETUPTOOLS, "poetry.lock": "", "requirements.txt": "tinydep\n"})
        wheel = e2e.write_wheel(root / "wheels", "tinydep", "1.0")
        pinned = f"# with Python 3.12\ntinydep==1.0 --hash=sha256:{e2e.sha256_hex(wheel)}\n"
        e2e.write_file(root / "requirements.lock", pinned)
        e2e.write_file(root / "requirements-dev.txt", pinned)
        found = self.init(root)
        self.assertEqual((found["lock"], found["to_lock"]), ("requirements.lock", []))
        self.assertIn("poetry.lock: requirements.lock is the lock", found["left_out"])
        self.assertIn("requirements-dev.txt: not for jobs, by its name", found["left_out"])
        self.assertIn("cp312-", (root / "mlship.toml").read_text())
        e2e.commit(self.box, root, "init")
        self.assertEqual(self.box.mlship_json("build", "--find-links", "wheels", cwd=root)["version"], "3.1.0")

    def test_a_lock_with_a_line_that_is_none(self):
        root = self.make({**SRC, "requirements.txt": "a==1 --hash=sha256:" + "0" * 64 + "\nb>=2\n"})
        found = self.init(root)
        self.assertIn("requirements.txt:2", found["to_lock"][0]["why"])

    def test_the_python_of_the_target(self):
        for files, python in (({".python-version": "3.12.4\n"}, "cp312"),
                              ({"pyproject.toml": NAMED + 'requires-python = ">=3.13"\n' + HATCH}, "cp313"),
                              ({"pyproject.toml": NAMED + 'requires-python = ">=3.9,<3.11"\n' + HATCH}, "cp310"),
                              ({"pyproject.toml": '[tool.poetry]\nname = "fraud"\nversion = "1"\n'
                                '[tool.poetry.dependencies]\npython = "~3.9"\n' + POETRY}, "cp39")):
            root = self.make({**SRC, **files})
            self.init(root)
            self.assertIn(python + "-", (root / "mlship.toml").read_text())


class Models(Place):
    def test_every_kind(self):
        root = self.make({"predict.py": MAIN, "models/a.onnx": b"\x08\x07\x12\x04test", "models/b.gguf": b"GGUF\x03",
                          "models/xgb.json": '{"learner":{"x":1}}', "models/lgb.txt": "tree\nversion=v4\n",
                          "models/net.h5": b"\x89HDF\r\n\x1a\n", "models/net.tflite": b"x", "models/scaler.ubj": b"{L\x00",
                          "models/clf.pkl": pickle.dumps({"w": 1}, 2), "models/plain": pickle.dumps([1], 4),
                          "models/empty.onnx": b"", "models/labels.json": "[]", "models/README.md": "hello",
                          "models/bert/config.json": "{}", "models/bert/vocab.txt": "a\n", "best.onnx": b"\x08\x07",
                          "models/run/MLmodel": "flavors:\n", "models/run/model.pkl": pickle.dumps([1], 2),
                          "data/x.npy": b"\x93NUMPY\x01\x00", "models/far.onnx.dvc": "outs:\n",
                          "models/big.onnx": "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64
                          + "\nsize 5\n"})
        e2e.write_safetensors(root / "models/c.safetensors", [1.0])
        e2e.write_safetensors(root / "models/bert/model.safetensors", [2.0])
        found = self.init(root)
        taken = {m["path"] for m in found["models"] if m["taken"]}
        self.assertEqual(taken, {"models/a.onnx", "models/b.gguf", "models/xgb.json", "models/lgb.txt", "models/net.h5",
                                 "models/net.tflite", "models/scaler.ubj", "models/c.safetensors", "models/bert",
                                 "best.onnx", "models/big.onnx"})
        self.assertEqual({m["path"] for m in found["models"] if not m["taken"]},
                         {"models/clf.pkl", "models/plain", "models/run"})
        text = "\n".join(found["left_out"])
        for words in ("models/clf.pkl: a pickle", "models/plain: a pickle", "models/run: a pickle",
                      "models/empty.onnx: it has 0 bytes", "models/labels.json: no model", "data/x.npy: among",
                      "models/far.onnx: kept by DVC"):
            self.assertIn(words, text)
        self.assertIn("models/big.onnx is a Git LFS pointer", "\n".join(found["notes"]))
        os.remove(root / "models/big.onnx")
        toml = (root / "mlship.toml").read_text()
        toml = toml.replace('[[models]]\nname = "big"\npath = "models/big.onnx"\n', "")
        e2e.write_file(root / "mlship.toml", toml)
        built = self.build(root)
        shipped = {layer["path"] for layer in built["layers"] if layer["kind"] == "model"}
        self.assertLessEqual({"models/a.onnx", "models/best.onnx", "models/bert/model.safetensors"}, shipped)
        # Without the # the pickles are taken too.
        lines = toml.splitlines()
        at = [i for i, line in enumerate(lines) if line == "# allow-pickle = true"]
        self.assertEqual(len(at), 3)
        for i in at:
            lines[i - 3:i + 1] = [line.removeprefix("# ") for line in lines[i - 3:i + 1]]
        e2e.write_file(root / "mlship.toml", "\n".join(lines) + "\n")
        self.assertIn("clf.pkl", str(self.build(root)["layers"]))

    def test_models_that_git_ignores(self):
        root = self.make({**SRC, ".gitignore": "dist/\n.mlship/\nmodels/\n*.onnx\n"})
        e2e.write_safetensors(root / "models/c.safetensors", [1.0])
        e2e.write_file(root / "best.onnx", b"\x08\x07")
        notes = self.init(root)["notes"]
        self.assertEqual(len(notes), 1)
        self.assertIn("git ignores best.onnx, models/c.safetensors: a clone in CI lacks", notes[0])
        self.build(root)

    def test_a_pickle_in_the_code(self):
        root = self.make({**SRC, "src/fraud/clf.pkl": pickle.dumps([1], 2), "src/fraud/net.onnx": b"\x08\x07"})
        self.assertIn("remove the # before allow-pickle", self.left_out(root, "src/fraud/clf.pkl"))
        toml = (root / "mlship.toml").read_text()
        self.assertIn('# allow-pickle = ["fraud/clf.pkl"]', toml)
        e2e.commit(self.box, root, "init")
        self.box.mlship("build", cwd=root, exit=3)
        e2e.write_file(root / "mlship.toml", toml.replace("# allow-pickle", "allow-pickle"))
        self.build(root)

    def test_models_alone_are_a_project(self):
        root = self.make({"models/a.onnx": b"\x08\x07"})
        self.init(root)
        self.assertEqual([layer["kind"] for layer in self.build(root)["layers"]], ["meta", "model"])

    def test_how_a_job_finds_its_model(self):
        root = self.make({**SRC, "best.onnx": b"\x08\x07"})
        self.init(root)
        toml = (root / "mlship.toml").read_text()
        self.assertIn('Path(os.environ["MLSHIP_ROOT"]) / "models/best.onnx"', toml)
        self.assertIn('Path(sys.prefix) / "models/best.onnx"', toml)


if __name__ == "__main__":
    e2e.main()
