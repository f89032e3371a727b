"""Files that no new file can take the place of (bind mounts, read-only mounts, immutable files): the plan says what is in
the way in the user's words; a mount point is edited where it is when `in-place` says so, and undone byte for byte."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

TARGET = """
[targets.edge]
kind = "{kind}"
files = ["{root}/etc/*"]
install-root = "{root}/opt"
trust-pins = true
{more}
"""
ENTRY = "5 2 * * * {root}/opt/churn/1.3.0/bin/score # nightly\n"
UNIT = "[Service]\nExecStart={root}/opt/churn/1.3.0/bin/score\n"


class HostFiles(unittest.TestCase):
    def setUp(self):
        e2e.require_able(["unshare", "-m"])
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.root = self.box.root
        for folder in ("etc", "host", "opt"):
            self.box.folder(folder)

    def make(self, kind="cron", more="", name="churn", text=ENTRY):
        self.project = e2e.make_project(self.box, version="1.4.0",
                                        extra=TARGET.format(root=self.root, kind=kind, more=more))
        self.box.mlship("build", cwd=self.project)
        self.box.mlship("publish", cwd=self.project)
        self.file = self.root / "etc" / name
        self.old = text.format(root=self.root)
        self.file.write_text("")
        (self.root / "host" / name).write_text(self.old)

    def mounted(self, *commands, exit=0):
        """Runs mlship commands where the file is a bind mount of host/NAME; returns what the last one printed."""
        lines = [f'mount --bind "{self.root}/host/{self.file.name}" "{self.file}"',
                 *(f'"{e2e.mlship_binary()}" {c}' for c in commands)]
        return self.box.run(["unshare", "-m", "bash", "-ec", "\n".join(lines)], cwd=self.project, exit=exit)

    def now(self):
        return (self.root / "host" / self.file.name).read_text()

    def test_a_mount_point_is_listed_with_the_way_on(self):
        for kind, name, text in (("cron", "churn", ENTRY), ("systemd", "churn.service", UNIT), ("files", "x.conf", ENTRY)):
            with self.subTest(kind=kind):
                self.make(kind, name=name, text=text)
                run = self.mounted("rollout --yes", exit=8)
                said = run.out + run.err
                self.assertIn("mount point", said)
                self.assertIn("in-place = true", said)
                self.assertNotIn(".mlship-", said)
                self.assertEqual(self.now(), self.old)
                self.file.unlink()

    def test_in_place(self):
        self.make(more="in-place = true")
        run = self.mounted("rollout --yes")
        self.assertIn("mount point", run.out)
        self.assertEqual(self.now(), self.old.replace("1.3.0", "1.4.0"))
        self.assertEqual(os.listdir(self.root / "etc"), [self.file.name])

    def test_in_place_and_back(self):
        self.make(more="in-place = true")
        (self.root / "opt/churn/1.3.0/bin").mkdir(parents=True)
        (self.root / "opt/churn/1.3.0/bin/score").write_text("")
        self.mounted("rollout --yes", "rollback --yes")
        self.assertEqual(self.now(), self.old)

    def test_a_read_only_mount(self):
        self.make()
        self.file.write_text(self.old)
        lines = f'mount --bind "{self.root}/etc" "{self.root}/etc"; mount -o remount,bind,ro "{self.root}/etc"\n' \
                f'"{e2e.mlship_binary()}" rollout --yes'
        run = self.box.run(["unshare", "-m", "bash", "-ec", lines], cwd=self.project, exit=8)
        self.assertIn("mounted read-only", run.out + run.err)
        self.assertNotIn(".mlship-", run.out + run.err)

    def test_owner_and_mode_count_below_etc(self):
        """What cron and run-parts do not run there is listed, and no job."""
        project = e2e.make_project(self.box, version="1.4.0", extra=f"""
