"""The pipelines that `mlship init --template` writes: their shell lines run, in order, as the CI system would run them,
on a real project with a registry in a folder and jobs in a crontab."""

import http.server
import json
import os
import re
import shutil
import sys
import threading
import unittest

import yaml

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

WORLD = e2e.TEAM + 'ledger = "{root}/ledger"\n'
STEPS = ["mlship build", "mlship verify", "mlship publish", "mlship plan --jobs", "mlship rollout --jobs"]
HINT = re.compile(r"`(mlship [^`]*)`")


class Pipeline:
    """What a CI system runs of its file: `steps` in order, `always` after the rollout however it ended, `failure` after a
    failed one; `shell` before each."""

    def __init__(self, place, shell, steps, failure, variables, always=()):
        self.place, self.shell, self.steps, self.failure, self.variables = place, shell, steps, failure, variables
        self.always = list(always)


def jenkins(text):
    always = re.findall(r"always \{\s*sh '''(.*?)'''", text, re.S)
    text = re.sub(r"\bsh '''.*?'''", "", text, flags=re.S)
    lines = re.findall(r"^.*?\b(sh|echo) '([^']*)'", text, re.M)
    assert len(re.findall(r"\b(?:sh|echo)\b ['\"(]", text)) == len(lines), "a step that this test does not read"
    failure = text.index("failure {")
    shells = [(m.start(), m[1]) for m in re.finditer(r"\bsh '([^']*)'", text)]
    hints = ["echo '" + m[1] + "'" for m in re.finditer(r"\becho '([^']*)'", text)]
    variables = dict(re.findall(r"^ +(\w+) = '([^']*)'", text, re.M))
    return Pipeline("Jenkinsfile", ["sh", "-xe"], [line for at, line in shells if at < failure],
                    hints + [line for at, line in shells if at > failure], variables, always)


def github(text):
    job = yaml.safe_load(text)["jobs"]["ship"]
    runs = [step for step in job["steps"] if "run" in step]
    failing = [step["run"] for step in runs if "failure()" in step.get("if", "")]
    return Pipeline(".github/workflows/mlship.yml", ["bash", "-e"], [s["run"] for s in runs if s["run"] not in failing],
                    failing, job["env"])


def gitlab(text):
    document = yaml.safe_load(text)
    jobs = sorted((job for job in document.values() if isinstance(job, dict) and "script" in job),
                  key=lambda job: document["stages"].index(job["stage"]))
    failing = [line for job in jobs for line in job.get("after_script", [])]
    return Pipeline(".gitlab-ci.yml", ["bash", "-eo", "pipefail"], [line for job in jobs for line in job["script"]],
                    failing, document["variables"])


READERS = {"jenkins": jenkins, "github": github, "gitlab": gitlab}


