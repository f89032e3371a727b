"""oci:// against Debian's docker-registry: published and pulled by mlship, skopeo and crane in both directions bit for
bit; passwords, TLS, a registry that is down; killed at every request; requests and memory counted."""

import json
import os
import re
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
from counting_proxy import CountingProxy

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
USER, PASSWORD = e2e.REGISTRY_LOGIN


def reachable(layout, digest):
    """{digest: bytes} of a manifest in a layout, its config and its layers."""
    read = lambda name: (layout / "blobs/sha256" / name.removeprefix("sha256:")).read_bytes()
    manifest = json.loads(read(digest))
    names = [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    found = {name: read(name) for name in names}
    for name, content in found.items():
        if "sha256:" + e2e.sha256_hex(content) != name:
            raise AssertionError(f"{name} is damaged in {layout}")
    return found


class OnRegistry(unittest.TestCase):
    """One project, built as churn 1.4.0, and a docker-registry that is empty when the class begins."""
    password = False

    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        cls.project = e2e.make_project(cls.box)
        cls.built = cls.box.mlship_json("build", cwd=cls.project)
        cls.dist, cls.digest = cls.project / "dist/churn-1.4.0", cls.built["digest"]
        cls.server = e2e.docker_registry(cls.box, password=cls.password)
        cls.addClassCleanup(cls.server.stop)
        cls.host = f"127.0.0.1:{cls.server.port}"

    def url(self, namespace):
        return f"oci://{self.host}/{namespace}"

    def mlship(self, *args, **how):
        return self.box.mlship(*args, cwd=self.project, **how)

    def publish(self, namespace, *args, **how):
        return json.loads(self.mlship("publish", "--registry", self.url(namespace), "--json", *args, **how).out)

    def ask(self, path, method="GET", port=None):
        """The server's own answer: (status, headers, body)."""
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.server.port}/v2/{path}", method=method,
                                         headers={"Accept": MANIFEST + ", application/vnd.oci.image.index.v1+json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def tags(self, namespace):
        status, _, body = self.ask(f"{namespace}/churn/tags/list")
        return sorted(json.loads(body)["tags"] or []) if status == 200 else []

    def same_as_built(self, namespace, reference="1.4.0"):
        """The server gives every byte of the bundle as it was built."""
        wanted = reachable(self.dist, self.digest)
        status, headers, body = self.ask(f"{namespace}/churn/manifests/{reference}")
        self.assertEqual((status, headers["Content-Type"], body), (200, MANIFEST, wanted.pop(self.digest)))
        for digest, content in wanted.items():
            self.assertEqual(self.ask(f"{namespace}/churn/blobs/{digest}")[2], content)


class Bundles(OnRegistry):
    def test_publish_pull_list_tag(self):
        result = self.publish("a", "--tag", "stable")
        self.assertEqual((result["status"], result["digest"], result["registry"], result["tags"]),
                         ("published", self.digest, self.url("a"), ["stable"]))
        blobs = {layer["digest"] for layer in json.loads(reachable(self.dist, self.digest)[self.digest])["layers"]}
        self.assertEqual(result["uploaded"]["blobs"], len(blobs) + 1)
        self.same_as_built("a")
        listed = self.box.mlship_json("list", "churn", "--registry", self.url("a"))
        self.assertEqual([(v["version"], v["digest"], v["tags"]) for v in listed["packages"][0]["versions"]],
                         [("1.4.0", self.digest, ["stable"])])
        self.assertTrue(listed["packages"][0]["versions"][0]["published"], "from its provenance")
        into = self.box.root / "tree-a"
        self.mlship("pull", "churn:stable", "--into", into, "--registry", self.url("a"))
        self.assertEqual(self.box.run([into / "bin/score"]).out, "churn 1.4.0 with tinydep 1.0\n")
        pulled = self.box.mlship_json("pull", f"{self.url('a')}/churn@{self.digest}", "--kind", "wheel", "--into",
                                      self.box.root / "wheel-a")
        self.assertEqual("sha256:" + e2e.sha256_hex(pulled["path"]),
                         next(o["digest"] for o in self.built["outputs"] if o["kind"] == "wheel"))
        self.mlship("verify", f"{self.url('a')}/churn:1.4.0")

    def test_only_what_is_new_travels_and_versions_do_not_change(self):
        self.publish("b")
        project = e2e.make_project(self.box, folder="other", version="1.5.0")
        self.box.mlship("build", cwd=project)
        first = self.box.mlship_json("publish", "--registry", self.url("b"), cwd=project)
        self.assertGreater(first["reused"]["blobs"], 0)
        self.assertEqual(self.box.mlship_json("publish", "--registry", self.url("b"), cwd=project)["status"], "unchanged")
        e2e.write_file(project / "src/churn/more.py", "MORE = 1\n")
        e2e.commit(self.box, project, "more")
        self.box.mlship("build", cwd=project)
        refused = self.box.mlship("publish", "--registry", self.url("b"), cwd=project, exit=6)
        self.assertIn("version exists with another digest", refused.err)
        self.assertIn(first["digest"], refused.err)
        self.assertEqual(self.ask("b/churn/manifests/1.5.0", "HEAD")[1]["Docker-Content-Digest"], first["digest"])

    def test_again_costs_three_requests(self):
        self.publish("c")
        with CountingProxy(self.server.port) as proxy:
            url = f"oci://127.0.0.1:{proxy.port}/c"
            again = self.box.mlship_json("publish", "--registry", url, cwd=self.project)
            self.assertEqual(again["status"], "unchanged")
            self.assertLessEqual(len(proxy.lines), 3, proxy.lines)
            self.assertEqual({line.split()[0] for line in proxy.lines} - {"GET", "HEAD"}, set(), "nothing is written")

    def test_what_was_never_there(self):
        for args, code in ((["pull", "churn:9.9", "--into", "x"], 5), (["pull", "nothere:1", "--into", "x"], 5),
                           (["pull", "churn:edge", "--into", "x"], 5)):
            self.publish("d")
            result = self.mlship(*args, "--registry", self.url("d"), exit=code)
            self.assertRegex(result.err, r"(?m)^error: cannot find ")
            self.assertIn("hint: mlship", result.err)


class ForeignClients(OnRegistry):
    def skopeo(self, *args):
        return self.box.run(["skopeo", "--insecure-policy", *args])

    def crane(self, *args):
        return self.box.run([self.crane_program(), *args])

    def crane_program(self):
        program = os.environ.get("MLSHIP_CRANE", "")
        if not os.access(program, os.X_OK):
            raise unittest.SkipTest("crane is not built; scripts/foreign-client builds it")
        return program

    def test_skopeo_gets_what_mlship_published(self):
        self.publish("to-skopeo")
        copy = self.box.root / "skopeo-copy"
        self.skopeo("copy", "--preserve-digests", "--src-tls-verify=false", f"docker://{self.host}/to-skopeo/churn:1.4.0",
                    f"oci:{copy}:1.4.0")
        self.assertEqual(reachable(copy, self.digest), reachable(self.dist, self.digest))

    def test_mlship_gets_what_skopeo_pushed(self):
        layout = self.box.root / "registry/churn"
        self.mlship("publish", "--registry", f"layout:{layout.parent}")
        self.skopeo("copy", "--preserve-digests", "--dest-tls-verify=false", f"oci:{layout}:1.4.0",
                    f"docker://{self.host}/from-skopeo/churn:1.4.0")
        self.same_as_built("from-skopeo")
        self.take_over("from-skopeo")

    def test_crane_gets_what_mlship_published(self):
        self.crane_program()
        self.publish("to-crane", "--tag", "stable")
        reference = f"{self.host}/to-crane/churn"
        self.assertEqual(self.crane("digest", f"{reference}:stable").out.strip(), self.digest)
        copy = self.box.root / "crane-copy"
        self.crane("pull", "--format=oci", f"{reference}:1.4.0", copy)
        self.assertEqual(reachable(copy, self.digest), reachable(self.dist, self.digest))
        self.assertIn("stable", self.crane("ls", reference).out.split())
        self.assertEqual(e2e.sha256_hex(self.crane("manifest", f"{reference}@{self.digest}").out.encode()),
                         self.digest.removeprefix("sha256:"))

    def test_mlship_gets_what_crane_pushed(self):
        self.crane_program()
        self.crane("push", self.dist, f"{self.host}/from-crane/churn:1.4.0")
        self.same_as_built("from-crane")
        self.take_over("from-crane")

    def take_over(self, namespace):
        """Another tool's push is this version: it is verified, pulled, and published again without a blob."""
        url = self.url(namespace)
        self.mlship("verify", f"{url}/churn:1.4.0")
        into = self.box.root / f"tree-{namespace}"
        self.mlship("pull", f"{url}/churn:1.4.0", "--into", into)
        self.assertEqual(self.box.run([into / "bin/score"]).out, "churn 1.4.0 with tinydep 1.0\n")
        again = self.publish(namespace)
        self.assertEqual((again["status"], again["digest"], again["uploaded"]["blobs"]), ("unchanged", self.digest, 0))


class Logins(OnRegistry):
    password = True

    def login(self, password, exit=0, *args):
        return self.box.mlship("login", self.host, "--username", USER, "--password-stdin", *args, input=password + "\n",
                               exit=exit)

    def tearDown(self):
        self.box.mlship("logout", self.host)

    def test_without_a_login_nothing_goes(self):
        for args in (["publish"], ["list", "churn"], ["pull", "churn:1.4.0", "--into", "x"]):
            result = self.mlship(*args, "--registry", self.url("a"), exit=4)
            self.assertIn(f"hint: mlship login {self.host}", result.err)

    def test_a_wrong_password_is_not_kept(self):
        result = self.login("guess", exit=4)
        self.assertIn(f"cannot log in to {self.host}", result.err)
        self.assertNotIn("guess", result.err + result.out)
        config = self.box.home / ".docker/config.json"
        self.assertFalse(config.exists() and self.host in config.read_text())

    def test_a_wrong_password_in_the_file_is_exit_4(self):
        import base64
        wrong = base64.b64encode(b"robot:guess").decode()
        e2e.write_file(self.box.home / ".docker/config.json", json.dumps({"auths": {self.host: {"auth": wrong}}}), 0o600)
        result = self.mlship("publish", "--registry", self.url("a"), exit=4)
        self.assertIn("the server wants other credentials (HTTP 401)", result.err)
        self.assertNotIn("guess", result.err)
        self.assertNotIn(wrong, result.err)

    def test_a_login_serves_every_tool(self):
        config = self.box.home / ".docker/config.json"
        self.assertEqual(self.login(PASSWORD).out, f"logged in to {self.host} as {USER}\nkept in {config}\n")
        self.assertEqual(config.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.publish("team")["status"], "published")
        self.box.run(["skopeo", "--insecure-policy", "inspect", "--raw", "--tls-verify=false",
                      f"docker://{self.host}/team/churn:1.4.0"])
        with CountingProxy(self.server.port) as proxy:
            proxied = f"127.0.0.1:{proxy.port}"
            self.box.mlship("login", proxied, "--username", USER, "--password-stdin", input=PASSWORD)
            proxy.lines.clear()
            again = self.box.mlship_json("publish", "--registry", f"oci://{proxied}/team", cwd=self.project)
            self.assertEqual(again["status"], "unchanged")
            self.assertLessEqual(len(proxy.lines), 3, proxy.lines)
        gone = self.box.mlship_json("logout", self.host)
        self.assertEqual((gone["host"], gone["status"]), (self.host, "removed"))
        self.assertEqual(self.box.mlship_json("logout", self.host)["status"], "unchanged")
        self.mlship("list", "churn", "--registry", self.url("team"), exit=4)

    def test_json(self):
        document = json.loads(self.login(PASSWORD, 0, "--json").out)
        self.assertEqual(document, {"schema": "mlship.login/1", "host": self.host, "username": USER,
                                    "kept": str(self.box.home / ".docker/config.json")})


class Network(OnRegistry):
    def test_a_registry_that_is_down_is_exit_7(self):
        port = e2e.free_port()
        for args in (["publish"], ["list", "churn"]):
            result = self.mlship(*args, "--registry", f"oci://127.0.0.1:{port}/ml", exit=7)
            self.assertIn(f"127.0.0.1:{port}", result.err)

    def test_tls_needs_an_authority_that_is_trusted(self):
        folder = self.box.folder("tls")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        self.box.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                      "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"])
        server = e2e.docker_registry(self.box, certificate=(certificate, key))
        self.addCleanup(server.stop)
        project = e2e.make_project(self.box, folder="tls-project", extra=f"""
[registries.safe]
url = "oci://127.0.0.1:{server.port}/ml"
ca-file = "../tls/certificate.pem"
[registries.untrusted]
url = "oci://127.0.0.1:{server.port}/other"
plain-http = false
[environments.prod]
registry = "safe"
[environments.test]
registry = "untrusted"
""")
        self.box.mlship("build", cwd=project)
        result = self.box.mlship("publish", "--env", "test", cwd=project, exit=7)
        self.assertIn("certificate", result.err)
        self.assertEqual(self.box.mlship_json("publish", "--env", "prod", cwd=project)["status"], "published")
        self.box.mlship("verify", "churn:1.4.0", "--env", "prod", cwd=project)


