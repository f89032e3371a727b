"""What every JSON document says of an object: one shape, wherever it stands."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

KEYS = ["id", "name", "kind", "schedule", "owner"]
SCHEMAS = {name: f"mlship.{name}/2" for name in ("plan", "rollout", "rollback", "status", "show", "lineage", "scan")}


def objects_in(value):
    """Every value of a key `object`, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in objects_in(item)]
    if not isinstance(value, dict):
        return []
    here = [value["object"]] if "object" in value else []
    return here + [found for item in value.values() for found in objects_in(item)]


class Documents(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.crontab = self.box.root / "cron.d/jobs"
        e2e.write_file(self.box.root / "compose/compose.yaml", "services:\n  api:\n    command: pip install churn==1.3.0\n")
        e2e.write_file(self.box.root / "compose/broken.yaml", "services: [\n")
        e2e.write_file(self.box.root / "cron.d/jobs", "5 1 * * * root pip install churn==1.3.0\n"
                                                      "6 1 * * * root pip install churn==2.0.0\n"
                                                      "7 1 * * * root pip install 'churn>=1'\n")
        e2e.write_file(self.box.root / "text/notes", "churn==1.3.0\nchurn==0.9\n")
        self.project = self.box.folder("project")
        targets = "".join(f'[targets.{name}]\nkind = "{kind}"\nfiles = ["{self.box.root}/{files}"]\ntrust-pins = true\n'
                          for name, kind, files in [("cron", "cron", "cron.d/*"), ("stack", "compose", "compose/*"),
                                                    ("text", "files", "text/*")])
        e2e.write_file(self.project / "mlship.toml", '[package]\nname = "churn"\nversion = "1.4.0"\n' + targets +
                       '[objects."jobs:*"]\nowner = "team-growth"\n')
        wheel = e2e.write_wheel(self.box.root / "made", "churn", "1.4.0")
        self.box.mlship("publish", "--artifact", wheel, cwd=self.project)

    def json(self, *args, exit=0):
        document = self.box.mlship(*args, "--json", cwd=self.project, exit=exit).json()
        self.assertEqual(document["schema"], SCHEMAS[args[0]])
        found = objects_in(document)
        self.assertTrue(found, args)
        for each in found:
            self.assertEqual(list(each), KEYS, args)
            self.assertTrue(each["id"] and each["kind"], each)
        return document

    def test_every_document_has_one_shape_of_an_object(self):
        plan = self.json("plan", "churn:1.4.0")
        self.assertLessEqual({"newer", "range"}, {s["reason"] for s in plan["skipped"]})
        done = self.json("rollout", "churn:1.4.0", "--yes", exit=8)  # broken.yaml
        self.json("status", exit=8)
        self.json("scan", exit=8)
        self.json("show", done["id"])
        self.json("lineage", "*jobs*")
        back = self.json("rollback", "churn", "--yes", "--jobs=*jobs*")
        self.json("show", back["id"])

    def test_a_skipped_row_says_of_its_object_what_a_change_says(self):
        plan = self.json("plan", "churn:1.4.0")
        rows = {c["object"]["id"]: c["object"] for c in plan["changes"] + plan["skipped"]}
        newer = rows[f"{self.crontab}:2"]
        self.assertEqual((newer["schedule"], newer["owner"], newer["kind"]), ("6 1 * * *", "team-growth", "cron-entry"))
        broken = next(o for i, o in rows.items() if i.endswith("broken.yaml"))
        self.assertEqual((broken["name"], broken["kind"]), ("broken.yaml", "file"))

    def test_a_result_says_of_its_object_what_the_plan_said(self):
        plan = {c["object"]["id"]: c["object"] for c in self.json("plan", "churn:1.4.0")["changes"]}
        done = self.json("rollout", "churn:1.4.0", "--yes", exit=8)
        self.assertEqual({r["object"]["id"]: r["object"] for r in done["results"]}, plan)
        self.assertEqual({r["object"]["id"]: r["object"] for r in self.json("show", done["id"])["operations"]}, plan)


if __name__ == "__main__":
    e2e.main()
