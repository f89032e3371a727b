"""`mlship doctor` against servers and ledgers in trouble: each problem with its fix and its exit code, and nothing changed."""

import http.server
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

TARGET = """
[targets.edge]
kind = "cron"
files = ["../cron.d/*"]
install-root = "../opt"
"""


class Index(http.server.ThreadingHTTPServer):
    """A package index that answers everything with one status, or with 404 to whoever has the password."""

    daemon_threads = True

    def __init__(self, status):
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                index.seen.append(self.path)
                known = self.headers.get("Authorization") == "Basic bWU6c2VjcmV0"  # me:secret
                self.send_response(404 if known else status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Doctor(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.box.variables["PIP_NO_INDEX"] = "1"

    def project(self, extra=""):
        project = e2e.make_project(self.box, version="1.3.0", extra=extra)
        opt = self.box.folder("opt/churn/1.2.0/bin").parents[2]
        e2e.write_file(self.box.root / "cron.d/churn", f"5 2 * * * root {opt}/churn/1.2.0/bin/score\n")
        return project

    def examine(self, project, exit):
        before = e2e.snapshot(self.box.root)
        document = self.box.mlship_json("doctor", cwd=project, exit=exit)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.box.root)), [])
        self.assertEqual(document["exit"], exit)
        return [c for c in document["checks"] if c["status"] != "ok"]

    def with_index(self, port):
        return self.project(f'\n[indexes.team]\nurl = "pypi+http://127.0.0.1:{port}/simple"\n' + TARGET)

    def test_a_cache_on_a_full_disk(self):
        if os.getuid() != 0:
            self.skipTest("needs root to mount a tmpfs")
        e2e.require_able(e2e.OWN_MOUNTS)
        project = self.project()
        cache = self.box.folder("cache")
        script = 'mount -t tmpfs -o size=1m tmpfs "$1"; shift; exec "$@"'
        result = self.box.run([*e2e.OWN_MOUNTS, "bash", "-c", script, "bash", cache, e2e.mlship_binary(), "doctor", "--json"],
                              cwd=project, env={"XDG_CACHE_HOME": str(cache), "ASAN_OPTIONS": "detect_leaks=0"}, exit=None)
        rows = [row for row in result.json()["checks"] if row["area"] == "cache"]
        self.assertEqual([row["status"] for row in rows], ["warning"], result)
        self.assertIn("left in", rows[0]["detail"])
        self.assertEqual(rows[0]["fix"], "make room there")

    def test_an_index_that_has_no_such_package_works(self):
        with Index(404) as index:
            self.assertEqual(self.examine(self.with_index(index.server_port), 0), [])
            self.assertEqual(index.seen, ["/simple/mlship-doctor/"])

    def test_an_index_that_wants_a_login(self):
        with Index(401) as index:
            project = self.with_index(index.server_port)
            [check] = self.examine(project, 4)
            self.assertEqual((check["area"], check["status"], check["exit"]), ("index team", "problem", 4))
            self.assertIn(".netrc", check["fix"])
            # The fix fixes it.
            e2e.write_file(self.box.home / ".netrc", "machine 127.0.0.1 login me password secret\n", 0o600)
            self.assertEqual(self.examine(project, 0), [])

    def test_an_index_that_forbids(self):
        with Index(403) as index:
            [check] = self.examine(self.with_index(index.server_port), 4)
            self.assertIn("403", check["detail"])

    def test_an_index_that_is_not_there(self):
        [check] = self.examine(self.with_index(e2e.free_port()), 7)
        self.assertEqual(check["area"], "index team")
        self.assertTrue(check["fix"])

    def test_problems_of_several_kinds(self):
        with Index(401) as index:
            project = self.with_index(index.server_port)
            (project / "models/classifier.safetensors").unlink()
            self.assertEqual([c["exit"] for c in self.examine(project, 8)], [3, 4])

    def rolled_out(self):
        project = self.project(TARGET)
        for command in (["build"], ["publish"], ["rollout", "--yes"]):
            self.box.mlship(*command, cwd=project)
        [folder] = (self.box.home / ".local/share/mlship/ledger/rollouts").iterdir()
        return project, folder / "entries.jsonl"

    def test_a_rollout_that_did_not_end(self):
        project, entries = self.rolled_out()
        self.assertEqual(self.examine(project, 0), [])
        lines = entries.read_text().splitlines(keepends=True)
        self.assertIn('"state"', lines[-1])
        entries.write_text("".join(lines[:-1]))
        [check] = self.examine(project, 0)
        self.assertEqual(check["status"], "warning")
        self.assertEqual(check["fix"], f"mlship rollout --resume={entries.parent.name}")
        self.box.mlship(*check["fix"].split()[1:], "--yes", cwd=project)
        self.assertEqual(self.examine(project, 0), [])

    def test_a_ledger_that_somebody_edited(self):
        project, entries = self.rolled_out()
        entries.write_text(entries.read_text().replace("churn/1.2.0", "churn/1.2.1"))
        [check] = self.examine(project, 0)
        self.assertEqual(check["status"], "warning")
        self.assertIn(entries.parent.name, check["detail"])

    def test_no_target_is_a_warning(self):
        [check] = self.examine(self.project(), 0)
        self.assertIn("[targets.NAME]", check["fix"])


if __name__ == "__main__":
    e2e.main()
