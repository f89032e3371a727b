"""The test workspace over loopback: connections, clients killed at a request, pace, and what its control tells."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import databricks
import e2e

HEADERS = {"Authorization": "Bearer t"}
# Asks again and again over one connection and says how often it was answered.
CLIENT = """\
import http.client, json, sys
wire = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
sys.stdin.readline()
for number in range(1, 100):
    body = json.dumps({"job_id": 1, "new_settings": {"name": f"name {number}"}})
    wire.request("POST", "/api/2.2/jobs/update", body, {"Authorization": "Bearer t"})
    wire.getresponse().read()
    print(number, flush=True)
"""


class Server(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)

    def start(self, **arguments):
        workspace = databricks.Workspace(self.box, **arguments)
        self.addCleanup(workspace.stop)
        return workspace

    def test_a_client_is_killed_at_its_kth_request_before_or_after_it_is_done(self):
        for kind, done in (("kill-before", "name 4"), ("kill-after", "name 5")):
            workspace = self.start(jobs=1)
            workspace.fault(kind=kind, request=5)
            client = subprocess.Popen([sys.executable, "-c", CLIENT, str(workspace.port)], stdout=subprocess.PIPE,
                                      stdin=subprocess.PIPE, text=True)
            workspace.control("POST", "kill", {"pid": client.pid})
            answered, _ = client.communicate("begin\n", timeout=60)
            self.assertEqual(client.returncode, -signal.SIGKILL)
            self.assertEqual(answered.split()[-1], "4")
            self.assertEqual(workspace.document("jobs/1")["name"], done)

    def test_sixteen_connections_are_served_at_once_and_kept(self):
        workspace = self.start(latency=300)

        def ask():
            wire = http.client.HTTPConnection("127.0.0.1", workspace.port)
            self.addCleanup(wire.close)
            for _ in range(2):
                wire.request("GET", "/api/2.2/jobs/list", headers=HEADERS)
                self.assertEqual(wire.getresponse().read(), b"{}")

        threads = [threading.Thread(target=ask) for _ in range(16)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - begun, 16 * 2 * 0.3 / 2)
        counts = workspace.counts()
        self.assertEqual((counts["requests"], counts["connections"]), (32, 16))

    def test_a_dropped_request_has_no_answer(self):
        workspace = self.start(jobs=1)
        workspace.fault(kind="drop-after", path="/api/2.2/jobs/update")
        wire = http.client.HTTPConnection("127.0.0.1", workspace.port)
        self.addCleanup(wire.close)
        body = json.dumps({"job_id": 1, "new_settings": {"name": "done"}})
        wire.request("POST", "/api/2.2/jobs/update", body, HEADERS)
        self.assertRaises(http.client.RemoteDisconnected, wire.getresponse)
        self.assertEqual(workspace.document("jobs/1")["name"], "done")
        self.assertEqual(workspace.requests()[0]["status"], 0)

    def test_beyond_the_rate_is_429(self):
        workspace = self.start(rate=0.001, retry_after=7)
        self.assertEqual(workspace.request("GET", "/api/2.2/jobs/list")[0], 200)
        self.assertEqual(workspace.request("GET", "/api/2.2/jobs/list")[0], 429)

    def test_it_is_filled_by_the_generator(self):
        workspace = self.start()
        expected = workspace.generate(seed=4, jobs=300, restricted=0.1)
        self.assertEqual(len([name for name in workspace.state() if name.startswith("jobs/")]), 300)
        change = expected["changes"][0]
        self.assertIn(change["from"], json.dumps(workspace.object(change["object"])))
        self.assertTrue(any(each["refused"] for each in expected["changes"]))

    def test_the_log_is_written_at_the_end(self):
        log = self.box.root / "requests.log"
        workspace = self.start(log=log)
        workspace.request("GET", "/api/2.2/jobs/list?limit=5")
        workspace.stop()
        line = log.read_text().split()
        self.assertEqual((line[0], *line[3:]), ("1", "GET", "/api/2.2/jobs/list?limit=5", "200"))

    def test_a_misspelt_field_is_refused(self):
        workspace = self.start()
        self.assertRaisesRegex(AssertionError, "no such field: delya", workspace.fault, delya=3)


if __name__ == "__main__":
    e2e.main()
