"""What other people's tools make of what mlship writes: skopeo and docker-registry read the layout registry and bring
every digest back unchanged, pip installs the wheel."""

import json
import os
import sys
import unittest
import urllib.request
import venv

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def skopeo(box, *args, exit=0):
    """skopeo ARGS… without a signature policy (none of the sources here is signed)."""
    return box.run(["skopeo", "--insecure-policy", *args], exit=exit)


def index(layout):
    return json.loads((layout / "index.json").read_text())["manifests"]


def names(layout):
    """{name: digest} of a layout's index; unnamed entries under None."""
    return {e.get("annotations", {}).get("org.opencontainers.image.ref.name"): e["digest"] for e in index(layout)}


def blob(layout, digest):
    return (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def reachable(layout, digest):
    """{digest: bytes} of a manifest, its config and its layers; fails when one is not what its digest says."""
    manifest = json.loads(blob(layout, digest))
    found = {d: blob(layout, d) for d in [digest, manifest["config"]["digest"],
                                          *(layer["digest"] for layer in manifest["layers"])]}
    for name, content in found.items():
        if "sha256:" + e2e.sha256_hex(content) != name:
            raise AssertionError(f"{name} is damaged in {layout}")
    return found


class Published(unittest.TestCase):
    """One project, published as churn 1.4.0 and tagged stable into a layout registry of its own."""

    @classmethod
    def setUpClass(cls):
        e2e.require_program("skopeo")
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        cls.project = e2e.make_project(cls.box)
        cls.built = cls.box.mlship_json("build", cwd=cls.project)
        cls.registry = cls.box.root / "registry"
        cls.box.mlship("publish", "--tag", "stable", "--registry", f"layout:{cls.registry}", cwd=cls.project)
        cls.layout = cls.registry / "churn"
        cls.digest = cls.built["digest"]


class Layout(Published):
    def test_skopeo_reads_it_by_version_and_by_tag(self):
        for name in ("1.4.0", "stable"):
            raw = skopeo(self.box, "inspect", "--raw", f"oci:{self.layout}:{name}").out
            self.assertEqual("sha256:" + e2e.sha256_hex(raw.encode()), self.digest)
            manifest = json.loads(raw)
            self.assertEqual(manifest["mediaType"], MANIFEST)
            self.assertEqual(manifest["artifactType"], "application/vnd.cncf.model.manifest.v1+json")

    def test_skopeo_copies_it_bit_for_bit(self):
        copy = self.box.root / "copy"
        skopeo(self.box, "copy", "--preserve-digests", f"oci:{self.layout}:1.4.0", f"oci:{copy}:1.4.0")
        self.assertEqual(names(copy), {"1.4.0": self.digest})
        self.assertEqual(reachable(copy, self.digest), reachable(self.layout, self.digest))

    def test_docker_registry_keeps_it_and_gives_it_back(self):
        with e2e.docker_registry(self.box) as server:
            there = f"docker://127.0.0.1:{server.port}/ml/churn:1.4.0"
            skopeo(self.box, "copy", "--preserve-digests", "--dest-tls-verify=false", f"oci:{self.layout}:1.4.0", there)
            self.assertEqual(self.head(server.port, "1.4.0"), self.digest)
            back = self.box.root / "back"
            skopeo(self.box, "copy", "--preserve-digests", "--src-tls-verify=false", there, f"oci:{back}:1.4.0")
        self.assertEqual(names(back), {"1.4.0": self.digest})
        self.assertEqual(reachable(back, self.digest), reachable(self.layout, self.digest))

    def head(self, port, reference):
        """The digest under which the server itself knows the manifest."""
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/ml/churn/manifests/{reference}", method="HEAD",
                                         headers={"Accept": MANIFEST})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"], MANIFEST)
            return answer.headers["Docker-Content-Digest"]

    def test_what_skopeo_brought_back_is_a_registry(self):
        """A folder of layouts made by another tool is read, and the same version is recognised."""
        other = self.box.folder("other")
        skopeo(self.box, "copy", "--preserve-digests", f"oci:{self.layout}:1.4.0", f"oci:{other}/churn:1.4.0")
        url = f"layout:{other}"
        self.box.mlship("verify", "churn:1.4.0", "--registry", url, cwd=self.project)
        again = self.box.mlship_json("publish", "--registry", url, cwd=self.project)
        self.assertEqual((again["status"], again["digest"]), ("unchanged", self.digest))

    def test_provenance_refers_to_the_bundle(self):
        """SLSA v1 in an in-toto Statement, found as a referrer by the image-spec's rules alone."""
        statements = []
        for entry in index(self.layout):
            manifest = json.loads(blob(self.layout, entry["digest"]))
            if manifest.get("subject", {}).get("digest") == self.digest:
                self.assertNotIn("org.opencontainers.image.ref.name", entry.get("annotations", {}))
                self.assertEqual(manifest["artifactType"], "application/vnd.in-toto+json")
                self.assertEqual(blob(self.layout, manifest["config"]["digest"]), b"{}")
                self.assertEqual(manifest["layers"][0]["annotations"]["in-toto.io/predicate-type"],
                                 "https://slsa.dev/provenance/v1")
                statements.append(json.loads(blob(self.layout, manifest["layers"][0]["digest"])))
        self.assertEqual(len(statements), 1)
        statement = statements[0]
        self.assertEqual(statement["_type"], "https://in-toto.io/Statement/v1")
        self.assertEqual(statement["subject"],
                         [{"name": "churn", "digest": {"sha256": self.digest.removeprefix("sha256:")}}])
        source = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
        self.assertEqual(source["digest"]["gitCommit"], self.box.git(self.project, "rev-parse", "HEAD"))
        self.assertTrue(statement["predicate"]["runDetails"]["builder"]["id"])

    def test_blobs_are_read_only_and_shared_with_nothing(self):
        for path in (self.layout / "blobs/sha256").iterdir():
            self.assertEqual((path.stat().st_mode & 0o7777, path.stat().st_nlink), (0o444, 1), path.name)


