"""CI on machines that live for one job: two agents with nothing in common but git, the registry and the jobs' files. The
first is killed in the middle of a rollout, its ledger is gone with it; the second finishes the work from what it sees."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import kill

FILES, JOBS = 3, 2


class Agent:
    """A machine of its own: an empty HOME, its own XDG folders, its own clone of the project."""

    def __init__(self, box, name):
        self.box, self.home = box, box.folder(f"{name}/home")
        self.clone = box.root / name / f"workspace-{name}"
        self.variables = {"HOME": str(self.home), "XDG_CONFIG_HOME": f"{self.home}/config", "MLSHIP_YES": "1",
                          "XDG_DATA_HOME": f"{self.home}/data", "XDG_CACHE_HOME": f"{self.home}/cache",
                          "TMPDIR": str(box.folder(f"{name}/tmp"))}
        box.run(["git", "clone", "-q", box.root / "project", self.clone], env=self.variables)

    def mlship(self, *args, exit=0):
        return self.box.mlship(*args, cwd=self.clone, env=self.variables, exit=exit)

    def json(self, *args):
        return self.mlship(*args, "--json").json()

    def points(self, *args):
        with self.as_box():
            return kill.points(self.box, [e2e.mlship_binary(), *args], self.clone)

    def killed(self, point, *args):
        with self.as_box():
            return kill.run_killed(self.box, [e2e.mlship_binary(), *args], self.clone, point)

    def as_box(self):
        agent = self

        class Surroundings:
            def __enter__(self):
                self.before, agent.box.variables = agent.box.variables, agent.variables

            def __exit__(self, *_):
                agent.box.variables = self.before
        return Surroundings()

    def gone(self):
        """The machine is thrown away, and its ledger with it."""
        e2e.remove_tree(self.clone.parent)


class Ephemeral(unittest.TestCase):
    def setUp(self):
        e2e.require_program("strace")
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        root = self.box.root
        project = e2e.make_project(self.box, extra=e2e.TEAM.format(root=root))
        self.box.folder("opt/churn/1.3.0/bin")
        self.old = [f"{job} {number} * * * root {root}/opt/churn/1.3.0/bin/score # {number}.{job}\n"
                    for number in range(FILES) for job in range(JOBS)]
        self.reset()
        builder = Agent(self.box, "builder")
        builder.mlship("build")
        builder.mlship("publish")
        self.published = builder.json("list")["packages"][0]["versions"]
        builder.gone()
        self.assertTrue(project.exists())

    def reset(self):
        """The jobs' files and installed trees as before any rollout."""
        root = self.box.root
        e2e.remove_tree(root / "cron.d")
        for number in range(FILES):
            text = "".join(self.old[number * JOBS:(number + 1) * JOBS])
            e2e.write_file(root / f"cron.d/jobs{number}", text, 0o640)
        e2e.remove_tree(root / "opt/churn")
        self.box.folder("opt/churn/1.3.0/bin")

    def crontabs(self):
        return "".join(p.read_text() for p in sorted((self.box.root / "cron.d").glob("jobs*")))

    def dotted(self):
        places = (self.box.root / "cron.d", self.box.root / "opt/churn")
        return [str(p) for place in places if place.exists() for p in place.iterdir() if p.name.startswith(".")]

    def interesting(self):
        """Points spread over the whole run, and every one beside an exchange of a file with its new content."""
        first = Agent(self.box, "counter")
        points = first.points("rollout")
        first.gone()
        self.assertIn("1.4.0/bin", self.crontabs())
        self.reset()
        exchanges = [i for i, (call, _) in enumerate(points) if call == "renameat2"]
        self.assertGreaterEqual(len(exchanges), FILES)
        by_call = [p for p in points if p[0] in ("renameat2", "unlink")]
        return sorted(set(points[:: max(1, len(points) // 12)] + by_call))

    def test_the_second_agent_finishes_what_the_first_was_killed_in(self):
        half_done = leftovers = 0
        for point in self.interesting():
            with self.subTest(point=point):
                self.reset()
                first = Agent(self.box, "first")
                self.assertTrue(first.killed(point, "rollout"), "not killed")
                first.gone()
                done = self.crontabs().count("churn/1.4.0/bin")
                half_done += 0 < done < FILES * JOBS
                leftovers += bool([p for p in self.dotted() if "cron.d" in p])
                self.second(done)
        # The runs above were cut where it matters.
        self.assertGreater(half_done, 0)
        self.assertGreater(leftovers, 0)

    def second(self, done):
        """A fresh agent: plan shows what is left, rollout does it, history knows its own part."""
        agent = Agent(self.box, "second")
        try:
            left = FILES * JOBS - done
            plan = agent.json("plan")
            self.assertEqual(len(plan["changes"]), left, plan)
            same = [row for row in plan["skipped"] if row["reason"] == "same-version"]
            self.assertEqual(len(same), done, plan)
            report = agent.json("rollout")
            self.assertEqual([row["outcome"] for row in report["results"]], ["updated"] * left, report)
            self.assertNotIn("1.3.0/bin", self.crontabs())
            self.assertEqual(self.crontabs(), "".join(self.old).replace("1.3.0/bin", "1.4.0/bin"))
            self.assertEqual(self.dotted(), [], report)
            entries = agent.json("history")["entries"]
            self.assertEqual(len(entries), 1 if left else 0, entries)
            if left:
                self.assertEqual(entries[0]["counts"].get("updated"), left, entries)
                stand = [row for row in agent.json("show", entries[0]["id"])["skipped"] if row["reason"] == "same-version"]
                self.assertEqual(len(stand), done)
            self.assertEqual(agent.mlship("plan", "--detailed-exitcode").exit, 0)
            references = [ref for row in agent.json("status")["objects"] for ref in row["references"]]
            self.assertEqual([ref["version"] for ref in references], ["1.4.0"] * (FILES * JOBS))
            # Which version was last shipped is in a ledger: this agent's own, once it has done something.
            self.assertEqual({ref["current"] for ref in references}, {True if left else None})
        finally:
            agent.gone()

    def test_what_was_left_is_named_and_a_live_swap_is_not_touched(self):
        agent = Agent(self.box, "agent")
        root = self.box.root
        part = e2e.write_file(root / "cron.d/.jobs0.mlship-20260101T000000Z-aaaa.op-0001-part", "half a fi")
        stranger = e2e.write_file(root / "cron.d/.jobs0.swp", "an editor's")
        result = agent.mlship("rollout")
        self.assertFalse(part.exists())
        self.assertIn(f"removed {part}, left by a run that was killed", result.err)
        self.assertTrue(stranger.exists())
        # flock(1) stands for a run that is swapping a file at this moment.
        e2e.write_file(part, "half a fi")
        holder = subprocess.Popen(["flock", "-s", str(part), "sh", "-c", "echo held; read _"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.stdout.close)
        self.assertEqual(holder.stdout.readline(), b"held\n")
        agent.mlship("rollout")
        self.assertTrue(part.exists())
        holder.communicate(b"\n")
        agent.mlship("rollout")
        self.assertFalse(part.exists())

    def test_an_edit_that_a_killed_run_displaced_comes_back(self):
        root = self.box.root
        first = Agent(self.box, "first")
        points = first.points("rollout")
        self.reset()
        first.gone()
        # Killed right after an exchange, with the old text displaced; then somebody's edit stands in for it. The last
        # exchanges are those of crontabs, the first one gives an installed tree its name.
        after = [points[i + step] for i in range(len(points) - 1, 0, -1) if points[i][0] == "renameat2"
                 for step in (1, 2, 3) if i + step < len(points)]
        for point in after:
            self.reset()
            first = Agent(self.box, "first")
            self.assertTrue(first.killed(point, "rollout"))
            first.gone()
            displaced = [p for p in (root / "cron.d").iterdir() if p.name.startswith(".")]
            if displaced and "1.3.0/bin" in displaced[0].read_text() and "1.4.0/bin" in self.crontabs():
                break
        else:
            self.fail(f"no run was killed with the old text displaced: {after}")
        edited = displaced[0].read_text() + "# somebody's note\n"
        displaced[0].write_text(edited)
        agent = Agent(self.box, "second")
        result = agent.mlship("rollout", exit=None)
        self.assertIn("somebody else had written", result.err)
        agent.mlship("rollout")
        self.assertIn("# somebody's note\n", self.crontabs())
        self.assertNotIn("1.3.0/bin", self.crontabs())
        self.assertEqual(self.dotted(), [])

    def test_agents_publish_the_same_bytes(self):
        agent = Agent(self.box, "another")
        agent.mlship("build")
        again = agent.json("publish")
        self.assertEqual(again["status"], "unchanged")
        self.assertEqual(again["uploaded"]["bytes"], 0)
        self.assertEqual(agent.json("list")["packages"][0]["versions"], self.published)


if __name__ == "__main__":
    e2e.main()
