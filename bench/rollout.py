"""rollout: a Databricks workspace on loopback that answers after 50 ms.

- 10,000 jobs of which 500 refer to the package: at most 1,210 calls (goal 810) on at most 10 connections, in less than
  64 MiB; nothing to do: 100 calls for jobs and one look at each other kind, no write.
- 200 jobs with 200 libraries against stork's sequence of about 603 requests, one after the other. Goal: 10 x.
- The same under a limit of 15 requests a second: at least 0.95 of the limit, at most 1 % sent twice.
"""

import http.client
import json
import re
import subprocess
import time
import urllib.parse

import measure as m

TOKEN = "dapi-bench"
TARGET = """
[targets.dbx]
kind = "databricks"
host = "{url}"
library-path = "/Volumes/main/ml/libs"
"""


class Workspace:
    def __init__(self, place, jobs, affected, **options):
        port_file = place.root / f"port-{time.monotonic_ns()}"
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([m.BUILD / "tests/support/databricks/databricks_workspace", "--port-file", port_file, *words],
                                        stdout=subprocess.DEVNULL, env=place.env)
        while not (port_file.exists() and port_file.read_text().strip()):
            time.sleep(0.01)
        self.port = int(port_file.read_text())
        self.url = f"http://127.0.0.1:{self.port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self.call("POST", "/_test/generate", {"seed": 7, "jobs": jobs, "affected": affected / jobs, "simple": True,
                                              "pipelines": 0, "clusters": 0, "policies": 0})
        self.call("POST", "/_test/reset", {})

    def call(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]}")
        return json.loads(content) if content else None

    def counts(self):
        return self.call("GET", "/_test/counts")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def mlship(place, root, workspace, *words):
    project = (root / "mlship.toml").read_text().split("\n[targets.dbx]")[0]
    (root / "mlship.toml").write_text(project + TARGET.format(url=workspace.url))
    place.env.update({"DATABRICKS_HOST": workspace.url, "DATABRICKS_TOKEN": TOKEN})
    return place.run([m.MLSHIP, *words], root)


def one_by_one(workspace):
    """What stork does for 200 libraries and 200 jobs, each request after the other on a connection of its own: a list, the
    status of every library, then a reading and a write for each job."""
    def call(method, path, body=None):
        workspace.connection.close()
        return workspace.call(method, path, body)

    token, found = "", []
    while True:
        page = call("GET", "/api/2.2/jobs/list?limit=100&expand_tasks=true" + (f"&page_token={urllib.parse.quote(token)}" if token else ""))
        found += [job["job_id"] for job in page.get("jobs", []) if "churn-" in json.dumps(job["settings"]).lower()]
        token = page.get("next_page_token", "")
        if not token:
            break
    for _ in found:
        call("GET", "/api/2.0/libraries/all-cluster-statuses")
    for job_id in found:
        job = call("GET", f"/api/2.2/jobs/get?job_id={job_id}")
        tasks = json.loads(re.sub(r"(?i)churn-[0-9][^-]*-", "churn-1.4.0-", json.dumps(job["settings"]["tasks"])))
        call("POST", "/api/2.2/jobs/update", {"job_id": job_id, "new_settings": {"tasks": tasks}})


def large(place, root):
    with Workspace(place, 10_000, 500, latency=50) as workspace:
        run = mlship(place, root, workspace, "rollout", "--yes")
        rollout = workspace.counts()
        workspace.call("POST", "/_test/reset", {})
        mlship(place, root, workspace, "rollout", "--yes")
        nothing = workspace.counts()
    figures = {"calls of a rollout of 500 among 10,000": rollout["requests"], "connections": rollout["connections"],
               "peak KiB": run.peak_kib, "calls with nothing to do": nothing["requests"], "writes with nothing to do": nothing["writes"]}
    goals = [(f"at most 1,210 calls: {rollout['requests']}", rollout["requests"] <= 1210),
             (f"goal 810 calls: {rollout['requests']}", rollout["requests"] <= 810),
             (f"at most 10 connections: {rollout['connections']}", rollout["connections"] <= 10),
             (f"under 64 MiB: {run.peak_kib / 1024:.1f} MiB", run.peak_kib < 64 * 1024),
             (f"nothing to do is 100 calls and a look at 3 kinds: {nothing['requests']}", nothing["requests"] == 103),
             (f"and no write: {nothing['writes']}", nothing["writes"] == 0)]
    return run.seconds, figures, goals


def small(place, root):
    serial, ours = [], []
    for _ in range(3):
        with Workspace(place, 200, 200, latency=50) as workspace:
            begun = time.monotonic()
            one_by_one(workspace)
            serial.append(time.monotonic() - begun)
        with Workspace(place, 200, 200, latency=50) as workspace:
            ours.append(mlship(place, root, workspace, "rollout", "--yes").seconds)
    return serial, ours


def limited(place, root):
    rate = 15
    with Workspace(place, 1_000, 500, latency=50, rate=rate) as workspace:
        seconds = mlship(place, root, workspace, "rollout", "--yes").seconds
        counts = workspace.counts()
    refused = counts["statuses"].get("429", 0)
    taken = counts["requests"] - refused
    return seconds, taken / seconds / rate, refused / taken


def main():
    with m.Place() as place:
        root = m.project(place, models=False, count=3, git=False)
        place.run([m.MLSHIP, "build"], root)
        place.run([m.MLSHIP, "publish"], root)
        seconds, figures, goals = large(place, root)
        serial, ours = small(place, root)
        limited_seconds, used, again = limited(place, root)
        rows = {"200 jobs: mlship rollout": ours, "200 jobs: stork's requests, one after the other": serial,
                "500 of 10,000 jobs: mlship rollout": [seconds], "500 jobs at 15 requests/s": [limited_seconds]}
        times = min(serial) / min(ours)
        goals += [(f"10 x faster than stork's sequence: {times:.1f} x", times >= 10),
                  (f"0.95 of a limit of 15 requests/s: {used:.3f}", used >= 0.95),
                  (f"at most 1 % sent twice: {again:.2%}", again <= 0.01)]
        return m.report("rollout", "Databricks workspace on loopback, 50 ms an answer", rows, "200 jobs: mlship rollout",
                        "200 jobs: stork's requests, one after the other", figures, goals)


if __name__ == "__main__":
    m.end(main())
