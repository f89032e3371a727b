"""Workspaces with hostile names: every place of a job, pipeline, policy and cluster that can name a package, in every form
and every spelling of a version, with paths, names and comments that hold whatever a workspace allows.

The generator writes down what must become of each text while it puts the text together, from docs/ alone; it shares no
code with mlship. After the rollout the workspace is compared whole: only the expected texts differ. After the rollback
nothing does.

MLSHIP_SEEDS: how many workspaces (default 30); MLSHIP_SEED: only this one.
"""

import copy
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import collections
import shutil

import databricks
import e2e
from hostile_workspaces import DEFAULT, LIBRARY_PATH, NEW, Generator, Ref, references, rendered, resolved


CONFIGURATION = """\
[targets.dbx]
kind = "databricks"
library-path = "{library_path}"
trust-pins = {pins}
clusters = {clusters}
"""


def put(workspace, generator):
    for path, content in generator.files.items():
        workspace.put_file(re.sub("^dbfs:/", "/dbfs/", path), content)
    for name, tree in generator.objects.items():
        value = rendered(tree, "old")
        libraries = value.pop("libraries") if name.startswith("clusters/") else None
        workspace.put(name, value)
        if libraries:
            answer = workspace.request("POST", "/api/2.0/libraries/install", {"cluster_id": value["cluster_id"], "libraries": libraries})
            assert answer[0] == 200, answer


def seen(workspace):
    """Everything but the files; unordered lists in one order, what the service counts left out."""
    found = {}
    for name, value in workspace.state().items():
        if name.startswith("files/"):
            continue
        value = copy.deepcopy(value)
        if isinstance(value, dict):
            value.pop("last_modified", None)
            for task in value.get("settings", {}).get("tasks", []):
                task.get("depends_on", []).sort(key=str)
        if name.startswith("libraries/"):
            value = sorted((entry["library"] for entry in value), key=str)
        if value:
            found[name] = value
    return found


def expected(before, generator):
    """`before` with the expected texts changed, and nothing else."""
    after = copy.deepcopy(before)
    for name, tree in generator.objects.items():
        if name.startswith("clusters/"):
            key = "libraries/" + name.split("/")[1]
            if key in after:
                after[key] = sorted(rendered(tree["libraries"], "new"), key=str)
        else:
            overlay(after[name], tree)
    return after


