"""The program against a Databricks workspace on loopback, from a wheel built elsewhere to a rollback."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import databricks
import e2e

OLD = "/Volumes/main/ml/old/churn-1.3.0-py3-none-any.whl"
USER_FILE = """\
[targets.dbx]
kind = "databricks"
library-path = "/Volumes/main/ml/libs"
"""


def job(name, *wheels, **more):
    tasks = [{"task_key": f"t{i}", "libraries": [{"whl": wheel}], "notebook_task": {"notebook_path": f"/n/{i}"}}
             for i, wheel in enumerate(wheels)]
    return {"settings": {"name": name, "tasks": tasks, **more}}


class Databricks(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.workspace = databricks.Workspace(self.box)
        self.addCleanup(self.workspace.stop)
        self.workspace.put_file(OLD, b"the old one")
        e2e.write_file(self.box.root / "home/.config/mlship/config.toml", USER_FILE)
        wheel = e2e.write_wheel(self.box.root, "churn", "1.4.0")
        self.box.mlship("publish", "--artifact", wheel, env=self.env())

    def env(self, **more):
        return {**self.workspace.environment(), **more}

    def mlship(self, *words, exit=0, **env):
        return self.box.mlship(*words, env=self.env(**env), exit=exit)

    def libraries(self, number):
        return [task["libraries"][0]["whl"] for task in self.workspace.document(f"jobs/{number}")["tasks"]]

    def test_without_a_project_from_a_wheel_to_a_rollback(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD, "/Volumes/x/churn_plus-1.3.0-py3-none-any.whl"))
        self.workspace.put("jobs/8", job("other", "/Volumes/x/numpy-1.26.4-cp311-cp311-linux_x86_64.whl"))
        before = self.workspace.state()
        scan = self.mlship("scan", "--json").json()
        self.assertEqual({p["name"]: p["objects"] for p in scan["packages"]}, {"churn": 1, "churn-plus": 1, "numpy": 1})
        plan = self.mlship("plan", "churn:1.4.0", "--json").json()
        self.assertEqual([(c["object"]["name"], c["path"], c["from"]) for c in plan["changes"]],
                         [("nightly scores", "tasks[key=t0]/libraries[0]/whl", OLD)])
        self.assertEqual(self.workspace.counts()["writes"], 0)
        done = self.mlship("rollout", "churn:1.4.0", "--yes", "--json").json()
        self.assertEqual([r["outcome"] for r in done["results"]], ["updated"])
        new = self.libraries(7)[0]
        self.assertRegex(new, r"^/Volumes/main/ml/libs/mlship/churn/1\.4\.0/[0-9a-f]{16}/churn-1\.4\.0-py3-none-any\.whl$")
        status = self.mlship("status", "churn", "--json").json()
        self.assertEqual([o["references"][0]["version"] for o in status["objects"]], ["1.4.0"])
        self.mlship("rollback", "churn", "--yes")
        after = self.workspace.state()
        self.assertEqual({k: v for k, v in after.items() if k.startswith("jobs/")},
                         {k: v for k, v in before.items() if k.startswith("jobs/")})

    def killed_in_the_middle(self, jobs):
        """Rolls out to jobs/1 … and is killed; how many were moved."""
        command = [e2e.mlship_binary(), "rollout", "churn:1.4.0", "--yes"]
        # The connection is cut for good in the middle: the run cannot end before it is killed.
        self.workspace.fault(kind="drop-before", path="/api/2.2/jobs/update", skip=5, times=0)
        process = subprocess.Popen([str(word) for word in command], env=self.box.environment(self.env()), cwd=self.box.root,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.workspace.counts()["endpoints"].get("POST /api/2.2/jobs/update", 0) < 7:
            pass
        process.kill()
        process.wait()
        self.workspace.reset()
        return sum(OLD not in self.libraries(number) for number in range(1, jobs + 1))

    def test_killed_in_the_middle_another_run_finishes(self):
        for number in range(1, 21):
            self.workspace.put(f"jobs/{number}", job(f"job {number}", OLD))
        plan = self.mlship("plan", "churn:1.4.0", "--json").json()
        self.assertEqual(plan["counts"]["changes"] if "changes" in plan["counts"] else len(plan["changes"]), 20)
        moved = self.killed_in_the_middle(20)
        self.assertIn(moved, range(1, 20))
        self.mlship("rollout", "--resume", "--yes")
        self.assertTrue(all(OLD not in self.libraries(number) for number in range(1, 21)))

    def test_what_stands_in_the_way_is_said(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        wrong = self.mlship("plan", "churn:1.4.0", exit=3, DATABRICKS_HOST="")
        self.assertIn("it has no host", wrong.err)
        wrong = self.mlship("plan", "churn:1.4.0", exit=4, DATABRICKS_TOKEN="")
        self.assertIn("there are no credentials for http://127.0.0.1", wrong.err)
        self.workspace.control("POST", "tokens", {"token": databricks.TOKEN})
        wrong = self.mlship("plan", "churn:1.4.0", exit=4, DATABRICKS_TOKEN="of-somebody-else")
        self.assertIn("does not accept the credentials", wrong.err)
        self.assertNotIn("of-somebody-else", wrong.err)
        self.mlship("rollout", "churn:1.4.0", "--yes")
        for way in ([], ["--to", "1.3.0"]):
            wrong = self.mlship("rollback", "churn", *way, "--yes", exit=4, DATABRICKS_TOKEN="of-somebody-else")
            self.assertIn("does not accept the credentials", wrong.err)

    def test_dbfs_takes_files_too(self):
        e2e.write_file(self.box.root / "home/.config/mlship/config.toml",
                       USER_FILE.replace("/Volumes/main/ml/libs", "dbfs:/FileStore/libs"))
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        self.mlship("rollout", "churn:1.4.0", "--yes")
        new = self.libraries(7)[0]
        self.assertTrue(new.startswith("dbfs:/FileStore/libs/mlship/churn/1.4.0/"), new)
        kept = [name for name in self.workspace.state() if name.startswith("files/dbfs:/FileStore/libs")]
        self.assertEqual(len(kept), 2, kept)  # the wheel and what claims it
        self.mlship("rollback", "churn", "--yes")
        self.assertEqual(self.libraries(7), [OLD])

    def test_an_old_path_that_cannot_be_does_not_keep_others_from_their_way_back(self):
        odd = "/Volumes/x/churn-1.3.0-py3-none-any.whl"
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        self.workspace.put("jobs/8", job("odd", odd))
        self.mlship("rollout", "churn:1.4.0", "--yes")
        done = self.mlship("rollback", "churn", "--to", "1.3.0", "--yes", "--json", exit=8).json()
        self.assertEqual([(r["object"]["id"], r["outcome"]) for r in done["results"]], [("jobs/7", "updated")])
        self.assertEqual([(s["object"]["id"], s["reason"]) for s in done["skipped"]], [("jobs/8", "no-output")])
        self.assertEqual(self.libraries(7), [OLD])

    def test_what_the_first_of_two_runs_changed_is_not_forgotten_by_the_rollback(self):
        for number in range(1, 13):
            self.workspace.put(f"jobs/{number}", job("nightly scores", OLD))
        self.assertGreater(self.killed_in_the_middle(12), 0)
        self.mlship("rollout", "churn:1.4.0", "--yes")
        back = self.mlship("rollback", "churn", "--yes")
        first = re.search(r"then: mlship (rollback --rollout \S+)", back.err)
        self.assertTrue(first, back.err)
        self.mlship(*first.group(1).split(), "--yes")
        self.assertEqual([self.libraries(number) for number in range(1, 13)], [[OLD]] * 12)

    def test_a_reviewed_plan_costs_no_more_readings_than_one_made_now(self):
        for number in range(1, 31):
            self.workspace.put(f"jobs/{number}", job("nightly scores", OLD))
        self.mlship("plan", "churn:1.4.0", "--out", "plan.json")
        self.workspace.reset()
        self.mlship("rollout", "--plan", "plan.json", "--yes")
        counts = self.workspace.counts()["endpoints"]
        self.assertEqual(counts["POST /api/2.2/jobs/update"], 30)
        # One right before each write; a list reads them back.
        self.assertEqual(counts["GET /api/2.2/jobs/get"], 30, counts)

    def test_a_token_with_a_line_break_is_said_to_have_one(self):
        wrong = self.mlship("scan", exit=4, DATABRICKS_TOKEN="any\r")
        self.assertIn("DATABRICKS_TOKEN holds a line break", wrong.err)

    def test_jobs_of_one_name_each_get_their_own_text_back(self):
        old = {number: f"/Volumes/main/ml/team_{number}/churn-1.3.0-py3-none-any.whl" for number in (31, 32)}
        for number, wheel in old.items():
            self.workspace.put_file(wheel, b"old")
            self.workspace.put(f"jobs/{number}", job("nightly", wheel))
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.mlship("rollback", "churn", "--to", "1.3.0", "--yes")
        self.assertEqual({number: self.libraries(number) for number in old}, {n: [wheel] for n, wheel in old.items()})

    def test_doctor_looks_at_the_folder_of_published_files_in_the_workspace(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD))

        def target(config, exit=0):
            e2e.write_file(self.box.root / "home/.config/mlship/config.toml", '[targets.dbx]\nkind = "databricks"\n' + config)
            checks = self.mlship("doctor", "--json", exit=exit).json()["checks"]
            return [(c["status"], c["detail"], c["fix"]) for c in checks if c["area"] == "target dbx"]

        fine = ("ok", "databricks: 1 object, 1 reference", None)
        self.assertEqual(target('library-path = "/Volumes/main/ml/libs"\n'), [fine])
        self.assertEqual(target(""), [("warning", "without library-path no reference to a file moves",
                                       'set library-path = "/Volumes/…" in [targets.dbx]'), fine])
        self.assertIn("Databricks Runtime 15", target('library-path = "dbfs:/FileStore/libs"\n')[0][1])
        self.workspace.fault(method="HEAD", path="/api/2.0/fs/directories/Volumes/main/ml/libs", status=404, code="NOT_FOUND")
        self.assertEqual(target('library-path = "/Volumes/main/ml/libs/deep"\n', exit=5)[0],
                         ("problem", "cannot use library-path /Volumes/main/ml/libs/deep: there is no volume /Volumes/main/ml/libs",
                          "create it, or correct library-path of [targets.dbx]"))

    def test_no_right_to_write_is_refused_and_exit_8(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        self.workspace.control("POST", "tokens", {"token": databricks.TOKEN, "admin": False, "others": "CAN_VIEW"})
        done = self.mlship("rollout", "churn:1.4.0", "--yes", "--json", exit=8).json()
        self.assertEqual([r["outcome"] for r in done["results"]], ["refused"])
        self.assertIn("PERMISSION_DENIED", done["results"][0]["detail"])
        self.assertEqual(self.libraries(7), [OLD])

    def test_a_bundle_owns_its_jobs(self):
        deployment = {"kind": "BUNDLE", "metadata_file_path": "/Workspace/Users/ada/.bundle/etl/state/metadata.json"}
        self.workspace.put("jobs/7", job("deployed", OLD, deployment=deployment))
        plan = self.mlship("plan", "churn:1.4.0", "--json").json()
        self.assertEqual([(s["reason"], plan["changes"]) for s in plan["skipped"]], [("foreign-owner", [])])
        self.assertIn("/Workspace/Users/ada/.bundle/etl", plan["skipped"][0]["detail"])
        self.mlship("rollout", "churn:1.4.0", "--include-owned", "--yes")
        self.assertNotEqual(self.libraries(7), [OLD])

    def test_a_probe_run_that_cannot_install_the_library_counts_against_the_version(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        self.workspace.control("POST", "outcomes", {"job": 7, "outcome": "LIBRARY_INSTALLATION_ERROR"})
        done = self.mlship("rollout", "churn:1.4.0", "--yes", "--proof", "run", "--on-failure", "revert", "--max-failures", "0",
                           "--json", exit=8).json()
        self.assertEqual(done["state"], "reverted")
        self.assertEqual(self.libraries(7), [OLD])
        self.assertIn("LIBRARY_INSTALLATION_ERROR", json.dumps(done))

    def test_a_cluster_like_a_jobs(self):
        cluster = {"spark_version": "15.4.x-scala2.12", "node_type_id": "m5.large", "num_workers": 2}
        self.workspace.put("jobs/7", job("nightly scores", OLD, OLD))
        settings = self.workspace.object("jobs/7")
        for task in settings["settings"]["tasks"]:
            task["job_cluster_key"] = "main"
        settings["settings"]["job_clusters"] = [{"job_cluster_key": "main", "new_cluster": cluster}]
        self.workspace.put("jobs/7", settings)
        made = self.mlship("clone-cluster", "--job", "nightly scores", "--json").json()
        created = self.workspace.object("clusters/" + made["cluster"]["id"])
        self.assertEqual({name: created[name] for name in cluster}, cluster)
        self.assertEqual(created["autotermination_minutes"], 120)
        self.assertEqual(made["libraries"], [{"whl": OLD}])
        self.assertEqual(self.workspace.state()["libraries/" + made["cluster"]["id"]][0]["library"], {"whl": OLD})
        wrong = self.mlship("clone-cluster", "--job", "nightly score", exit=5)
        self.assertIn("did you mean 'nightly scores'?", wrong.err)
        self.mlship("clone-cluster", exit=2)

    def test_libraries_of_interactive_clusters_move_when_the_target_says_so(self):
        self.workspace.put("clusters/c1", {"cluster_id": "c1", "cluster_name": "shared", "state": "RUNNING",
                                           "spark_version": "15.4.x-scala2.12", "cluster_source": "UI"})
        self.workspace.request("POST", "/api/2.0/libraries/install", {"cluster_id": "c1", "libraries": [{"whl": OLD}]})
        for _ in range(4):
            self.workspace.request("GET", "/api/2.0/libraries/cluster-status?cluster_id=c1")
        plan = self.mlship("plan", "churn:1.4.0", "--json").json()
        self.assertEqual(plan["changes"], [])
        self.assertIn("clusters = true", plan["skipped"][0].get("hint", "") + json.dumps(plan["skipped"]))
        config = self.box.root / "home/.config/mlship/config.toml"
        config.write_text(USER_FILE + "clusters = true\n")
        done = self.mlship("rollout", "churn:1.4.0", "--yes", "--json").json()
        self.assertEqual([(r["object"]["id"], r["outcome"]) for r in done["results"]], [("clusters/c1", "updated")])
        self.assertIn("pending: restart", done["results"][0]["detail"])
        statuses = {row["library"]["whl"]: row["status"] for row in self.workspace.state()["libraries/c1"]}
        self.assertEqual(statuses[OLD], "UNINSTALL_ON_RESTART")

    def test_a_limit_of_the_workspace_is_kept(self):
        for number in range(1, 61):
            self.workspace.put(f"jobs/{number}", job(f"job {number}", OLD))
        self.workspace.control("POST", "rate", {"per_second": 40, "burst": 40, "retry_after": 1})
        self.mlship("rollout", "churn:1.4.0", "--yes")
        self.assertTrue(all(OLD not in self.libraries(number) for number in range(1, 61)))

    def test_oauth_of_a_service_principal(self):
        self.workspace.put("jobs/7", job("nightly scores", OLD))
        self.workspace.control("POST", "clients", {"id": "sp-1", "secret": "s3cret"})
        env = {"DATABRICKS_TOKEN": "", "DATABRICKS_CLIENT_ID": "sp-1", "DATABRICKS_CLIENT_SECRET": "s3cret"}
        self.mlship("rollout", "churn:1.4.0", "--yes", **env)
        self.assertNotEqual(self.libraries(7), [OLD])
        wrong = self.mlship("plan", "churn:1.4.0", exit=4, **{**env, "DATABRICKS_CLIENT_SECRET": "wr0ng"})
        self.assertNotIn("wr0ng", wrong.err + wrong.out)


if __name__ == "__main__":
    e2e.main()
