"""Compose files through the command line. PyYAML, which shares no code with mlship's reader, says what each file means
before and after: only the versions differ, merges and aliases resolved as `docker compose config` resolves them.
"""

import copy
import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

try:
    import yaml
except ImportError:
    yaml = None

NEW = "1.4.0"
CONFIGURATION = """
[targets.stacks]
kind = "compose"
files = ["{root}/srv/*/compose.yaml", "{root}/srv/*/docker-compose.yml", "{root}/srv/**/*.json", "{root}/srv/**/*.env"]
install-root = "{root}/opt"
library-path = "{root}/libs"
trust-pins = true

[outputs]
wheel = true
"""

# The usual shapes. @ is the old version where it moves; comments and what is nobody's say 1.1.0.
STACK = """\
# Scoring; was churn==1.1.0 until autumn
name: scoring

x-common: &common   # what all have
  restart: unless-stopped
  environment: &env
    PIN: churn==@
    LOG: "info"     # not churn==1.1.0
  volumes:
    - {opt}/churn/@:/app:ro
    - type: bind
      source: '{opt}/churn/@/models'
      target: /models

services:
  api:
    <<: *common
    image: "python:3.11-slim@sha256:{zeros}"
    command: ["/app/bin/score", '--lib', "{libs}/churn-@-py3-none-any.whl"]
    ports: ["8080:80", "127.0.0.1:9001:9001"]
    healthcheck: {{ test: [CMD, "{opt}/churn/@/bin/score", --ping], interval: 30s }}
  batch:
    <<: *common
    environment:
      <<: *env
      EXTRA: 'it''s churn==@'
    entrypoint: >-
      sh -c "pip install churn==@
      && exec /app/bin/score"
    deploy:
      labels: [ "com.example.pin=churn==@" ]
    extra_hosts:
      - "churn:10.1.3.0"

configs:
  settings:
    file: {opt}/churn/@/models/classifier.safetensors
    # content: churn==1.1.0
volumes: {{ data: }}
"""
ENVIRONMENT = "# PIN=churn==1.1.0\nexport PIN='churn==@'   # churn==1.1.0\nTREE={opt}/churn/@\nEMPTY=\n"
DOCUMENT = '{{"services": {{"score": {{"command": ["{opt}/churn/@/bin/score", "caf\\u00e9"]}}}}}}\n'


def published(box):
    for folder in ("opt", "libs", "srv"):
        box.folder(folder)
    project = e2e.make_project(box, version=NEW, extra=CONFIGURATION.format(root=box.root))
    box.mlship("build", cwd=project)
    box.mlship("publish", cwd=project)
    old_places(box)
    return project


def old_places(box):
    for version in ("1.2.0", "1.3.0"):
        box.folder(f"opt/churn/{version}")
        e2e.write_file(box.root / f"libs/churn-{version}-py3-none-any.whl", "old")


def fill(box, template, version="1.3.0"):
    text = template.format(opt=box.root / "opt", libs=box.root / "libs", zeros="0" * 64)
    return text.replace("@sha256", "\0").replace("@", version).replace("\0", "@sha256")


def meaning(content):
    """What the file says, by PyYAML: documents with aliases and merges followed."""
    return list(yaml.safe_load_all(content.decode("utf-8-sig")))


def moved(value):
    """The value with every version of churn that moves at NEW."""
    if isinstance(value, dict):
        return {key: moved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item) for item in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"(\bchurn(?:/|==|-))1\.[23]\.0", rf"\g<1>{NEW}", value)