class Wheel(Published):
    def test_pip_installs_it_with_require_hashes(self):
        wheels = [o for o in self.built["outputs"] if o["kind"] == "wheel"]
        self.assertEqual(len(wheels), 1)
        folder = self.box.folder("wheelhouse")
        into = self.box.root / "pulled"
        self.box.mlship("pull", "churn:1.4.0", "--kind", "wheel", "--into", into, "--registry",
                        f"layout:{self.registry}", cwd=self.project)
        found = [into] if into.is_file() else sorted(into.rglob("*.whl"))
        self.assertEqual([p.name for p in found], ["churn-1.4.0-py3-none-any.whl"])
        digest = e2e.sha256_hex(found[0])
        self.assertEqual("sha256:" + digest, wheels[0]["digest"])
        e2e.write_file(folder / found[0].name, found[0].read_bytes())
        python = self.environment()
        lock = (self.project / "requirements.lock").read_text() + f"churn==1.4.0 --hash=sha256:{digest}\n"
        e2e.write_file(self.box.root / "all.lock", lock)
        self.box.run([python, "-m", "pip", "install", "--no-index", "--require-hashes", "--find-links", folder,
                      "--find-links", self.project / "wheels", "-r", self.box.root / "all.lock"])
        self.box.run([python, "-m", "pip", "check"])
        score = self.box.run([python, "-c", "import churn.score; churn.score.main()"])
        self.assertEqual(score.out, "churn 1.4.0 with tinydep 1.0\n")
        shown = self.box.run([python, "-m", "pip", "show", "--files", "churn"]).out
        self.assertIn("Version: 1.4.0", shown)
        self.assertIn("churn/score.py", shown)
        self.box.run([python, "-m", "pip", "uninstall", "-y", "churn"])
        self.box.run([python, "-c", "import churn"], exit=1)

    def environment(self):
        """A fresh virtual environment with pip; its python."""
        folder = self.box.root / "venv"
        venv.create(folder, with_pip=True)
        return folder / "bin/python"


if __name__ == "__main__":
    e2e.main()