class Promotion(OnRegistry):
    def test_the_same_digest_and_its_provenance_in_another_environment(self):
        other = e2e.docker_registry(self.box)
        self.addCleanup(other.stop)
        project = e2e.make_project(self.box, folder="promoted", extra=f"""
[registries.dev]
url = "{self.url('dev')}"
[registries.prod]
url = "{self.url('prod')}"
[registries.far]
url = "oci://127.0.0.1:{other.port}/far"
[registries.folder]
url = "layout:../promoted-registry"
[environments.dev]
registry = "dev"
[environments.prod]
registry = "prod"
[environments.far]
registry = "far"
[environments.folder]
registry = "folder"
""")
        self.box.mlship("build", cwd=project)
        built = self.box.mlship_json("publish", "--env", "dev", "--tag", "stable", cwd=project)
        for environment, moved in (("prod", False), ("far", True), ("folder", True)):
            with self.subTest(environment):
                args = ("promote", "churn:stable", "--env", "dev", "--to", environment)
                first = self.box.mlship_json(*args, cwd=project)
                self.assertEqual((first["status"], first["digest"], first["referrers"]),
                                 ("promoted", built["digest"], {"all": 1, "copied": 1}))
                # The same server takes its own blobs over without moving a byte.
                self.assertEqual(first["uploaded"]["bytes"] > 0, moved, first)
                self.assertEqual(first["mounted"] > 0, not moved, first)
                again = self.box.mlship_json(*args, cwd=project)
                self.assertEqual((again["status"], again["uploaded"]["bytes"], again["referrers"]["copied"]),
                                 ("unchanged", 0, 0))
                self.box.mlship("verify", "churn:1.4.0", "--env", environment, cwd=project)
                listed = self.box.mlship_json("list", "churn", "--env", environment,
                                               cwd=project)["packages"][0]["versions"]
                self.assertEqual([(v["digest"], v["tags"]) for v in listed], [(built["digest"], [])])
                self.assertTrue(listed[0]["published"], "the provenance came along")


