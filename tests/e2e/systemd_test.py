"""systemd units through the command line: timers and what they start are jobs, edits wait for a daemon-reload until the
manager says that it has read the file, what systemd-analyze refuses is not written, and the way back is exact.

systemd itself is never started: where the manager is asked, a script answers as it would.
"""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

CONFIGURATION = """
[targets.units]
kind = "systemd"
files = ["{root}/etc/systemd/system/*", "{root}/etc/systemd/system/*.d/*.conf", "{root}/etc/containers/systemd/*",
         "{root}/etc/default/*"]
install-root = "{root}/opt"
trust-pins = true

[objects."api.*"]
owner = "team-web"
"""

UNITS = {
    "systemd/system/nightly.timer": "[Timer]\nOnCalendar=*-*-* 02:00:00\nPersistent=true\n",
    "systemd/system/nightly.service":
        "\ufeff[Unit]\r\nDescription=Nachtl\u00e4ufe\r\n# was {opt}/churn/1.1.0\r\n[Service]\r\nType=oneshot\r\n"
        "EnvironmentFile=-{etc}/default/nightly\r\n"
        "ExecStart={opt}/churn/1.3.0/bin/score --day %i \\\r\n# --pin churn==1.0.0 \\\r\n  --pin 'churn==1.3.0'\r\n",
    "systemd/system/each@.service": "[Service]\nExecStart=-{opt}/churn/1.3.0/bin/score %i\n",
    "systemd/system/fridays.timer": "[Timer]\nOnCalendar=Fri\nUnit=each@fri.service\n",
    "systemd/system/api.service": "[Service]\nExecStart={opt}/churn/1.2.0/bin/score\nWorkingDirectory={opt}/churn/1.2.0\n",
    "systemd/system/api.service.d/10-pin.conf": "[Service]\nEnvironment=\"PIN=churn==1.2.0\" B=1\n",
    "systemd/system/notes.txt": "{opt}/churn/1.2.0\n",
    "containers/systemd/batch.container":
        "[Container]\nImage=host/other:1\nVolume={opt}/churn/1.3.0:/app:ro\nExec=/app/bin/score\n",
    "systemd/system/batch.timer": "[Timer]\nOnBootSec=5min\n",
    "default/nightly": "; churn==1.0.0\nPIN=churn==1.3.0\nOTHER=\"a\\\n b\"\n",
}
JOBS = ["batch.container", "each@.service", "nightly", "nightly.service"]
SERVICES = ["10-pin.conf", "api.service"]

# Answers like `systemctl show` of a manager that has read every file it was told to; $STATE holds what it says of reloads.
SYSTEMCTL = """#!/bin/sh
printf 'NeedDaemonReload=%s\\n' "$(cat "{state}")"
printf 'FragmentPath={etc}/systemd/system/%s\\n' "$(for last; do :; done; echo "$last")"
"""