class Chat:
    """An incoming webhook on loopback: `posted` has the documents it was sent."""

    def __enter__(self):
        posted = self.posted = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Templates(unittest.TestCase):
    def world(self, name):
        """A project with the template written into it, 1.4.0 committed and tagged, a job on 1.3.0."""
        box = e2e.Sandbox()
        self.addCleanup(box.close)
        project = e2e.make_project(box, extra=WORLD.format(root=box.root))
        box.mlship("init", "--template", name, cwd=project)
        e2e.commit(box, project, "pipeline")
        box.git(project, "tag", "v1.4.0")
        box.folder("opt/churn/1.3.0/bin")
        crontab = e2e.write_file(box.root / "cron.d/churn", f"5 2 * * * root {box.root}/opt/churn/1.3.0/bin/score\n")
        return box, project, crontab

    def pipeline(self, name, project):
        found = {path: READERS[name] for path in
                 ("Jenkinsfile", ".github/workflows/mlship.yml", ".gitlab-ci.yml") if (project / path).exists()}
        self.assertEqual(len(found), 1, found)
        text = (project / next(iter(found))).read_text()
        pipeline = READERS[name](text)
        self.assertEqual(pipeline.place, next(iter(found)))
        return pipeline

    def execute(self, box, project, pipeline, lines, exit=0, **variables):
        """Runs the lines until one fails, as CI does; returns the last Result."""
        for line in lines:
            result = box.run([*pipeline.shell, "-c", line], cwd=project, exit=None,
                             env={**pipeline.variables, **variables})
            if result.exit != 0:
                break
        self.assertEqual(result.exit, exit, result)
        return result

    def test_every_template_has_its_stages_in_order(self):
        for name in READERS:
            with self.subTest(name):
                _, project, _ = self.world(name)
                steps = [step for step in self.pipeline(name, project).steps]
                first = [min(i for i, step in enumerate(steps) if step.startswith(wanted)) for wanted in STEPS]
                self.assertEqual(first, sorted(first), steps)
                self.assertTrue(any("--detailed-exitcode" in step for step in steps))

    def test_a_run_ships_and_a_second_one_has_nothing_to_do(self):
        for name in READERS:
            with self.subTest(name):
                box, project, crontab = self.world(name)
                pipeline = self.pipeline(name, project)
                self.assertEqual(pipeline.variables["MLSHIP_YES"], "1")
                self.execute(box, project, pipeline, pipeline.steps)
                self.assertIn("/churn/1.4.0/bin/score", crontab.read_text())
                text = crontab.read_text()
                ids = [e["id"] for e in box.mlship_json("history", cwd=project)["entries"]]
                self.execute(box, project, pipeline, pipeline.steps)
                self.assertEqual(crontab.read_text(), text)
                self.assertEqual([e["id"] for e in box.mlship_json("history", cwd=project)["entries"]], ids)

    def test_a_failure_stops_it_and_says_how_to_go_on(self):
        for name in READERS:
            with self.subTest(name):
                box, project, crontab = self.world(name)
                pipeline = self.pipeline(name, project)
                # A job that names a wheel which is nowhere: exit 8 once the other one has moved.
                box.folder("libs")
                crontab.write_text(crontab.read_text() + f"6 2 * * * root run {box.root}/libs/churn-1.3.0-py3-none-any.whl\n")
                result = self.execute(box, project, pipeline, pipeline.steps, exit=8)
                self.assertIn("rollout", result.argv[-1])
                self.assertIn("/churn/1.4.0/bin/score", crontab.read_text())
                said = ""
                for line in pipeline.failure:
                    said += self.execute(box, project, pipeline, [line], CI_JOB_STATUS="failed").out
                hints = HINT.findall(said)
                self.assertEqual(len(hints), 3, said)
                self.assertIn("1.4.0", said)  # mlship status
                box.mlship("tag", "churn:1.4.0", "good", cwd=project)
                # It had ended: nothing to resume. The undoing holds 1.4.0, so going down to it is refused.
                for hint, code in zip(hints, (5, 0, 6), strict=True):
                    words = hint.replace("TAG", "good").split()
                    box.mlship(*words[1:], cwd=project, env=pipeline.variables, exit=code)
                self.assertIn("/churn/1.3.0/bin/score", crontab.read_text())

    def test_the_updated_jobs_are_told_to_a_chat_when_one_is_set(self):
        for program in ("jq", "curl"):
            e2e.require_program(program)
        box, project, crontab = self.world("jenkins")
        pipeline = self.pipeline("jenkins", project)
        self.assertEqual(len(pipeline.always), 1)
        # One job moves, one cannot: the notice is of the one that did.
        box.folder("libs")
        crontab.write_text(crontab.read_text() + f"6 2 * * * root run {box.root}/libs/churn-1.3.0-py3-none-any.whl\n")
        self.execute(box, project, pipeline, pipeline.steps, exit=8)
        self.execute(box, project, pipeline, pipeline.always)
        with Chat() as chat:
            where = {"SLACK_WEBHOOK": chat.url, "TAG_NAME": "v1.4.0"}
            said = self.execute(box, project, pipeline, pipeline.always, **where)
            self.assertEqual(chat.posted, [{"text": f"v1.4.0 updated: edge {crontab}:1"}])
            self.assertNotIn(chat.url, said.err)  # it is a secret
            # Nothing was updated, or the rollout did not even begin: nothing to tell.
            self.execute(box, project, pipeline, pipeline.steps, exit=8)
            self.execute(box, project, pipeline, pipeline.always, **where)
            self.execute(box, project, pipeline, [pipeline.steps[-1].replace("plan.json", "absent.json")], exit=5)
            self.execute(box, project, pipeline, pipeline.always, **where)
            self.assertEqual(len(chat.posted), 1)

    def test_a_plan_that_fails_stops_it(self):
        for name in READERS:
            with self.subTest(name):
                box, project, crontab = self.world(name)
                pipeline = self.pipeline(name, project)
                shutil.rmtree(box.root / "cron.d")
                e2e.write_file(box.root / "cron.d", "no folder")
                before = [step for step in pipeline.steps if "plan --jobs --out" not in step][:-1]
                self.execute(box, project, pipeline, before)
                shutil.rmtree(box.root / "registry")
                plan = next(step for step in pipeline.steps if "--detailed-exitcode" in step)
                result = box.run([*pipeline.shell, "-c", plan], cwd=project, exit=None, env=pipeline.variables)
                self.assertNotEqual(result.exit, 0, result)

    def test_the_example_has_the_jenkins_template(self):
        source = e2e.source_folder()
        self.assertEqual((source / "examples/churn/Jenkinsfile").read_bytes(),
                         (source / "templates/Jenkinsfile").read_bytes())


if __name__ == "__main__":
    e2e.main()