class Killed(OnRegistry):
    """kill -9 at every request of a publish, before the registry sees it and after it has answered."""

    def run_publish(self, proxy, namespace):
        return subprocess.Popen([e2e.mlship_binary(), "publish", "--tag", "stable", "--registry",
                                 f"oci://127.0.0.1:{proxy.port}/{namespace}"], cwd=self.project,
                                env=self.box.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def test_at_every_request(self):
        with CountingProxy(self.server.port) as proxy:
            self.assertEqual(self.run_publish(proxy, "clean").wait(120), 0)
            total = len(proxy.lines)
        self.assertGreater(total, 15)
        early = 0
        for number in range(total):
            for when in ("before", "after"):
                with self.subTest(number=number, when=when, request=proxy.lines[number]):
                    early += self.killed_at(number, when)
        self.assertGreater(early, 15, "most kills come before the version is there")

    def killed_at(self, number, when):
        """True when the version was not there after the kill."""
        namespace = f"k{number}{when}"
        with CountingProxy(self.server.port) as proxy:
            child = []
            proxy.at = (number, when, lambda: child[0].send_signal(signal.SIGKILL))
            child.append(self.run_publish(proxy, namespace))
            self.assertEqual(child[0].wait(120), -signal.SIGKILL, proxy.lines)
        names = [t for t in self.tags(namespace) if not re.match(r"sha256-|mlship-claim-", t)]
        self.assertIn(names, ([], ["1.4.0"], ["1.4.0", "stable"]))
        if names:
            self.same_as_built(namespace)
        again = self.publish(namespace, "--tag", "stable")
        self.assertEqual(again["digest"], self.digest)
        self.same_as_built(namespace)
        self.same_as_built(namespace, "stable")
        index = json.loads(self.ask(f"{namespace}/churn/manifests/{self.digest.replace(':', '-')}")[2])
        self.assertEqual([entry["artifactType"] for entry in index["manifests"]], ["application/vnd.in-toto+json"])
        return not names


class Memory(OnRegistry):
    """Peak memory of publish and pull does not grow with the model."""

    def peak(self, *args, cwd):
        """In KiB, by wait4 of a small parent."""
        result = self.box.run(["/usr/bin/time", "-f", "peak %M", e2e.mlship_binary(), *args], cwd=cwd,
                              env={"ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"})
        return int(re.search(r"^peak (\d+)$", result.err, re.M).group(1))

    def peaks(self, size):
        project = e2e.make_project(self.box, folder=f"model-{size}")
        block = os.urandom(1 << 20)
        header = json.dumps({"w": {"dtype": "U8", "shape": [size << 20], "data_offsets": [0, size << 20]}}).encode()
        header += b" " * (-len(header) % 8)
        with open(project / "models/classifier.safetensors", "wb") as model:
            model.write(len(header).to_bytes(8, "little") + header)
            for _ in range(size):
                model.write(block)
        e2e.commit(self.box, project, "model")
        self.box.mlship("build", cwd=project)
        url = self.url(f"m{size}")
        published = self.peak("publish", "--registry", url, cwd=project)
        pulled = self.peak("pull", "churn:1.4.0", "--into", self.box.root / f"tree-{size}", "--registry", url, cwd=project)
        self.assertEqual(e2e.sha256_hex(project / "models/classifier.safetensors"),
                         e2e.sha256_hex(next((self.box.root / f"tree-{size}").rglob("classifier.safetensors"))))
        return published, pulled

    def test_publish_and_pull_stream(self):
        small, large = self.peaks(2), self.peaks(192)
        print(f"peak KiB (publish, pull): 2 MiB model {small}, 192 MiB model {large}", file=sys.stderr)
        for few, many in zip(small, large):
            self.assertLess(many - few, 12 << 10)
        with open(e2e.mlship_binary(), "rb") as program:
            instrumented = b"__asan_init" in program.read()
        if not instrumented:
            self.assertLess(max(large), 25 << 10)


if __name__ == "__main__":
    e2e.main()