@unittest.skipIf(yaml is None, "python3-yaml is not installed; scripts/setup test installs it")
class Compose(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.project = published(self.box)
        self.srv = self.box.root / "srv"
        self.stack = e2e.write_file(self.srv / "score/compose.yaml", fill(self.box, STACK), 0o640)

    def json(self, *args, **how):
        return self.box.mlship_json(*args, cwd=self.project, **how)

    def test_usual_shapes_keep_every_byte_but_the_versions(self):
        spellings = {
            "plain": lambda text: text.encode(),
            "crlf": lambda text: text.replace("\n", "\r\n").encode(),
            "bom": lambda text: b"\xef\xbb\xbf" + text.encode(),
            "both": lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
            "documents": lambda text: f"---\n{text}...\n---\n{text}".encode(),
            "no-end": lambda text: text.rstrip("\n").encode(),
        }
        for name, spell in spellings.items():
            e2e.write_file(self.srv / name / "docker-compose.yml", spell(fill(self.box, STACK)))
        before = e2e.snapshot(self.srv)
        old = {name: meaning((self.srv / name / "docker-compose.yml").read_bytes()) for name in spellings}
        result = self.json("rollout", "--yes")
        self.assertEqual({r["outcome"] for r in result["results"]}, {"updated"})
        self.assertEqual(result["skipped"], [])
        for name, spell in spellings.items():
            content = (self.srv / name / "docker-compose.yml").read_bytes()
            self.assertEqual(content, spell(fill(self.box, STACK, NEW)), name)
            self.assertEqual(meaning(content), moved(old[name]), name)
            self.assertNotEqual(meaning(content), old[name])
        self.json("rollback", "--yes")
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.srv)), [])

    def test_scan_plan_jobs_rollout_status_rollback(self):
        e2e.write_file(self.srv / "score/score.env", fill(self.box, ENVIRONMENT))
        e2e.write_file(self.srv / "json/one.json", fill(self.box, DOCUMENT))
        before = e2e.snapshot(self.srv)
        found = {p["name"]: p for p in self.json("scan")["packages"]}
        self.assertEqual([(v["version"], v["count"]) for v in found["churn"]["versions"]], [("1.3.0", 12)])
        self.assertEqual(self.json("plan", "--jobs")["changes"], [], "services are no jobs")
        plan = self.json("plan", "--services")
        paths = {(c["object"]["name"], c["path"]) for c in plan["changes"]}
        self.assertEqual(paths, {
            ("compose.yaml:x-common", "x-common.environment.PIN"),
            ("compose.yaml:x-common", "x-common.volumes[0]"),
            ("compose.yaml:x-common", "x-common.volumes[1].source"),
            ("compose.yaml:api", "services.api.command[2]"),
            ("compose.yaml:api", "services.api.healthcheck.test[1]"),
            ("compose.yaml:batch", "services.batch.environment.EXTRA"),
            ("compose.yaml:batch", "services.batch.entrypoint"),
            ("compose.yaml:batch", "services.batch.deploy.labels[0]"),
            ("compose.yaml:settings", "configs.settings.file"),
            ("score.env:PIN", "PIN"), ("score.env:TREE", "TREE"),
            ("one.json:score", "services.score.command[0]")})
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.srv)), [])
        result = self.json("rollout", "--services", "--yes")
        self.assertEqual({(r["outcome"], r["detail"]) for r in result["results"]}, {("updated", "pending: up -d")})
        self.assertEqual(self.stack.read_text(), fill(self.box, STACK, NEW))
        self.assertEqual((self.srv / "score/score.env").read_text(), fill(self.box, ENVIRONMENT, NEW))
        self.assertEqual((self.srv / "json/one.json").read_text(), fill(self.box, DOCUMENT, NEW))
        status = self.json("status", "churn")["objects"]
        self.assertEqual({o["pending"] for o in status}, {"up -d"})
        self.assertTrue(all(r["current"] for o in status for r in o["references"]), status)
        self.assertEqual(self.json("plan")["changes"], [])
        self.json("rollback", "--yes")
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.srv)), [])

    def test_pending_ends_when_the_containers_were_made_anew(self):
        answer = e2e.write_file(self.box.root / "answer", "")
        e2e.write_file(self.box.folder("bin") / "docker", f"#!/bin/sh\ncat '{answer}'\n", 0o755)
        self.box.variables["PATH"] = f"{self.box.root}/bin:{os.environ['PATH']}"
        self.json("rollout", "--yes")
        api = lambda: next(o["pending"] for o in self.json("status", "churn")["objects"]
                           if o["object"]["name"] == "compose.yaml:api")
        self.assertEqual(api(), "up -d", "docker knows no container of it")
        answer.write_text(f"{self.stack}|2020-01-02 03:04:05 +0000 UTC\n")
        self.assertEqual(api(), "up -d", "its container is older than the edit")
        answer.write_text(f"/elsewhere.yaml|2020-01-02 03:04:05 +0000 UTC\n{self.stack}|2099-01-02 03:04:05 +0100 CET\n")
        self.assertEqual(api(), "")

    def test_what_is_interpolated_escaped_or_an_image_is_said_and_stays(self):
        text = ("services:\n  a:\n    image: registry.test/ml/churn:${TAG:-1.3.0}\n"
                "    command: \"run churn=\\x3d1.3.0 churn==$VERSION\"\n    environment: [PIN=churn==1.3.0]\n")
        file = e2e.write_file(self.srv / "odd/compose.yaml", text)
        result = self.json("rollout", "--yes")
        self.assertEqual(file.read_text(), text.replace("PIN=churn==1.3.0", f"PIN=churn=={NEW}"))
        said = sorted((s["path"], s["reason"], s["detail"]) for s in result["skipped"])
        self.assertEqual(said, [
            ("services.a.command", "opaque", "it is written with escapes or over several lines"),
            ("services.a.command#2", "opaque", "its version is interpolated: $VERSION"),
            ("services.a.image", "opaque", "its version is interpolated: ${TAG:-1.3.0}")])
        file.write_text("services:\n  a: {image: \"registry.test/ml/churn:1.3.0\"}\n")
        skipped = [(s["path"], s["reason"]) for s in self.json("plan")["skipped"] if s["reason"] != "same-version"]
        self.assertEqual(skipped, [("services.a.image", "no-output")])

    def test_foreign_edits(self):
        plan = self.box.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        # A service above, a comment within, another order of keys: the same services still. batch got another version.
        text = self.stack.read_text()
        edited = text.replace("services:\n", "services:\n  # by hand\n  first: {image: busybox}\n", 1)
        edited = edited.replace("    ports:", "    # moved\n    ports:", 1)
        edited = edited.replace("'it''s churn==1.3.0'", "'it''s churn==1.2.0'")
        self.stack.write_text(edited)
        result = self.json("rollout", "--plan", plan, "--yes", exit=8)
        outcomes = {r["object"]["id"].rpartition(":")[2]: r["outcome"] for r in result["results"]}
        outcomes.update({s["object"]["id"].rpartition(":")[2]: s["reason"] for s in result["skipped"]})
        self.assertEqual(outcomes, {"x-common": "updated", "services.api": "updated", "configs.settings": "updated",
                                    "services.batch": "conflict"})
        head, batch, tail = (lambda t: (t[:t.index("  batch:")], t[t.index("  batch:"):t.index("configs:")],
                                        t[t.index("configs:"):]))(edited)
        swap = lambda t: t.replace("1.3.0", NEW).replace(f"10.{NEW}", "10.1.3.0")
        self.assertEqual(self.stack.read_text(), swap(head) + batch + swap(tail))
        # The way back keeps what somebody else wrote.
        self.json("rollback", "--yes")
        self.assertEqual(self.stack.read_text(), edited)

    def test_a_rollback_after_a_formatter(self):
        """The value is found again by its path; it gets its old text, the new layout stays."""
        box = e2e.Sandbox()
        self.addCleanup(box.close)
        project = published(box)
        file = box.root / "srv/one/compose.yaml"
        cases = {
            "flow": ('services:\n  b:\n    volumes: [ "{1}:/app", "{1}/models:/m" ]\n',
                     "services:\n  b:\n    volumes:\n      - {1}:/app\n      - '{1}/models:/m'\n"),
            "environment": ("services: {{b: {{environment: {{LIB: {1}, PIN: 'churn=={0}'}}}}}}\n",
                            "services:\n    b:\n        environment:\n            LIB: {1}\n            PIN: churn=={0}\n"),
            "order": ("services:\n  b:\n    image: x:1\n    command: [run, {1}]\n",
                      "# sorted\nservices:\n  b:\n    command:\n    - run\n    - {1}\n    image: x:1\n"),
            "block": ("services:\n  b:\n    labels:\n      - pin=churn=={0}\n    volumes:\n      - {1}:/app\n",
                      "services: {{b: {{labels: [pin=churn=={0}], volumes: ['{1}:/app']}}}}\n"),
        }
        for name, (before, after) in cases.items():
            with self.subTest(name):
                old, new = ((version, f"{box.root}/opt/churn/{version}") for version in ("1.3.0", NEW))
                e2e.write_file(file, before.format(*old))
                (box.root / "opt/churn/1.3.0").mkdir(parents=True, exist_ok=True)
                box.mlship("rollout", "--yes", cwd=project)
                self.assertEqual(file.read_text(), before.format(*new))
                file.write_text(after.format(*new))
                box.mlship("rollback", "--yes", cwd=project)
                self.assertEqual(file.read_text(), after.format(*old))
                box.mlship("rollback", f"churn:{NEW}", "--release-hold", cwd=project)

    def test_a_file_that_is_no_yaml_is_said_and_the_others_move(self):
        bad = e2e.write_file(self.srv / "bad/compose.yaml", "services:\n  a: {image: [churn==1.3.0}\n")
        twice = e2e.write_file(self.srv / "twice/compose.yaml", "services:\n  a: {k: churn==1.3.0}\n  a: {}\n")
        before = {path: path.read_bytes() for path in (bad, twice)}
        result = self.json("rollout", "--yes", exit=8)
        said = {s["object"]["id"]: (s["reason"], s["detail"]) for s in result["skipped"]}
        self.assertEqual(set(said), {str(bad), str(twice)})
        self.assertEqual({reason for reason, _ in said.values()}, {"unresolvable"})
        self.assertRegex(said[str(bad)][1], r"cannot read .*bad/compose.yaml: line 2, column \d+: ")
        self.assertIn("line 3, column 3: the key 'a' stands twice", said[str(twice)][1])
        self.assertEqual({path: path.read_bytes() for path in (bad, twice)}, before)
        self.assertEqual(self.stack.read_text(), fill(self.box, STACK, NEW))

    def test_random_documents_mean_the_same_but_for_the_versions(self):
        self.stack.unlink()
        changes = 0
        for seed in range(int(os.environ.get("MLSHIP_DOCUMENTS", "120"))):
            write_random(self.srv / f"r{seed}/compose.yaml", seed)
        files = sorted(self.srv.glob("*/compose.yaml"))
        before = {file: file.read_bytes() for file in files}
        snapshot = e2e.snapshot(self.srv)
        result = self.json("rollout", "--yes", exit=None)
        self.assertEqual({r["outcome"] for r in result["results"]}, {"updated"})
        self.assertEqual({s["reason"] for s in result["skipped"]} - {"opaque"}, set())
        stayed = {s["object"]["id"] for s in result["skipped"]}
        self.assertLess(len(stayed), len(files))
        for file in files:
            with self.subTest(file=file.parent.name):
                content = file.read_bytes()
                if not any(name.startswith(f"{file}:") for name in stayed):
                    self.assertEqual(meaning(content), moved(meaning(before[file])))
                # Comments and all else: the same bytes between the versions.
                pieces = [re.split(rb"1\.3\.0|1\.4\.0", text) for text in (before[file], content)]
                self.assertEqual(pieces[0], pieces[1])
                comments = [re.findall(rb"# note.*", text) for text in (before[file], content)]
                self.assertEqual(comments[0], comments[1])
                changes += content.count(NEW.encode())
        print(f"\n{changes} versions moved in {len(files)} random documents", file=sys.stderr)
        self.assertGreater(changes, 300)
        self.json("rollback", "--yes")
        self.assertEqual(e2e.differences(snapshot, e2e.snapshot(self.srv)), [])