class Units(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.etc, self.opt = self.box.folder("etc"), self.box.folder("opt")
        self.project = e2e.make_project(self.box, version="1.4.0", extra=CONFIGURATION.format(root=self.box.root))
        for name, text in UNITS.items():
            e2e.write_file(self.etc / name, text.format(etc=self.etc, opt=self.opt), 0o640)
        for version in ("1.2.0", "1.3.0"):
            e2e.write_file(self.opt / f"churn/{version}/bin/score", "#!/bin/sh\n", 0o755)
        self.box.mlship("build", cwd=self.project)
        self.box.mlship("publish", cwd=self.project)

    def json(self, *args, **how):
        return self.box.mlship_json(*args, cwd=self.project, **how)

    def text(self, name):
        return (self.etc / name).read_bytes()

    def expected(self, name, pattern=r"(churn(?:/|==))1\.[23]\.0"):
        """The unit with every reference at 1.4.0 but those of comments, which all say 1.0.0 or 1.1.0."""
        text = UNITS[name].format(etc=self.etc, opt=self.opt)
        return re.sub(pattern, r"\g<1>1.4.0", text).encode()

    def test_scan_plan_rollout_status_rollback(self):
        before = e2e.snapshot(self.etc)
        found = self.json("scan")["packages"]
        self.assertEqual([(p["name"], sorted((v["version"], v["count"]) for v in p["versions"])) for p in found
                          if p["name"] == "churn"], [("churn", [("1.2.0", 3), ("1.3.0", 5)])])
        jobs = self.json("plan", "--jobs")
        self.assertEqual(sorted({c["object"]["name"] for c in jobs["changes"]}), JOBS)
        self.assertEqual({c["object"]["name"]: c["object"]["schedule"] for c in jobs["changes"]},
                         {"batch.container": "OnBootSec=5min", "each@.service": "Fri", "nightly": "*-*-* 02:00:00",
                          "nightly.service": "*-*-* 02:00:00"})
        services = self.json("plan", "--services")
        self.assertEqual(sorted({c["object"]["name"] for c in services["changes"]}), SERVICES)
        self.assertEqual({c["object"]["owner"] for c in services["changes"] if c["object"]["name"] == "api.service"},
                         {"team-web"})
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.etc)), [])

        result = self.json("rollout", "--jobs", "--yes")
        self.assertEqual({r["outcome"] for r in result["results"]}, {"updated"})
        details = {r["object"]["id"]: r["detail"] for r in result["results"]}
        for name, detail in details.items():
            self.assertEqual(detail, "" if name.endswith("default/nightly") else "pending: daemon-reload", name)
        for name in UNITS:
            moves = os.path.basename(name) in JOBS
            self.assertEqual(self.text(name), self.expected(name) if moves else
                             UNITS[name].format(etc=self.etc, opt=self.opt).encode(), name)

        pending = {o["object"]["name"]: o["pending"] for o in self.json("status", "churn")["objects"]}
        self.assertEqual(pending, {**{name: "daemon-reload" for name in JOBS}, "nightly": "", "10-pin.conf": "",
                                   "api.service": ""})
        self.assertIn("current, pending: daemon-reload", self.box.mlship("status", cwd=self.project).out)

        back = self.json("rollback", "--yes")
        self.assertEqual({r["outcome"] for r in back["results"]}, {"updated"})
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.etc)), [])
        status = {o["object"]["name"]: o["pending"] for o in self.json("status", "churn")["objects"]}
        self.assertEqual(status["nightly.service"], "daemon-reload", "what was put back has to be read too")

    def test_pending_ends_when_the_manager_has_read_the_file(self):
        state = e2e.write_file(self.box.root / "state", "yes")
        script = SYSTEMCTL.format(state=state, etc=self.etc)
        e2e.write_file(self.box.folder("bin") / "systemctl", script, 0o755)
        self.box.variables["PATH"] = f"{self.box.root}/bin:{os.environ['PATH']}"
        self.json("rollout", "--yes", "--jobs=nightly.service")
        pending = lambda: {o["object"]["name"]: o["pending"] for o in self.json("status", "churn")["objects"]}
        self.assertEqual(pending()["nightly.service"], "daemon-reload")
        state.write_text("no")
        self.assertEqual(pending()["nightly.service"], "")

    def test_what_systemd_analyze_refuses_is_not_written(self):
        e2e.require_program("systemd-analyze")
        # The old tree has a program that the new one does not have.
        e2e.write_file(self.opt / "churn/1.3.0/bin/extra", "#!/bin/sh\n", 0o755)
        unit = e2e.write_file(self.etc / "systemd/system/extra.service",
                              f"[Service]\nExecStart={self.opt}/churn/1.3.0/bin/extra\n")
        e2e.write_file(self.etc / "systemd/system/extra.timer", "[Timer]\nOnCalendar=daily\n")
        before = unit.read_bytes()
        result = self.json("rollout", "--jobs", "--yes", exit=8)
        rows = {r["object"]["id"]: r for r in result["results"]}
        self.assertEqual(rows[str(unit)]["outcome"], "refused")
        self.assertRegex(rows[str(unit)]["detail"], r"^systemd-analyze verify: extra.service: .*1\.4\.0/bin/extra")
        self.assertEqual(unit.read_bytes(), before)
        self.assertEqual({r["outcome"] for o, r in rows.items() if o != str(unit)}, {"updated"})
        self.box.mlship("status", cwd=self.project)

    def test_a_foreign_edit_is_a_conflict_and_the_way_back_leaves_it(self):
        unit = self.etc / "systemd/system/nightly.service"
        plan = self.box.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        edited = unit.read_bytes().replace(b"--pin 'churn==1.3.0'", b"--pin 'churn==1.1.0'")
        unit.write_bytes(edited)
        result = self.json("rollout", "--plan", plan, "--yes", exit=8)
        self.assertEqual(unit.read_bytes(), edited, "all changes of an object are written, or none")
        conflicts = [s["object"]["id"] for s in result["skipped"] if s["reason"] == "conflict"]
        conflicts += [r["object"]["id"] for r in result["results"] if r["outcome"] == "conflict"]
        self.assertEqual(set(conflicts), {str(unit)})
        # Between rollout and rollback somebody moves one unit on and edits another beside its reference.
        each, batch = self.etc / "systemd/system/each@.service", self.etc / "containers/systemd/batch.container"
        each.write_bytes(each.read_bytes().replace(b"1.4.0", b"1.5.0"))
        batch.write_bytes(b"# by hand\n" + batch.read_bytes())
        kept = each.read_bytes()
        self.json("rollback", "--yes", exit=8)
        self.assertEqual(each.read_bytes(), kept)
        name = "containers/systemd/batch.container"
        self.assertEqual(batch.read_bytes(), b"# by hand\n" + UNITS[name].format(etc=self.etc, opt=self.opt).encode())

    def test_an_unreadable_unit_is_said_and_the_others_move(self):
        unit = self.etc / "systemd/system/api.service"
        e2e.write_file(unit, b"[Service]\n\0\nExecStart=" + str(self.opt).encode() + b"/churn/1.2.0/bin/score\n")
        before = unit.read_bytes()
        result = self.json("rollout", "--yes", exit=8)
        said = {s["object"]["id"]: s["reason"] for s in result["skipped"] if s["object"]["id"] == str(unit)}
        self.assertEqual(said, {str(unit): "unresolvable"})
        self.assertEqual(unit.read_bytes(), before)
        self.assertEqual(self.text("systemd/system/nightly.service"), self.expected("systemd/system/nightly.service"))

    def test_a_masked_unit_and_an_alias_are_followed_as_systemd_does(self):
        system = self.etc / "systemd/system"
        (system / "masked.service").symlink_to("/dev/null")
        (system / "alias.service").symlink_to("each@.service")
        result = self.json("rollout", "--yes")
        self.assertEqual({r["outcome"] for r in result["results"]}, {"updated"})
        self.assertTrue((system / "alias.service").is_symlink())
        self.assertEqual(self.text("systemd/system/each@.service"), self.expected("systemd/system/each@.service"))

    def test_edited_units_verify(self):
        e2e.require_program("systemd-analyze")
        self.json("rollout", "--yes")
        for name in ("nightly.service", "each@.service", "api.service"):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", self.etc / "systemd/system" / name],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")


if __name__ == "__main__":
    e2e.main()