[targets.edge]
kind = "cron"
files = ["/etc/cron.d/*", "/etc/cron.daily/*"]
install-root = "{self.root}/opt"
""")
        self.box.mlship("build", cwd=project)
        self.box.mlship("publish", cwd=project)
        entry, script = ENTRY.format(root=self.root), f"#!/bin/sh\nexec {self.root}/opt/churn/1.3.0/bin/score\n"
        files = {"cron.d/good": (entry, 0, 0o644), "cron.d/read-only": (entry, 0, 0o400), "cron.d/ada": (entry, 4242, 0o644),
                 "cron.d/group": (entry, 0, 0o664), "cron.d/world": (entry, 0, 0o646), "cron.daily/on": (script, 0, 0o755),
                 "cron.daily/off": (script, 0, 0o644), "cron.daily/of-ada": (script, 4242, 0o700)}
        for name, (text, owner, mode) in files.items():
            path = e2e.write_file(self.root / name, text)
            os.chown(path, owner, owner)
            os.chmod(path, mode)
        os.symlink("good", self.root / "cron.d/link-of-ada")
        os.lchown(self.root / "cron.d/link-of-ada", 4242, 4242)
        self.box.folder("opt/churn/1.3.0")
        mounts = [f'mkdir -p /etc/{d}; mount --bind "{self.root}/{d}" /etc/{d}' for d in ("cron.d", "cron.daily")]
        lines = [*mounts, *(f'"{e2e.mlship_binary()}" {c}' for c in ("status --json >\"$1\"", "rollout --yes"))]
        run = self.box.run(["unshare", "-m", "bash", "-ec", "\n".join(lines), "sh", str(self.root / "status.json")], cwd=project)
        shown = json.loads((self.root / "status.json").read_text())
        jobs = sorted({o["object"]["id"].split(":")[0] for o in shown["objects"]})
        self.assertEqual(jobs, ["/etc/cron.d/good", "/etc/cron.d/read-only", "/etc/cron.daily/of-ada", "/etc/cron.daily/on"])
        left = sorted({row["object"]["id"].split(":")[0] for row in shown["skipped"]})
        self.assertEqual(left, ["/etc/cron.d/ada", "/etc/cron.d/group", "/etc/cron.d/world", "/etc/cron.daily/off"])
        for name in files:
            moved = "1.4.0" in (self.root / name).read_text()
            self.assertEqual(moved, f"/etc/{name}" in jobs, name)
        for why in ("belongs to root", "others than its owner", "only executable files"):
            self.assertIn(why, run.out)

    def test_an_install_root_of_another_user(self):
        """Trees are made there; a link that the user puts in the way is not followed, and the plan says it."""
        self.make()
        self.file.write_text(self.old)
        (self.root / "opt/churn").mkdir()
        for folder in ("opt", "opt/churn"):
            os.chown(self.root / folder, 4242, 4242)
        for path in ("opt/churn", "opt"):
            with self.subTest(path=path):
                os.rename(self.root / path, self.root / "aside")
                os.symlink(self.box.folder("precious"), self.root / path)
                os.lchown(self.root / path, 4242, 4242)
                run = self.box.mlship("rollout", "--yes", cwd=self.project, exit=8)
                self.assertIn("no-permission", run.out)
                self.assertIn("link of user 4242", run.out + run.err)
                self.assertEqual(os.listdir(self.root / "precious"), [])
                self.assertEqual(self.file.read_text(), self.old)
                os.unlink(self.root / path)
                os.rename(self.root / "aside", self.root / path)
        self.box.mlship("rollout", "--yes", cwd=self.project)
        self.assertEqual(os.listdir(self.root / "opt/churn"), ["1.4.0"])

    def test_immutable(self):
        self.make()
        self.file.write_text(self.old)
        if subprocess.run(["chattr", "+i", self.file], capture_output=True).returncode:
            self.skipTest("attributes cannot be set here")
        try:
            run = self.box.mlship("rollout", "--yes", cwd=self.project, exit=8)
        finally:
            subprocess.run(["chattr", "-i", self.file], check=True)
        self.assertIn("is immutable (chattr +i)", run.out)
        self.assertNotIn(".mlship-", run.out + run.err)


if __name__ == "__main__":
    e2e.main()
