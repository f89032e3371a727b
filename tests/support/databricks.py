"""A Databricks workspace on loopback for tests: the program databricks_workspace, started and stopped by its pid.

    with databricks.Workspace(box) as workspace:
        workspace.put("jobs/7", {"settings": {"name": "etl", "tasks": [...]}})
        workspace.fault(kind="drop-after", method="POST", path="/api/2.2/jobs/update")
        box.mlship("rollout", ..., env=workspace.environment())
        assert workspace.counts()["endpoints"]["POST /api/2.2/jobs/update"] == 1

What can be asked and set: tests/support/databricks/control.h."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import e2e

TOKEN = "dapi-test"


class Workspace(e2e.Server):
    """`url`, `port`; `arguments`: options of the program, e.g. latency=50, rate=15."""

    def __init__(self, sandbox, **arguments):
        program = os.environ.get("MLSHIP_DATABRICKS", "")
        if not os.access(program, os.X_OK):
            raise RuntimeError(f"MLSHIP_DATABRICKS must name the built databricks_workspace; it is '{program}'")
        port = e2e.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        options = [word for name, value in arguments.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        super().__init__(sandbox, [program, "--port", str(port), *options], port)

    def environment(self, token=TOKEN):
        """What tells a client where the workspace is and who it is."""
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": token}

    def request(self, method, path, body=None, token=TOKEN):
        """One request of the API; (status, parsed body or bytes)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            with self._opener.open(request, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        try:
            return status, json.loads(content)
        except ValueError:
            return status, content

    def control(self, method, path, body=None):
        """One request to /_test/PATH; an AssertionError when it is refused."""
        status, answer = self.request(method, "/_test/" + path, body)
        if status != 200:
            raise AssertionError(f"{method} /_test/{path}: {status} {answer}")
        return answer

    def put(self, name, value):
        """Creates or replaces an object: put("jobs/7", {"settings": {...}})."""
        self.control("PUT", f"objects/{name}", value)

    def object(self, name):
        """The whole JSON of an object as it is stored."""
        return self.control("GET", f"objects/{name}")

    def document(self, name):
        """A job's settings, a pipeline's spec, {"libraries": [...]} of a cluster, a policy."""
        return self.control("GET", f"documents/{name}")

    def put_file(self, path, content):
        """Makes a file, by any spelling of its path."""
        self.control("PUT", "files/" + urllib.parse.quote(path.removeprefix("/")), content)

    def file(self, path):
        """The bytes of a file."""
        return self.control("GET", "files/" + urllib.parse.quote(path.removeprefix("/")))

    def state(self):
        """Everything, for comparison: {object: JSON, "files/PATH": {size, sha256}, "libraries/CLUSTER": [...]}."""
        return self.control("GET", "state")

    def counts(self):
        """{requests, writes, connections, endpoints, statuses} since the last reset()."""
        return self.control("GET", "counts")

    def log(self):
        """Every request since the last reset(), in order."""
        return self.control("GET", "log")["entries"]

    def reset(self):
        """Forgets the log and the faults."""
        self.control("POST", "reset", {})

    def fault(self, **fields):
        """Adds a Fault (tests/support/databricks/faults.h) by its field names."""
        self.control("POST", "faults", fields)

    def switch(self, **fields):
        """Sets fields of Switches (tests/support/databricks/state.h)."""
        self.control("POST", "switches", fields)

    def writer(self, **fields):
        """Lets somebody else edit between requests: fields of WriterOptions."""
        self.control("POST", "writer", fields)

    def edits(self):
        """{"edits": [...], "lost": [...]}: what the writer did, and what of it is gone."""
        return self.control("GET", "edits")

    def generate(self, **fields):
        """Fills the workspace by the generator; what a rollout must do: {"changes", "skipped", ...}."""
        return self.control("POST", "generate", fields)
