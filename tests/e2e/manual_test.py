"""What is made from the program's own tables and installed beside it: manual pages, completion files, and the JSON schema
of the project file, whose verdict on a file must be the parser's."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

SHARE = pathlib.Path(os.environ["MLSHIP_SHARE"])
SCHEMA = e2e.source_folder() / "docs" / "mlship.schema.json"
ACCEPT = os.environ.get("MLSHIP_TEST_ACCEPT") == "1"


def commands():
    return sorted(p.stem.replace("_", "-") for p in (e2e.source_folder() / "cli/commands").glob("*.cpp"))


def rendered(page):
    """The page as a person reads it, without the overstrikes of bold."""
    shown = subprocess.run(["mandoc", "-Tutf8", "-Owidth=200", page], capture_output=True, text=True, check=True).stdout
    return re.sub(".\b", "", shown)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        e2e.require_program("mandoc")
        cls.pages = {p.name: p for p in (SHARE / "man/man1").iterdir()}

    def test_one_page_for_the_program_and_each_command(self):
        self.assertEqual(sorted(self.pages), sorted(["mlship.1"] + [f"mlship-{c}.1" for c in commands()]))

    def test_mandoc_finds_nothing_to_say(self):
        for name, page in self.pages.items():
            lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False)
            # Without a date a page is a function of the program alone.
            said = [line for line in lint.stdout.splitlines() if "missing date" not in line]
            self.assertEqual(said, [], name)

    def test_man_shows_them(self):
        e2e.require_program("man")
        with e2e.Sandbox() as box:
            for name in ("mlship", "mlship-rollout"):
                shown = box.run(["man", "-M", SHARE / "man", name], env={"MANWIDTH": "100", "PAGER": "cat",
                                                                          "MANROFFOPT": "-c"})
                self.assertIn(f"{name} - ", re.sub(".\b", "", shown.out))
                self.assertEqual(shown.err, "")

    def test_everything_that_help_says_is_there(self):
        with e2e.Sandbox() as box:
            for command in commands():
                page = " ".join(rendered(self.pages[f"mlship-{command}.1"]).split())
                for line in box.mlship(command, "--help").out.splitlines():
                    words = " ".join(line.split())
                    # A flag's line and an example stand in the page as in the help; titles and usage do not.
                    if line.startswith("  ") and not words.startswith("[") and "  " not in line.strip():
                        self.assertIn(words.replace("`", ""), page, command)
                flags = re.findall(r"^  ((?:-\w, )?--[\w-]+)", box.mlship(command, "--help").out, re.M)
                self.assertTrue(flags)
                for flag in flags:
                    self.assertIn(flag, page, command)

    def test_the_program_s_page_names_commands_variables_and_exit_codes(self):
        page = rendered(self.pages["mlship.1"])
        for word in commands() + ["MLSHIP_YES", "HTTPS_PROXY", "config.toml", "churn@sha256:", "130"]:
            self.assertIn(word, page)


class Completions(unittest.TestCase):
    def test_the_files_are_what_the_command_prints(self):
        with e2e.Sandbox() as box:
            for shell, file in (("bash", "mlship"), ("zsh", "_mlship"), ("fish", "mlship.fish")):
                written = (SHARE / "completions" / shell / file).read_text(encoding="utf-8")
                self.assertEqual(written, box.mlship("completion", shell).out)


class Installed(unittest.TestCase):
    def test_files_go_where_systems_look_for_them(self):
        with e2e.Sandbox() as box:
            box.run(["cmake", "--install", SHARE.parent, "--prefix", box.root / "usr"])
            share = box.root / "usr/share"
            shown = box.run(["man", "-M", share / "man", "-w", "mlship-plan"])
            self.assertEqual(shown.out.strip(), str(share / "man/man1/mlship-plan.1"))
            for file in ("bash-completion/completions/mlship", "fish/vendor_completions.d/mlship.fish"):
                self.assertTrue((share / file).is_file(), file)
            self.assertEqual(len(list(share.glob("zsh/*/_mlship"))), 1)
            self.assertEqual((share / "mlship/mlship.schema.json").read_bytes(), SCHEMA.read_bytes())


BASE = """
[package]
name = "churn"
version = "1.0"
"""

# Beside one good value of every key: what an editor should object to.
REFUSED = {
    "unknown table": BASE + "[packages]\n",
    "unknown key": BASE + "owners = 'x'\n",
    "no name": "[package]\nversion = '1'\n",
    "no version": "[package]\nname = 'x'\n",
    "a number for a text": BASE + "owner = 1\n",
    "an empty text": BASE + "owner = ''\n",
    "a scheme that is none": BASE + "scheme = 'calver'\n",
    "two forms of version": "[package]\nname = 'x'\nversion = { git-tag = 'v*', file = 'x.py' }\n",
    "no form of version": "[package]\nname = 'x'\nversion = {}\n",
    "a text for a list": BASE + "[code]\ninclude = 'src/**'\n",
    "a list of numbers": BASE + "[code]\ninclude = [1]\n",
    "a list for a table": BASE + "[code]\nentry-points = ['a']\n",
    "a lock without targets": BASE + "[dependencies]\nlock = 'x.lock'\n",
    "a lock for no platform": BASE + "[dependencies]\nlock = 'x.lock'\ntargets = []\n",
    "a model without a path": BASE + "[[models]]\nname = 'm'\n",
    "models as one table": BASE + "[models]\nname = 'm'\npath = 'p'\n",
    "a word for the wheel": BASE + "[outputs]\nwheel = 'yes'\n",
    "an unknown form of wheel": BASE + "[outputs]\nwheel = { requires = 'loose' }\n",
    "a registry without url": BASE + "[registries.team]\n",
    "a name with a blank": BASE + "[registries.'my team']\nurl = 'layout:x'\n",
    "a name with a dot in front": BASE + "[registries.'.team']\nurl = 'layout:x'\n",
    "a target without a kind": BASE + "[targets.edge]\nfiles = ['x']\n",
    "a target of an unknown kind": BASE + "[targets.edge]\nkind = 'corn'\nfiles = ['x']\n",
    "a cron target without files": BASE + "[targets.edge]\nkind = 'cron'\n",
    "an unknown key of a kind": BASE + "[targets.edge]\nkind = 'cron'\nfiles = ['x']\nfile = 'x'\n",
    "a text for a switch": BASE + "[targets.edge]\nkind = 'cron'\nfiles = ['x']\nstrict = 'yes'\n",
    "environments as a list": BASE + "[[environments]]\nname = 'x'\n",
    "an unknown key of an environment": BASE + "[environments.prod]\nregistrys = 'x'\n",
}


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            import jsonschema
        except ImportError as error:
            raise unittest.SkipTest("python3-jsonschema is not installed; scripts/setup test installs it") from error
        made = (SHARE / "mlship.schema.json").read_text(encoding="utf-8")
        if ACCEPT:
            SCHEMA.write_text(made, encoding="utf-8")
        cls.schema = json.loads(made)
        jsonschema.Draft7Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft7Validator(cls.schema)

    def problems(self, text):
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                for e in self.validator.iter_errors(tomllib.loads(text))]

    def test_the_committed_file_is_what_the_tables_say(self):
        made = (SHARE / "mlship.schema.json").read_text(encoding="utf-8")
        self.assertEqual(SCHEMA.read_text(encoding="utf-8"), made, "MLSHIP_TEST_ACCEPT=1 rewrites it")

    def test_examples_are_valid(self):
        shown = {"examples/churn/mlship.toml": (e2e.source_folder() / "examples/churn/mlship.toml").read_text()}
        for page in [e2e.source_folder() / "README.md", *(e2e.source_folder() / "docs").rglob("*.md")]:
            for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)):
                shown[f"{page.name} {number}"] = block
        self.assertGreater(len(shown), 3)
        for name, text in shown.items():
            self.assertEqual(self.problems(text), [], name)

    def test_what_init_writes_is_valid(self):
        with e2e.Sandbox() as box:
            project = e2e.make_project(box)
            (project / "mlship.toml").unlink()
            box.mlship("init", cwd=project)
            self.assertEqual(self.problems((project / "mlship.toml").read_text()), [])

    def test_it_refuses_what_the_parser_refuses(self):
        with e2e.Sandbox() as box:
            folder = box.folder("project")
            for name, text in REFUSED.items():
                with self.subTest(name):
                    e2e.write_file(folder / "mlship.toml", text)
                    box.mlship("config", cwd=folder, exit=3)
                    self.assertNotEqual(self.problems(text), [])

    def test_it_accepts_every_key_with_the_value_it_describes(self):
        with e2e.Sandbox() as box:
            folder = box.folder("project")
            for name, table in self.tables():
                text = ("" if name == "[package]" else BASE) + name + "\n" + "".join(
                    f"{key} = {self.value(key, spec)}\n" for key, spec in table["properties"].items())
                if name.startswith("[environments"):  # it names others
                    text += '[registries.x]\nurl = "layout:x"\n[targets.x]\nkind = "files"\nfiles = ["x"]\n'
                with self.subTest(name):
                    e2e.write_file(folder / "mlship.toml", text)
                    self.assertEqual(self.problems(text), [])
                    said = box.mlship("config", cwd=folder, exit=None)
                    self.assertNotRegex(said.err, "unknown (key|table)|must be|has no '")

    def tables(self):
        for name, spec in self.schema["properties"].items():
            if spec["type"] == "array":
                yield f"[[{name}]]", spec["items"]
            elif isinstance(spec["additionalProperties"], dict):
                for form in spec["additionalProperties"].get("oneOf", [spec["additionalProperties"]]):
                    yield f"[{name}.x]", form
            else:
                yield f"[{name}]", spec

    def value(self, key, spec):
        fixed = {"name": '"churn"', "version": '"1.0"', "url": '"pypi+https://index.test/simple"', "compat": '"minor"',
                 "registry": '"x"'}
        if "const" in spec or "enum" in spec:
            return json.dumps(spec.get("const", spec.get("enum", [None])[0]))
        if key in fixed:
            return fixed[key]
        if "anyOf" in spec:
            return self.value(key, spec["anyOf"][0])
        return {"string": '"x"', "boolean": "true", "integer": "1", "array": '["x"]', "object": '{ x = "x:y" }'}[
            spec["type"]]


if __name__ == "__main__":
    e2e.main()
