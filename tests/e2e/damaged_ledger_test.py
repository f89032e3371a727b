"""One rollout's record that is lost, unreadable or something else altogether: every other work goes on, in time, and
each command says which record it passed over. Over a ledger in a folder and one in git, from one table."""

import os
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import git_server

SETTINGS = """
[targets.edge]
kind = "files"
trust-pins = true
files = ["{root}/edge/*.txt"]

[environments.prod]
targets = ["edge"]
ledger = "{ledger}"
"""
SECONDS = 60  # what hangs does not end by itself


class FolderStore:
    """What may become of a file of a rollout, or of its folder, in a ledger that is a folder."""

    DAMAGES = ["gone", "empty", "garbage", "folder", "fifo", "dangling link", "link", "cut short", "unreadable"]
    BACKED_UP = ["ledger", "edge"]

    def __init__(self, box):
        self.box, self.place, self.address = box, box.root / "ledger", box.root / "ledger"

    def damage(self, path, how):
        path = self.place / path
        text = path.read_bytes() if path.is_file() else b""
        if how == "unreadable":
            return path.chmod(0)
        if how == "cut short" and not text:
            return None
        e2e.remove_tree(path) if path.is_dir() else path.unlink()
        if how == "empty":
            path.write_bytes(b"")
        elif how == "garbage":
            path.write_bytes(b"\0\xff garbage\n{\n")
        elif how == "cut short":
            path.write_bytes(text[:40] + b"\n")
        elif how == "folder":
            (path / "inner").mkdir(parents=True)
        elif how == "fifo":
            os.mkfifo(path)
        elif how == "dangling link":
            path.symlink_to("/nowhere/at/all")
        elif how == "link":
            path.symlink_to("/etc/passwd")
        return None


class GitStore:
    """The same in a repository, as far as one can hold it."""

    DAMAGES = ["gone", "empty", "garbage", "folder", "dangling link", "submodule", "cut short"]
    BACKED_UP = ["ledger.git", "edge", "home/.local"]

    def __init__(self, box):
        self.box = box
        self.repository = git_server.make_repository(box, box.root / "ledger.git")
        self.address = f"git+file://{self.repository}"

    def git(self, *args, input=None):
        index = {"GIT_INDEX_FILE": str(self.box.root / "index")}
        return self.box.run(["git", "-C", self.repository, *args], env=index, input=input).out

    def damage(self, path, how):
        text = self.git("show", f"main:{path}").encode() if how == "cut short" else b""
        contents = {"empty": b"", "garbage": b"\0\xff garbage\n{\n", "folder": b"inner", "dangling link": b"/nowhere",
                    "cut short": text[:40] + b"\n"}
        self.git("read-tree", "main")
        self.git("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", path)
        if how != "gone":
            mode = {"dangling link": "120000", "submodule": "160000"}.get(how, "100644")
            blob = "1" * 40 if how == "submodule" else self.git(
                "hash-object", "-w", "--stdin", input=contents[how]).strip()
            if how == "folder":
                path += "/inner"
            self.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}")
        tree = self.git("write-tree").strip()
        self.git("update-ref", "refs/heads/main", self.git("commit-tree", "-p", "main", "-m", "m", tree).strip())


