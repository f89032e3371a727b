"""Every command that a page of docs/ shows is run, and what it shows of the output must be what comes.

A page with a console block is one bash session in a fresh home. In it

    <!-- before            bash that a reader does not see: what the page takes for granted (helpers: tests/golden/lib.sh)
    -->
    ```console            `$ ` begins a command, `> ` continues it; the lines below are its output, both streams
    <!-- write: PATH -->  the next block becomes that file; `append: PATH` adds to it

Output that is not shown is not compared. In what is shown, `…` stands for anything within a line, and a line of `…` alone
for any lines. A command has to succeed unless its output shows an `error: ` line. The home is shown as /home/ada.
"""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

DOCS = (e2e.source_folder() / "docs").resolve()
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if "```console" in page.read_text(encoding="utf-8")]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# What is only read: files, and what others write.
SHOWN = {"toml", "json", "text", "groovy", "yaml"}
HOME = "/home/ada"


class Step:
    """Bash to run; `wanted`: the lines of output that the page shows, None when it shows none."""

    def __init__(self, script, wanted=None, hidden=False):
        self.script, self.wanted, self.hidden = script, wanted, hidden


def console_steps(block):
    steps = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:]))
        elif line.startswith("> ") and steps and steps[-1].wanted is None:
            steps[-1].script += "\n" + line[2:]
        elif steps:
            steps[-1].wanted = (steps[-1].wanted or []) + [line]
    return steps


def file_step(verb, path, content):
    return Step(f"mkdir -p \"$(dirname {path})\"\ncat {'>' if verb == 'write' else '>>'}{path} <<'PAGE'\n{content}PAGE",
                hidden=True)


PARTS = re.compile(r"<!-- before\n(?P<before>.*?)-->"
                   r"|(?:<!-- (?P<verb>write|append): (?P<path>\S+) -->\n)?```(?P<language>\w*)\n(?P<block>.*?)```", re.S)


def steps_of(page):
    steps = []
    for part in PARTS.finditer(page.read_text(encoding="utf-8")):
        if part["before"] is not None:
            steps.append(Step("set -e\n" + part["before"] + "set +e", hidden=True))
        elif part["verb"]:
            steps.append(file_step(part["verb"], part["path"], part["block"]))
        elif part["language"] == "console":
            steps += console_steps(part["block"])
        elif part["language"] not in SHOWN:
            raise AssertionError(f"{page.name}: a block of '{part['language']}' is not run; write console")
    return steps


def script_of(steps):
    lines = ['. "$LIB"', "set +e"]
    for number, step in enumerate(steps):
        lines.append(f"{{\n{step.script}\n}} >\"$STEPS/{number}.out\" 2>&1 </dev/null\necho $? >\"$STEPS/{number}.exit\"")
        if step.hidden:
            lines.append(f"[[ $(cat \"$STEPS/{number}.exit\") == 0 ]] || exit 1")
    return "\n".join(lines) + "\n"


def pattern_of(wanted):
    out = ""
    for line in wanted:
        if line.strip() == "…":
            out += r"(?:[^\n]*\n)*?"
        else:
            # A column is as wide as what stands in it; `…` takes its blanks with it.
            words = re.split(r"( {2,}|…)", line.rstrip())
            out += "".join("[^\n]*?" if w == "…" else " +" if w.startswith("  ") and (i > 1 or words[0]) else re.escape(w)
                           for i, w in enumerate(words)) + " *\n"
    return out


class Documentation(unittest.TestCase):
    def run_page(self, page):
        if "strace" in page.read_text(encoding="utf-8"):
            e2e.require_program("strace")
        steps = steps_of(page)
        with e2e.Sandbox("mlship-docs-") as box:
            outputs = box.folder("steps")
            env = box.environment({"STEPS": str(outputs), "LIB": str(e2e.source_folder() / "tests/golden/lib.sh"),
                                   "MLSHIP_SOURCE": str(e2e.source_folder()), "COLUMNS": "", "USER": "ada",
                                   "PIP_NO_INDEX": "1", "ASAN_OPTIONS": "detect_leaks=0"})
            script = e2e.write_file(box.root / "page.sh", script_of(steps))
            subprocess.run(["bash", script], cwd=box.home, env=env, check=False, capture_output=True, timeout=600)
            for number, step in enumerate(steps):
                got = self.read(outputs / f"{number}.out").replace(str(box.home), HOME)
                status = self.read(outputs / f"{number}.exit").strip()
                self.check(step, got, status)
        return steps

    @staticmethod
    def read(path):
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else "(was not run)\n"

    def check(self, step, got, status):
        shown = f"$ {step.script}\n{got}exit {status}"
        fails = any(line.startswith("error: ") for line in step.wanted or [])
        self.assertEqual(status != "0", fails, f"exit status of:\n{shown}")
        if step.wanted is None:
            return
        wanted = list(step.wanted)
        while wanted and not wanted[-1]:
            wanted.pop()
        text = "".join(line.rstrip() + "\n" for line in got.rstrip().splitlines())
        if not re.fullmatch(pattern_of(wanted), text):
            self.fail("the page shows\n" + "\n".join(wanted) + f"\n--- but this comes:\n{shown}")

    def test_links_lead_somewhere(self):
        for page in [e2e.source_folder() / "README.md", *DOCS.rglob("*.md")]:
            for link in LINK.findall(page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / link).exists(), f"{page.name} links to {link}")

    def test_every_page_can_be_reached_from_the_table_of_contents(self):
        reached, left = set(), [DOCS / "README.md"]
        while left:
            page = left.pop()
            if page not in reached and page.suffix == ".md":
                reached.add(page)
                left += [(page.parent / link).resolve() for link in LINK.findall(page.read_text(encoding="utf-8"))]
        self.assertEqual(sorted({*DOCS.rglob("*.md")} - reached), [])

    def test_every_promise_names_what_shows_it(self):
        text = (DOCS / "promises.md").read_text(encoding="utf-8")
        rows = [line.split(" | ")[-1] for line in text.splitlines()
                if line.startswith("| ") and not line.startswith("| promise")]
        self.assertGreater(len(rows), 40)
        for row in rows:
            words = re.findall(r"`([^`]+)`", row)
            files = [e2e.source_folder() / w.split()[0] for w in words if w.startswith(("tests/", "scripts/"))]
            self.assertTrue(files, f"nothing shows: {row}")
            shown = "".join(file.read_text(encoding="utf-8") for file in files)
            for word in words:
                self.assertTrue(word.split()[0].startswith(("tests/", "scripts/")) or word in shown, f"no test {word}: {row}")

    def test_tutorial_and_tasks_show_commands(self):
        self.assertEqual(sorted({DOCS / "tutorial.md", *(DOCS / "tasks").glob("*.md")} - set(PAGES)), [])


def page_test(page):
    def test(self):
        steps = self.run_page(page)
        self.assertTrue(any(not step.hidden for step in steps), "it shows no command")
    return test


for each in PAGES:
    name = re.sub(r"\W", "_", str(each.relative_to(DOCS).with_suffix("")))
    setattr(Documentation, "test_" + name, page_test(each))

if __name__ == "__main__":
    e2e.main()
