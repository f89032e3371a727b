"""stork and apparate, the tool that mlship replaces, against the test workspace: what it costs and what it does wrong.
Their commands are the documented ones: `stork upload`, `stork upload-and-update`, `stork create-cluster`."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import databricks
import e2e

FOLDER = "/Shared/libs"
CONFIG = "[DEFAULT]\nhost = {host}\ntoken = {token}\nprod_folder = {folder}\n"


class Stork(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = databricks.foreign_python()

    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.workspace = databricks.Workspace(self.box)
        self.addCleanup(self.workspace.stop)
        e2e.write_file(self.box.home / ".storkcfg",
                       CONFIG.format(host=self.workspace.url, token=databricks.TOKEN, folder=FOLDER))

    def stork(self, command, version, exit=0):
        egg = e2e.write_file(self.box.root / f"churn-{version}-py3.10.egg", f"egg {version}")
        return self.box.run([self.python.parent / "stork", command, "--path", egg], exit=exit)

    def uploaded(self, version):
        """Uploads one version by stork; the path that jobs name it by."""
        before = self.files()
        self.stork("upload", version)
        (new,) = self.files() - before
        return new

    def files(self):
        return {name.removeprefix("files/") for name in self.workspace.state() if name.startswith("files/")}

    def job(self, number, egg, single=True, tasks=1):
        task = {"notebook_task": {"notebook_path": "/Workspace/Shared/n"}, "libraries": [{"egg": egg}]}
        self.workspace.put(f"jobs/{number}", {"settings": {
            "name": f"job {number}", "format": "SINGLE_TASK" if single else "MULTI_TASK",
            "tasks": [{"task_key": f"t{i}", **task} for i in range(tasks)]}})

    def egg_of(self, number):
        return self.workspace.document(f"jobs/{number}")["tasks"][0]["libraries"][0]["egg"]

    def test_a_minor_version_is_updated_with_two_requests_a_job_and_one_connection_for_each(self):
        old = self.uploaded("1.0.9")
        for number in range(1, 11):
            self.job(number, old)
        self.workspace.reset()
        self.stork("upload-and-update", "1.1.0")
        self.assertEqual({self.egg_of(n) for n in range(1, 11)}, self.files())
        self.assertNotIn(old, self.files())
        counts = self.workspace.counts()
        # Upload, one list of libraries and a status for each, one list of jobs, read and reset of each, one deletion.
        self.assertEqual(counts["requests"], 1 + 1 + 2 + 1 + 2 * 10 + 1)
        self.assertEqual(counts["connections"], counts["requests"])
        self.assertEqual(counts["endpoints"]["POST /api/*/jobs/reset"], 10)

    def test_ten_is_older_than_nine(self):
        old = self.uploaded("1.0.9")
        self.job(1, old)
        self.stork("upload-and-update", "1.0.10")
        self.assertEqual(self.egg_of(1), old)

    def test_and_what_it_takes_for_older_is_deleted(self):
        ten = self.uploaded("1.0.10")
        self.job(1, ten)
        self.stork("upload-and-update", "1.0.9")
        self.assertNotEqual(self.egg_of(1), ten)  # a downgrade
        self.assertNotIn(ten, self.files())

    def test_jobs_of_several_tasks_are_left_and_their_file_is_deleted(self):
        old = self.uploaded("1.0.9")
        self.job(1, old, single=False, tasks=2)
        self.stork("upload-and-update", "1.1.0")
        self.assertEqual(self.egg_of(1), old)
        self.assertNotIn(old, self.files())

    def test_an_edit_between_its_read_and_its_reset_is_lost(self):
        self.job(1, self.uploaded("1.0.9"))
        self.workspace.writer(probability=1, kinds=["schedule"], most=1, before="/api/2.0/jobs/reset")
        self.stork("upload-and-update", "1.1.0")
        lost = self.workspace.edits()["lost"]
        self.assertEqual([edit["kind"] for edit in lost], ["schedule"])

    def test_a_second_run_after_a_failure_updates_nothing(self):
        old = self.uploaded("1.0.9")
        for number in (1, 2):
            self.job(number, old)
        self.workspace.fault(path="/api/2.0/jobs/reset", skip=1, status=503)
        self.stork("upload-and-update", "1.1.0", exit=1)
        self.assertEqual(len({self.egg_of(1), self.egg_of(2)}), 2)
        self.stork("upload-and-update", "1.1.0")
        self.assertEqual(len({self.egg_of(1), self.egg_of(2)}), 2)


if __name__ == "__main__":
    e2e.main()