class DamagedLedger:
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.store = self.STORE(self.box)
        root = self.box.root
        settings = SETTINGS.format(root=root, ledger=self.store.address)
        self.project = e2e.make_project(self.box, version="1.2.0", extra=settings)
        for version in ("1.2.0", "1.3.0", "1.4.0", "1.5.0"):
            if version != "1.2.0":
                e2e.set_version(self.box, self.project, version)
            self.run_mlship("build")
            self.run_mlship("publish")
        self.job = e2e.write_file(root / "edge/job.txt", "churn==1.2.0\n")
        self.run_mlship("rollout", "churn:1.3.0", "--yes")
        self.run_mlship("rollout", "churn:1.4.0", "--yes")
        self.ids = [entry["id"] for entry in self.entries()]
        for part in self.store.BACKED_UP:
            shutil.copytree(root / part, root / "saved" / part, symlinks=True)

    program = [e2e.mlship_binary()]

    def run_mlship(self, *args, exit=0):
        return self.box.run([*self.program, *args], cwd=self.project, exit=exit, timeout=SECONDS)

    def entries(self):
        return self.run_mlship("history", "--json").json()["entries"]

    def restore(self):
        for part in self.store.BACKED_UP:
            e2e.remove_tree(self.box.root / part)
            shutil.copytree(self.box.root / "saved" / part, self.box.root / part, symlinks=True)

    def cases(self):
        """(rollout, path below rollouts/, damage): the newest and the one before take turns."""
        rows = [(file, how) for file in ("plan.json", "entries.jsonl", "") for how in self.store.DAMAGES]
        for number, (file, how) in enumerate(rows):
            yield self.ids[number % 2], file, how

    def listed(self, rollout, file, how):
        """Whether anything is left that has the rollout's name."""
        return not (file == "" and how in ("gone", "cut short"))

    def test_other_work_goes_on_and_the_record_is_named(self):
        points = 0
        for rollout, file, how in self.cases():
            if how == "unreadable" and os.getuid() == 0 or file == "" and how == "cut short":
                continue
            points += 1
            with self.subTest(file=file or "the folder", how=how, newest=rollout == self.ids[0]):
                self.restore()
                self.store.damage(str(pathlib.PurePath("rollouts", rollout, file)), how)
                self.check(rollout, self.listed(rollout, file, how))
        print(f"\n{points} damages", file=sys.stderr)
        self.assertGreaterEqual(points, 19)

    def check(self, rollout, listed):
        said = rollout if listed else ""
        self.assertIn(said, self.run_mlship("status").err)
        states = {entry["id"]: entry["state"] for entry in self.entries()}
        self.assertEqual(states.get(rollout), "unreadable" if listed else None)
        other = next(id for id in self.ids if id != rollout)
        # The undoing of the other one; where the newest is damaged, what the other wrote is not there any more.
        undone = self.run_mlship("rollback", "--rollout", other, "--yes", exit=0 if other == self.ids[0] else 8)
        self.assertIn(said, undone.err)
        self.assertEqual(self.job.read_text(), "churn==1.3.0\n" if other == self.ids[0] else "churn==1.4.0\n")
        last = self.run_mlship("rollback", "--yes", exit=None)
        self.assertIn(last.exit, (0, 8), last)
        moved = self.run_mlship("rollout", "churn:1.5.0", "--yes")
        self.assertIn(said, moved.err)
        self.assertEqual(self.job.read_text(), "churn==1.5.0\n")
        if listed:
            self.assertIn(rollout, self.run_mlship("history", "--verify", exit=9).err)
            self.run_mlship("show", rollout, exit=None)


class InAFolder(DamagedLedger, unittest.TestCase):
    STORE = FolderStore

    def test_what_another_user_may_not_read(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        e2e.require_able(e2e.NOBODY)
        program = self.box.root / "mlship"
        shutil.copy(e2e.mlship_binary(), program)
        for rollout, file in ((self.ids[0], "plan.json"), (self.ids[1], "entries.jsonl"), (self.ids[1], "")):
            with self.subTest(file=file or "the folder"):
                self.restore()
                self.box.run(["chown", "-R", "65534:65534", self.box.root])
                hidden = self.store.place / "rollouts" / rollout / file
                os.chown(hidden, 0, 0)
                hidden.chmod(0o700 if file == "" else 0o600)
                self.program = [*e2e.NOBODY, program]
                self.check(rollout, True)


class InGit(DamagedLedger, unittest.TestCase):
    STORE = GitStore


if __name__ == "__main__":
    e2e.main()