def overlay(live, tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(value, Ref):
            assert live[key] == value.old, (live[key], value.old)
            live[key] = value.text("new")
        elif isinstance(value, (dict, list)) and (not isinstance(live, dict) or key in live):
            overlay(live[key], value)


def unequal(a, b, path=""):
    """Lines that say where two JSON values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in sorted(a.keys() | b.keys()) for line in unequal(a.get(key), b.get(key), f"{path}/{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [line for n, pair in enumerate(zip(a, b)) for line in unequal(*pair, f"{path}[{n}]")]
    return [] if a == b else [f"{path}: expected {a!r}, is {b!r}"]


def fits(seen, wanted):
    """Every row has a reason that is wanted, and every wanted one has a row."""
    if not seen:
        return not wanted
    return any(seen[0] in reasons and fits(seen[1:], wanted[:n] + wanted[n + 1:]) for n, reasons in enumerate(wanted))


class HostileWorkspace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)
        cls.paths, files = {}, {}
        for version in ("1.2.0", NEW):
            files[version] = {"wheel": e2e.write_wheel(cls.box.root, "churn", version), "jar": e2e.write_jar(cls.box.root, "churn", version)}
        for kind, file in files[NEW].items():
            cls.paths[kind] = f"{LIBRARY_PATH}/mlship/churn/{NEW}/{e2e.sha256_hex(file)[:16]}/{file.name}"
        # A version with both files, where it can have them; else workspaces with the one and with the other.
        cls.templates = [(cls.published("both", files, ("wheel", "jar")), ("wheel", "jar"))]
        if cls.templates[0][0] is None:
            cls.templates = [(cls.published(kind, files, (kind,)), (kind,)) for kind in ("wheel", "wheel", "jar")]

    @classmethod
    def published(cls, name, files, kinds):
        """A data folder whose registry has both versions; None when a version cannot have these files."""
        data = cls.box.root / f"published-{name}"
        for version in files:
            words = [word for kind in kinds for word in ("--artifact", files[version][kind])]
            if cls.box.mlship("publish", *words, env={"XDG_DATA_HOME": data}, exit=None).exit != 0:
                return None
        return data

    def test_every_reference_is_where_it_has_to_be(self):
        self.moved, self.sites, self.reasons = 0, collections.Counter(), collections.Counter()
        self.faults = {}  # what was not as expected: kind → the shortest text that shows it
        only = os.environ.get("MLSHIP_SEED")
        seeds = [int(only)] if only else range(int(os.environ.get("MLSHIP_SEEDS", DEFAULT)))
        for seed in seeds:
            with self.subTest(seed=seed):
                problems = self.one(seed)
                if problems:
                    told = f"\nseed {seed}:\n  " + "\n  ".join(problems[:12])
                    print(told, file=sys.stderr, flush=True)
                    self.fail(f"seed {seed}: {len(problems)} differences, see above")
        print(f"\n{len(seeds)} workspaces, {self.moved} references moved, {dict(self.reasons)}, {dict(self.sites)}", file=sys.stderr)
        for key, text in sorted(self.faults.items()):
            print(f"FAULT {key}\n      {text!r}", file=sys.stderr)
        if len(seeds) >= int(DEFAULT):
            self.floor()

    def floor(self):
        self.assertGreater(self.moved, 280)
        self.assertGreaterEqual(len(self.sites), 20, self.sites)
        for reason in ("same-version", "newer", "other-major", "range", "unpinned", "opaque", "other-kind", "other-build",
                       "no-output", "foreign-owner", "hash-pinned"):
            self.assertGreater(self.reasons[reason], 0, f"{reason} never came: {self.reasons}")

    def one(self, seed):
        """What was not as expected, [] when all was."""
        pins, clusters = seed % 4 != 1, seed % 2 == 0
        template, kinds = self.templates[seed % len(self.templates)]
        pins = pins and "wheel" in kinds
        generator = Generator(seed, pins, clusters, *(self.paths[kind] if kind in kinds else None for kind in ("wheel", "jar")))
        generator.workspace()
        data = self.box.root / f"data-{seed}"
        shutil.copytree(template, data)
        e2e.write_file(self.box.root / "home/.config/mlship/config.toml", CONFIGURATION.format(
            library_path=LIBRARY_PATH, pins=str(pins).lower(), clusters=str(clusters).lower()))
        workspace = databricks.Workspace(self.box)
        try:
            put(workspace, generator)
            self.env = {**workspace.environment(), "XDG_DATA_HOME": str(data)}
            return self.played(workspace, generator)
        finally:
            workspace.stop()
            shutil.rmtree(data)

    def mlship(self, *words):
        result = self.box.mlship(*words, "--json", env=self.env, exit=None)
        if result.exit not in (0, 8):
            raise AssertionError(str(result))
        return result.json()

    def played(self, workspace, generator):
        before = seen(workspace)
        plan = self.mlship("plan", f"churn:{NEW}")
        problems = self.planned(plan, generator)
        if seen(workspace) != before:
            problems.append("plan wrote something")
        done = self.mlship("rollout", f"churn:{NEW}", "--yes")
        problems += [f"{row['object']['id']} {row['path']}: {row['outcome']} {row['detail']}" for row in done["results"]
                     if row["outcome"] != "updated"]
        problems += unequal(expected(before, generator), seen(workspace))
        again = self.mlship("plan", f"churn:{NEW}")["changes"]
        problems += [f"planned again: {row['object']['id']} {row['path']} {row['from']!r}" for row in again]
        if done["results"]:
            back = self.mlship("rollback", "churn", "--yes")
            problems += [f"rollback {row['object']['id']} {row['path']}: {row['outcome']} {row['detail']}" for row in back["results"]
                         if row["outcome"] != "updated"]
            problems += [f"rollback leaves {row['object']['id']} {row['path']}: {row['reason']} {row['detail']}" for row in back["skipped"]]
            problems += [f"after the rollback {line}" for line in unequal(before, seen(workspace))]
        return problems

    def planned(self, plan, generator):
        """What the plan says of each reference, against what it has to say."""
        rows, problems = collections.defaultdict(list), []
        for row in plan["changes"] + plan["skipped"]:
            tree = generator.objects.get(row["object"]["id"], {})
            root = tree.get("settings", tree.get("spec", tree))
            at = resolved(root, row["path"])
            found = list(references(at)) if at is not None else []
            if not found:
                problems.append(f"{row['object']['id']} {row['path']}: a row for nothing: {row.get('reason')} "
                                f"{row.get('from', row.get('detail'))!r}")
            for ref in found[:1]:
                rows[id(ref)].append(row)
        for name, tree in generator.objects.items():
            for ref in references(tree):
                problems += [f"{name}: {line}" for line in self.judged(ref, rows[id(ref)])]
        return problems

    def judged(self, ref, rows):
        self.sites[ref.site] += 1
        said = sorted(row.get("reason") or "moves" for row in rows)
        wanted = [{"moves"} if ref.new is not None else ref.reasons] if ref.new is not None or ref.reasons else []
        if ref.either and said and said[0] in ref.reasons:
            ref.new, wanted = None, [ref.reasons]
        fine = fits(said, wanted + ref.also)
        if not fine:
            key = (ref.site, "moves" if ref.new is not None else sorted(ref.reasons), said)
            self.faults[str(key)] = min(self.faults.get(str(key), ref.old), ref.old, key=len)
            return [f"{ref.site} {ref.old!r} {ref.wanted()}; the plan says {said} {[r.get('to', r.get('detail')) for r in rows]}"]
        self.reasons.update(s for s in said if s != "moves")
        if ref.new is None:
            return []
        self.moved += 1
        row = next(row for row in rows if "reason" not in row)
        if ref.old.count(row["from"]) and ref.new in self.replaced(ref.old, row["from"], row["to"]):
            return []
        key = str((ref.site, "the span is not the reference", row["to"][:8]))
        self.faults[key] = min(self.faults.get(key, ref.old), ref.old, key=len)
        return [f"{ref.site} {ref.old!r}: the span {row['from']!r} -> {row['to']!r} does not make {ref.new!r}"]

    @staticmethod
    def replaced(text, old, new):
        """`text` with each one of `old` replaced."""
        return [text[:m] + new + text[m + len(old):] for m in range(len(text)) if text.startswith(old, m)]


if __name__ == "__main__":
    e2e.main()