def random_value(dice, depth):
    kind = dice.random()
    if depth > 0 and kind < 0.25:
        return [random_value(dice, depth - 1) for _ in range(dice.randint(0, 3))]
    if depth > 0 and kind < 0.5:
        return {f"k{n} {dice.choice(['', 'ü', ':x', '#'])}": random_value(dice, depth - 1)
                for n in range(dice.randint(0, 3))}
    if kind < 0.6:
        return dice.choice([None, True, 7, 1.5, "", "yes", "1.3", "null"])
    words = [dice.choice(["run", "it's", "\"x\"", "a: b", "# no", "é€", "- x", "{y}", "&z", "\n", "\t", "%"])
             for _ in range(dice.randint(0, 6))]
    words.insert(dice.randint(0, len(words)), "churn==1.3.0")
    return " ".join(words)


def write_random(path, seed):
    """A Compose file as PyYAML writes it, in one of its styles, with comments between its lines where they may stand."""
    dice = random.Random(seed)
    shared = {"S": random_value(dice, 2)}
    services = {f"s{n}": {"environment": copy.deepcopy(random_value(dice, 3)), "command": random_value(dice, 1)}
                for n in range(dice.randint(1, 4))}
    services["s0"]["labels"] = shared
    data = {"services": services, "configs": {"c": {"content": random_value(dice, 0), "labels": shared}}}
    text = yaml.safe_dump(data, default_flow_style=dice.choice([False, False, None, True]), width=dice.choice([40, 1000]),
                          default_style=dice.choice([None, None, "'", '"', "|"]), allow_unicode=dice.random() < 0.7,
                          indent=dice.choice([2, 4]), sort_keys=False)
    text = re.sub(r"^(services|configs):$", lambda m: f"# note churn==1.3.0\n{m[0]}  # note churn==1.3.0", text, flags=re.M)
    if dice.random() < 0.3:
        text = text.replace("\n", "\r\n")
    e2e.write_file(path, (b"\xef\xbb\xbf" if dice.random() < 0.3 else b"") + text.encode())


if __name__ == "__main__":
    e2e.main()
