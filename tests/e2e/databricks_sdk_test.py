"""The published databricks-sdk against the test workspace, so that the workspace is not just our own idea of the API."""

import os
import sys
import textwrap
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import databricks
import e2e


SCRIPT = """\
import base64, io, json
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import *
from databricks.sdk.service import compute, jobs, pipelines, workspace
w = WorkspaceClient()

def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"not refused as {kind.__name__}")

def task(key, whl="/Volumes/main/ml/libs/churn-1.2.1-py3-none-any.whl", **more):
    return jobs.Task(task_key=key, libraries=[compute.Library(whl=whl)],
                     notebook_task=jobs.NotebookTask(notebook_path="/Workspace/Shared/n"), **more)

"""


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = databricks.foreign_python()
        cls.box = e2e.Sandbox()
        cls.addClassCleanup(cls.box.close)

    def setUp(self):
        self.workspace = databricks.Workspace(self.box)
        self.addCleanup(self.workspace.stop)

    def sdk(self, script, **env):
        """Runs the lines with `w`, the SDK's client of the workspace; what they print."""
        env = {**self.workspace.environment(), **env}
        return self.box.run([self.python, "-c", SCRIPT + textwrap.dedent(script)], env=env).out

    def test_who_am_i(self):
        self.assertEqual(self.sdk("print(w.current_user.me().user_name)"), "admin@example.invalid\n")

    def test_jobs_are_listed_page_by_page_and_changed(self):
        self.sdk("""
            ids = [w.jobs.create(name=f"job {i}", tasks=[task("a"), task("b")]).job_id for i in range(45)]
            assert [j.job_id for j in w.jobs.list()] == ids[::-1]
            first = ids[0]
            changed = task("b", whl="/Volumes/main/ml/libs/churn-1.4.0-py3-none-any.whl")
            w.jobs.update(job_id=first, new_settings=jobs.JobSettings(tasks=[changed]))
            seen = {t.task_key: t.libraries[0].whl for t in w.jobs.get(first).settings.tasks}
            assert seen["a"].endswith("1.2.1-py3-none-any.whl") and seen["b"].endswith("1.4.0-py3-none-any.whl"), seen
            assert w.jobs.get(first).settings.name == "job 0"
            w.jobs.reset(job_id=first, new_settings=jobs.JobSettings(name="alone", tasks=[task("c")]))
            assert [t.task_key for t in w.jobs.get(first).settings.tasks] == ["c"]
            w.jobs.update(job_id=first, fields_to_remove=["tasks/c"], new_settings=jobs.JobSettings(tasks=[task("d")]))
            assert [t.task_key for t in w.jobs.get(first).settings.tasks] == ["d"]
            w.jobs.delete(first)
            error = refused(ResourceDoesNotExist, lambda: w.jobs.get(first))  # it knows that 400 by its text
            assert str(error) == f"Job {first} does not exist.", error
            """)
        endpoints = self.workspace.counts()["endpoints"]
        self.assertEqual(endpoints["GET /api/2.2/jobs/list"], 3)
        self.assertEqual(endpoints["POST /api/2.2/jobs/create"], 45)

    def test_more_than_a_hundred_tasks(self):
        self.sdk("""
            tasks = [task(f"t{i}") for i in range(230)]
            id = w.jobs.create(name="big", tasks=tasks, parameters=[jobs.JobParameterDefinition("p", "1")]).job_id
            got = w.jobs.get(id).settings
            assert [t.task_key for t in got.tasks] == [f"t{i}" for i in range(230)], len(got.tasks)
            assert len(got.parameters) == 1
            listed = next(iter(w.jobs.list(expand_tasks=True))).settings
            assert len(listed.tasks) == 230
            """)

    def test_runs(self):
        self.workspace.put_file("/Volumes/main/ml/libs/churn-1.2.1-py3-none-any.whl", b"wheel")
        self.sdk("""
            good = w.jobs.create(name="good", tasks=[task("a")]).job_id
            run = w.jobs.run_now(job_id=good, idempotency_token="once")
            assert w.jobs.run_now(job_id=good, idempotency_token="once").run_id == run.run_id
            assert w.jobs.get_run(run.run_id).state.life_cycle_state == jobs.RunLifeCycleState.PENDING
            done = w.jobs.get_run(run.run_id)
            assert done.state.result_state == jobs.RunResultState.SUCCESS, done.state
            bad = w.jobs.create(name="bad", tasks=[task("a", whl="dbfs:/none-1.0-py3-none-any.whl")]).job_id
            run = w.jobs.run_now(job_id=bad).run_id
            assert [r.run_id for r in w.jobs.list_runs(active_only=True)] == [run]
            state = w.jobs.get_run(run)
            code = state.status.termination_details.code
            assert code == jobs.TerminationCodeCode.LIBRARY_INSTALLATION_ERROR, state
            """)

    def test_pipelines_compare_and_swap(self):
        self.sdk("""
            id = w.pipelines.create(name="dlt", libraries=[pipelines.PipelineLibrary(whl="dbfs:/churn-1.whl")]).pipeline_id
            assert [p.pipeline_id for p in w.pipelines.list_pipelines()] == [id]
            seen = w.pipelines.get(id)
            new = [pipelines.PipelineLibrary(whl="dbfs:/churn-2.whl")]
            w.pipelines.update(id, name="dlt", libraries=new, expected_last_modified=seen.last_modified)
            assert w.pipelines.get(id).spec.libraries[0].whl == "dbfs:/churn-2.whl"
            refused(ResourceConflict, lambda: w.pipelines.update(
                id, name="dlt", libraries=new, expected_last_modified=seen.last_modified))
            """)

    def test_clusters_libraries_and_policies(self):
        self.workspace.switch(check_libraries=False)
        self.sdk("""
            id = w.clusters.create(cluster_name="c", spark_version="14.3.x-scala2.12", num_workers=1).cluster_id
            assert [c.cluster_id for c in w.clusters.list()] == [id]
            while w.clusters.get(id).state != compute.State.RUNNING:
                pass
            lib = compute.Library(whl="dbfs:/churn-1.0-py3-none-any.whl")
            w.libraries.install(id, [lib])
            seen = []
            while not seen or seen[-1] != compute.LibraryInstallStatus.INSTALLED:
                seen += [s.status for s in w.libraries.cluster_status(id)]
            assert seen[0] == compute.LibraryInstallStatus.PENDING and len(seen) == 4, seen
            w.libraries.uninstall(id, [lib])
            all = list(w.libraries.all_cluster_statuses())
            status = all[0].library_statuses[0].status
            assert status == compute.LibraryInstallStatus.UNINSTALL_ON_RESTART, status
            policy = w.cluster_policies.create(name="p", definition="{}", libraries=[lib]).policy_id
            assert [p.libraries[0].whl for p in w.cluster_policies.list()] == [lib.whl]
            w.cluster_policies.edit(policy, name="p", definition="{}",
                                    libraries=[compute.Library(whl="dbfs:/churn-2.0-py3-none-any.whl")])
            assert w.cluster_policies.get(policy).libraries[0].whl.startswith("dbfs:/churn-2.0")
            refused(NotFound, lambda: w.cluster_policies.get("none"))
            """)

    def test_files(self):
        self.sdk("""
            path = "/Volumes/main/ml/libs/new/churn-1.4.0-py3-none-any.whl"
            refused(NotFound, lambda: w.files.upload(path, io.BytesIO(b"wheel")))
            w.files.create_directory("/Volumes/main/ml/libs/new")
            w.files.upload(path, io.BytesIO(b"wheel"))
            refused(AlreadyExists, lambda: w.files.upload(path, io.BytesIO(b"other"), overwrite=False))
            assert w.files.download(path).contents.read() == b"wheel"
            assert w.files.get_metadata(path).content_length == 5
            assert [e.name for e in w.files.list_directory_contents("/Volumes/main/ml/libs/new")] == [path.rsplit("/")[-1]]
            w.files.delete(path)
            refused(NotFound, lambda: w.files.get_metadata(path))
            """)

    def test_workspace_files_and_dbfs(self):
        self.sdk("""
            w.workspace.mkdirs("/Shared/libs")
            w.workspace.import_("/Shared/libs/a.whl", content=base64.b64encode(b"wheel").decode(),
                                format=workspace.ImportFormat.AUTO)
            refused(ResourceAlreadyExists, lambda: w.workspace.import_(
                "/Shared/libs/a.whl", content="", format=workspace.ImportFormat.AUTO))
            w.workspace.upload("/Shared/libs/b.whl", io.BytesIO(b"\\x00\\r\\nbin"), format=workspace.ImportFormat.AUTO)
            assert w.workspace.download("/Shared/libs/b.whl").read() == b"\\x00\\r\\nbin"
            assert w.workspace.get_status("/Shared/libs/a.whl").size == 5
            assert base64.b64decode(w.workspace.export("/Shared/libs/a.whl").content) == b"wheel"
            refused(NotFound, lambda: w.workspace.get_status("/Shared/libs/c.whl"))
            big = bytes(range(256)) * 10000
            w.dbfs.upload("/FileStore/jars/a.jar", io.BytesIO(big))
            assert w.dbfs.get_status("/FileStore/jars/a.jar").file_size == len(big)
            assert w.dbfs.download("/FileStore/jars/a.jar").read() == big
            w.dbfs.delete("/FileStore/jars", recursive=True)
            refused(NotFound, lambda: w.dbfs.get_status("/FileStore/jars/a.jar"))
            """)
        self.assertEqual(self.workspace.file("/Workspace/Shared/libs/b.whl"), b"\x00\r\nbin")

    def test_permissions(self):
        self.workspace.put("jobs/1", {"settings": {"name": "a"}})
        self.workspace.put("jobs/2", {"settings": {"name": "b"}})
        self.workspace.control("POST", "tokens", {"token": "limited", "user": "u@example.invalid", "others": "NONE",
                                                  "levels": {"jobs/1": "CAN_VIEW"}})
        self.sdk("""
            assert [j.job_id for j in w.jobs.list()] == [1]
            refused(PermissionDenied, lambda: w.jobs.get(2))
            refused(PermissionDenied, lambda: w.jobs.update(1, new_settings=jobs.JobSettings(name="c")))
            acl = w.permissions.get("jobs", "1").access_control_list
            assert acl[0].all_permissions[0].permission_level.value == "CAN_VIEW", acl
            """, DATABRICKS_TOKEN="limited")
        self.assertEqual(self.workspace.document("jobs/1")["name"], "a")

    def test_a_service_principal_renews_its_token(self):
        self.workspace.control("POST", "clients", {"id": "robot", "secret": "s3cret"})
        self.workspace.switch(token_seconds=1)
        self.sdk("""
            for _ in range(2):
                assert w.current_user.me().user_name == "robot"
            """, DATABRICKS_TOKEN=None, DATABRICKS_CLIENT_ID="robot", DATABRICKS_CLIENT_SECRET="s3cret")
        self.assertEqual(self.workspace.counts()["endpoints"]["POST /oidc/v1/token"], 2)

    def test_it_waits_and_tries_again_where_the_workspace_says_so(self):
        self.workspace.put("jobs/1", {"settings": {"name": "a"}})
        self.workspace.fault(path="/api/2.2/jobs/list", status=429, retry_after=1, code="REQUEST_LIMIT_EXCEEDED")
        self.sdk("assert [j.job_id for j in w.jobs.list()] == [1]")
        self.assertEqual(self.workspace.counts()["endpoints"]["GET /api/2.2/jobs/list"], 2)

    def test_every_form_of_refusal_is_one_the_sdk_reads(self):
        for form in ("json", "legacy", "scim", "text", "html"):
            self.workspace.switch(error_form=form)
            said = self.sdk("print(refused(DatabricksError, lambda: w.jobs.get(5)))")
            self.assertIn("Job 5 does not exist.", said, form)
        self.workspace.switch(error_form="json-number")
        self.sdk("refused(BadRequest, lambda: w.jobs.get(5))")


if __name__ == "__main__":
    e2e.main()
