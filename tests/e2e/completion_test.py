"""What bash, zsh and fish offer for a typed beginning, asked of the shells themselves."""

import os
import pty
import select
import shlex
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

PROJECT = """
[targets.edge]
kind = "cron"
files = ["cron.d/*"]

[targets.attic]
kind = "files"
files = ["attic/*"]

[registries.team]
url = "layout:registry"

[environments.dev]
registry = "team"
[environments.prod]
registry = "team"
"""

# Asks bash's own machinery: the function that `complete` registered, over the words as readline splits them.
BASH = r"""
source "$1"
[[ $(complete -p mlship) == *"-F _mlship mlship" ]] || exit 9
COMP_WORDS=("${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="${*:2}"; COMP_POINT=${#COMP_LINE}
_mlship "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

# A widget that runs zsh's completion on the line typed so far and writes what it would add to a file.
ZSH = r"""
PS1='ready> '
autoload -Uz compinit && compinit -D -u
source "$SCRIPT"
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  typeset -a __hits
  builtin compadd -A __hits "$@"
  (( $#__hits )) && print -rl -- $__hits >>"$ANSWER"
  builtin compadd "$@"
}
answer() { : >"$ANSWER"; _main_complete; print -r -- '<end>' >>"$ANSWER" }
zle -C answer list-choices answer
bindkey '^X' answer
"""


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        cls.project = cls.box.folder("project")
        e2e.write_file(cls.project / "mlship.toml", PROJECT)
        e2e.write_file(cls.project / "notes.txt", "")
        cls.box.folder("project/output folder")
        for shell in ("bash", "zsh", "fish"):
            e2e.write_file(cls.box.root / f"completion.{shell}", cls.box.mlship("completion", shell).out)

    def offered(self, line):
        raise NotImplementedError

    # What every shell must do; each subclass says how to ask.
    def check_commands(self):
        self.assertEqual(self.offered("mlship ro"), ["rollback", "rollout"])
        every = self.offered("mlship ")
        files = {p.stem.replace("_", "-") for p in (e2e.source_folder() / "cli/commands").glob("*.cpp")}
        self.assertEqual(sorted(files - set(every)), [])

    def check_flags(self):
        self.assertEqual(self.offered("mlship plan --co"), ["--color", "--compat"])
        self.assertEqual(self.offered("mlship --json rollout --res"), ["--resume"])
        self.assertEqual(self.offered("mlship list --comp"), [])

    def check_closed_lists(self):
        self.assertEqual(self.offered("mlship plan --compat "), ["any", "major", "minor"])
        self.assertEqual(self.offered("mlship --color al"), ["always"])
        self.assertEqual(self.offered("mlship completion "), ["bash", "fish", "zsh"])

    def check_files(self):
        self.assertIn("notes.txt", self.offered("mlship rollout --plan no"))
        self.assertIn("notes.txt", self.offered("mlship inspect no"))
        self.assertEqual(self.offered("mlship build --output no"), [])
        self.assertEqual([w.rstrip("/").replace("\\", "") for w in self.offered("mlship build --output out")],
                         ["output folder"])

    def check_names_of_the_project(self):
        self.assertEqual(self.offered("mlship plan --target "), ["attic", "edge"])
        self.assertEqual(self.offered("mlship --env p"), ["prod"])
        self.assertEqual(self.offered("mlship list --registry "), ["team"])

    def check_a_value_is_no_command(self):
        self.assertEqual(self.offered("mlship --env dev verif"), ["verify"])

    def check_project_named_on_the_line(self):
        self.assertEqual(self.offered(f"mlship -C {self.project} plan --target e"), ["edge"])


class Bash(Completion):
    def offered(self, line):
        words = line.split(" ")
        result = self.box.run(["bash", "--norc", "--noprofile", "-c", BASH, "bash",
                               self.box.root / "completion.bash", *words], cwd=self.project)
        self.assertEqual(result.err, "")
        return sorted(set(result.out.split("\n")) - {""})

    def test_value_behind_an_equals_sign(self):
        # readline breaks words at `=`.
        self.assertEqual(self.offered("mlship --color = al"), ["always"])
        self.assertEqual(self.offered("mlship plan --target = ed"), ["edge"])
        self.assertEqual(self.offered("mlship plan --jobs = x --comp"), ["--compat"])

    def test_tab_in_a_real_bash(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.project)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"],
                       self.box.environment({"TERM": "dumb", "PS1": "ready> "}))
        typed = Typed(terminal)
        typed.until("ready> ")
        typed.send(f"source {self.box.root}/completion.bash\n")
        typed.until("ready> ")
        typed.send("mlship platf\t\n")
        self.assertIn("databricks-15.4", typed.until("databricks-16.4"))
        typed.close(pid)


class Fish(Completion):
    @classmethod
    def setUpClass(cls):
        e2e.require_program("fish")
        super().setUpClass()

    def offered(self, line):
        result = self.box.run(["fish", "--no-config", "-c", f"source {self.box.root}/completion.fish; "
                               f"complete -C {shlex.quote(line)}"], cwd=self.project)
        self.assertEqual(result.err, "")
        return sorted(word.split("\t")[0] for word in result.out.splitlines())


class Zsh(Completion):
    @classmethod
    def setUpClass(cls):
        e2e.require_program("zsh")
        super().setUpClass()
        e2e.write_file(cls.box.home / ".zshrc", ZSH)

    def setUp(self):
        self.answer = self.box.root / "answer"
        self.pid, terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.project)
            os.execvpe("zsh", ["zsh", "-d", "-i"], self.box.environment(
                {"TERM": "vt100", "ANSWER": str(self.answer), "SCRIPT": f"{self.box.root}/completion.zsh"}))
        self.typed = Typed(terminal)
        self.typed.until("ready> ")
        self.addCleanup(self.typed.close, self.pid)

    def offered(self, line):
        self.answer.unlink(missing_ok=True)
        self.typed.send("\x15" + line + "\x18")  # clear the line, type it, ask
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.typed.read(0.02)
            if self.answer.exists() and self.answer.read_text().endswith("<end>\n"):
                return sorted(set(self.answer.read_text().splitlines()) - {"<end>"})
        raise AssertionError(f"zsh does not answer to {line!r}:\n{self.typed.text}")


class Typed:
    """The other side of a shell's terminal."""

    def __init__(self, terminal):
        self.terminal, self.text = terminal, ""

    def send(self, text):
        os.write(self.terminal, text.encode())

    def read(self, seconds):
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if ready:
            self.text += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def until(self, wanted, seconds=60):
        """What the terminal showed up to `wanted`, which must come."""
        deadline = time.monotonic() + seconds
        while wanted not in self.text:
            if time.monotonic() > deadline:
                raise AssertionError(f"{wanted!r} does not come:\n{self.text}")
            self.read(0.2)
        shown, self.text = self.text, self.text.split(wanted, 1)[1]
        return shown

    def close(self, pid):
        os.close(self.terminal)  # the shell gets SIGHUP
        os.waitpid(pid, 0)


def each_shell():
    for name in [n for n in dir(Completion) if n.startswith("check_")]:
        for shell in (Bash, Zsh, Fish):
            setattr(shell, "test_" + name.removeprefix("check_"), getattr(Completion, name))


class Scripts(unittest.TestCase):
    def test_json_holds_the_same_script(self):
        with e2e.Sandbox() as box:
            for shell in ("bash", "zsh", "fish"):
                document = box.mlship_json("completion", shell)
                self.assertEqual(document["script"], box.mlship("completion", shell).out)

    def test_an_unknown_shell_is_refused(self):
        with e2e.Sandbox() as box:
            result = box.mlship("completion", "zhs", exit=2)
            self.assertIn("did you mean 'zsh'?", result.err)


each_shell()
del Completion
if __name__ == "__main__":
    e2e.main()
