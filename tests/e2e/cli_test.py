"""What golden tests cannot show: terminals, signals, closed pipes, progress."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

EDGE = """
[targets.edge]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"
"""


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        root = cls.box.root
        cls.project = e2e.make_project(cls.box, extra=EDGE.format(root=root))
        cls.box.mlship("build", cwd=cls.project)
        cls.box.mlship("publish", cwd=cls.project)
        cls.box.folder("opt/churn/1.2.0/bin")  # what the jobs run before mlship came

    def setUp(self):
        root = self.box.root
        self.crontab = e2e.write_file(root / "cron.d/churn", f"5 2 * * * root {root}/opt/churn/1.2.0/bin/score\n")

    def at_terminal(self, *args, answer=None, env=None):
        """Runs mlship with a pseudo-terminal as all three streams; types `answer` when it asks. (exit, text)"""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.project)
            variables = self.box.environment({"TERM": "xterm", **(env or {})})
            os.execve(e2e.mlship_binary(), ["mlship", *args], variables)
        text, deadline = b"", time.monotonic() + 120
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 1)
            if not ready:
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            text += piece
            if answer is not None and b"[y/N] " in text:
                os.write(terminal, answer.encode())
                answer = None
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode("utf-8", "replace")

    def test_yes_at_the_question(self):
        code, text = self.at_terminal("rollout", answer="y\n")
        self.assertEqual(code, 0, text)
        self.assertIn("roll out churn 1.4.0? [y/N]", text)
        self.assertIn("1.4.0/bin", self.crontab.read_text())
        self.box.mlship("rollback", "--yes", cwd=self.project)
        self.box.mlship("rollback", "churn:1.4.0", "--release-hold", cwd=self.project)
        self.assertIn("1.2.0/bin", self.crontab.read_text())

    def test_no_at_the_question(self):
        before = self.crontab.read_text()
        code, text = self.at_terminal("rollout", answer="\n")
        self.assertEqual(code, 2, text)
        self.assertEqual(self.crontab.read_text(), before)

    def test_ctrl_c_at_the_question(self):
        before = self.crontab.read_text()
        code, text = self.at_terminal("rollout", answer="\x03")
        self.assertEqual(code, 130, text)
        self.assertEqual(self.crontab.read_text(), before)

    def test_colour_on_a_terminal_only(self):
        self.assertIn("\x1b[", self.at_terminal("list")[1])
        self.assertNotIn("\x1b[", self.at_terminal("list", env={"NO_COLOR": "1"})[1])
        self.assertNotIn("\x1b[", self.at_terminal("list", "--color", "never")[1])
        self.assertNotIn("\x1b[", self.box.mlship("list", cwd=self.project).out)
        self.assertIn("\x1b[", self.box.mlship("list", "--color", "always", cwd=self.project).out)

    def test_tables_fit_the_terminal(self):
        _, text = self.at_terminal("list", "--color", "never", env={"COLUMNS": "60"})
        self.assertTrue(all(len(line) <= 60 for line in text.splitlines()), text)
        self.assertIn("…", text)

    def test_control_characters_of_a_job_do_not_reach_the_terminal(self):
        self.crontab.write_text(self.crontab.read_text().rstrip() + " '\x1b]0;owned\x07'\n")
        result = self.box.mlship("scan", "--json", cwd=self.project)
        json.loads(result.out)
        for command in ("plan", "status", "scan"):
            self.assertNotIn("\x1b", self.box.mlship(command, cwd=self.project).out)


class Streams(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)

    def test_json_is_exactly_one_document_whatever_happens(self):
        project = e2e.make_project(self.box)
        for args in (["build"], ["build", "--verify"], ["publish"], ["list"], ["inspect"], ["verify"], ["config"],
                     ["platforms"], ["targets"], ["history"], ["plan"], ["status"], ["biuld"], ["build", "--nope"],
                     ["show"], ["--version"], ["--help"], []):
            with self.subTest(args):
                result = self.box.mlship(*args, "--json", cwd=project, exit=None)
                document = result.json()
                self.assertRegex(document["schema"], r"^mlship\.[a-z]+/1$")
                self.assertEqual(document["schema"] == "mlship.error/1", result.exit != 0, result)

    def test_quiet_says_nothing_but_the_result(self):
        project = e2e.make_project(self.box)
        result = self.box.mlship("build", "-q", cwd=project)
        self.assertEqual(result.err, "")
        self.assertRegex(result.out, r"^churn 1\.4\.0 sha256:[0-9a-f]{64}\n$")

    def test_progress_json_is_one_document_a_line(self):
        project = e2e.make_project(self.box)
        for args in (["build"], ["build", "--nope"], ["publish", "./nothing"]):
            result = self.box.mlship("--progress", "json", *args, cwd=project, exit=None)
            for line in result.err.splitlines():
                if args != ["build", "--nope"]:
                    self.assertEqual(json.loads(line)["schema"], "mlship.progress/1")

    def test_a_reader_that_goes_away_is_no_error(self):
        script = f"{e2e.mlship_binary()} --help | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
        result = self.box.run(["bash", "-c", script])
        self.assertEqual((result.out, result.err), ("0\n", ""))

    def test_a_full_standard_output_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([e2e.mlship_binary(), "--help"], stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=self.box.environment())
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertIn(b"no space left", done.stderr.lower())

    def test_ctrl_c_during_a_build_leaves_nothing(self):
        project = e2e.make_project(self.box)
        e2e.write_safetensors(project / "models/classifier.safetensors", [0.5] * 20_000_000)
        process = subprocess.Popen([e2e.mlship_binary(), "build"], cwd=project, env=self.box.environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.15)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        # It may have been quicker than the signal; then it was a build like any other.
        self.assertIn(process.returncode, (0, 130), err)
        if process.returncode == 130:
            self.assertFalse((project / "dist/churn-1.4.0").exists())
            self.box.mlship("build", cwd=project)

    def test_sigterm_ends_a_probe_and_the_rollout_goes_on_later(self):
        started, crontab = self.box.root / "started", self.box.root / "cron.d/jobs"
        crontab.parent.mkdir()
        (self.box.root / "opt/churn/1.3.0/bin").mkdir(parents=True)
        crontab.write_text(f"5 2 * * * root {self.box.root}/opt/churn/1.3.0/bin/score\n")
        project = e2e.make_project(self.box, extra=(
            '\n[targets.edge]\nkind = "cron"\nfiles = ["../cron.d/*"]\ninstall-root = "../opt"\n'
            f'[objects."*"]\nprobe = "test -e {started} && echo $MLSHIP_VERSION || {{ touch {started}; sleep 600; }}"\n'))
        self.box.mlship("build", cwd=project)
        self.box.mlship("publish", cwd=project)
        process = subprocess.Popen([e2e.mlship_binary(), "rollout", "--proof", "run", "--yes", "--json"], cwd=project,
                                   env=self.box.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not started.exists():
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        report = json.loads(out)
        self.assertEqual((report["state"], report["results"][0]["proof"]), ("interrupted", "inconclusive"))
        # Going on proves it again.
        report = self.box.mlship_json("rollout", "--resume", "--yes", cwd=project)
        self.assertEqual((report["state"], report["results"][0]["proof"]), ("committed", "healthy"))


if __name__ == "__main__":
    e2e.main()
