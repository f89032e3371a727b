"""Kill -9 at every write, fsync, rename, link and unlink of a rollout over 12 objects in 4 files, and of a publish.

After each kill the disk is looked at as it is, then two ways are tried from the same state: `rollout --resume` must
bring every object to the new version, `rollback` every one back, byte for byte.

Here files are moved, which no service delays or refuses to show, by one runner of one package: late_push_test has the
pushes that come late, tests/unit/deployers/model_test.cpp and databricks_crash_test.cpp have slow 429s, objects that
cannot be read, and runners of other packages and environments.
"""

import os
import pathlib
import shutil
import sys
import unittest
from concurrent import futures

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import git_server
import kill

TARGET = """
[targets.edge]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"
"""


ENVIRONMENT = """
[environments.prod]
targets = ["edge"]
ledger = "git+{url}"
"""
# Of the points of a rollout over a git ledger, which waits for the dead run's lease each time.
GIT_POINTS = 24


def crontab(root, number):
    lines = [f"# jobs of host {number}", "MAILTO=ops@example.com"]
    for job in range(3):
        lines.append(f"{job} {number} * * * root {root}/opt/churn/1.3.0/bin/score --job {number}.{job} # 1.3.0")
    return "\n".join(lines) + "\n"


class World:
    """A project with 1.3.0 and 1.4.0 published and 12 cron entries on 1.3.0 in 4 files; can be put back. git=True: its
    ledger is a repository behind a real server."""

    def __init__(self, git=False):
        self.box = e2e.Sandbox()
        root = self.box.root
        self.parts, self.server, extra = ["home", "cron.d", "opt"], None, TARGET.format(root=root)
        if git:
            self.server = git_server.GitServer(self.box)
            git_server.remember_password(self.box.home, self.server)
            self.box.variables["MLSHIP_LEASE_TTL"] = "1"
            self.parts.append(self.server.repository.relative_to(root))
            extra += ENVIRONMENT.format(url=self.server.url)
        self.project = e2e.make_project(self.box, version="1.3.0", extra=extra)
        for number in range(4):
            e2e.write_file(root / f"cron.d/jobs{number}", crontab(root, number), 0o640)
        self.box.mlship("build", cwd=self.project)
        self.box.mlship("publish", cwd=self.project)
        # The tree of 1.3.0 is installed by a first rollout from an older reference.
        first = root / "cron.d/jobs0"
        first.write_text(first.read_text().replace("opt/churn/1.3.0", "opt/churn/1.2.0"))
        self.box.mlship("rollout", "--yes", cwd=self.project)
        e2e.set_version(self.box, self.project, "1.4.0")
        self.box.mlship("build", cwd=self.project)
        self.before_publish = self.save("before-publish")
        self.box.mlship("publish", cwd=self.project)
        self.start = self.save("start")
        self.old = e2e.snapshot(root / "cron.d")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.stop()
        self.box.close()

    def save(self, name):
        """Keeps a copy of all state (registry, ledger, targets, installed trees) under a name."""
        saved = self.box.root / "saved" / name
        for part in self.parts:
            e2e.remove_tree(saved / part) if (saved / part).exists() else None
            shutil.copytree(self.box.root / part, saved / part, symlinks=True)
        return saved

    def restore(self, saved):
        for part in self.parts:
            e2e.remove_tree(self.box.root / part)
            shutil.copytree(saved / part, self.box.root / part, symlinks=True)

    def run(self, *args, exit=0):
        return self.box.mlship(*args, cwd=self.project, exit=exit)

    def entries(self):
        """The text of all crontabs, without temporary files that a kill left."""
        return {p.name: p.read_text() for p in sorted((self.box.root / "cron.d").iterdir()) if p.name[0] != "."}

    def strangers(self):
        return [p.name for p in (self.box.root / "cron.d").iterdir() if p.name.startswith(".")]


def each_point(points, check, git=False):
    """Runs check(world, point) over all points with two worlds in parallel; returns the list of failures."""
    share = [points[0::2], points[1::2]]

    def work(part):
        failures, world = [], World(git)
        with world:
            for point in part:
                try:
                    check(world, point)
                except AssertionError as error:
                    failures.append(f"{point}: {error}")
                    print(f"\nkilled at {point}: {error}", file=sys.stderr)
        return failures

    with futures.ThreadPoolExecutor(2) as pool:
        return [failure for part in pool.map(work, share) for failure in part]


class Crash(unittest.TestCase):
    def setUp(self):
        e2e.require_program("strace")

    def test_rollout(self):
        self.rollout(git=False)

    def test_rollout_over_a_git_ledger(self):
        self.rollout(git=True)

    def rollout(self, git):
        world = World(git)
        with world:
            points = kill.points(world.box, [e2e.mlship_binary(), "rollout", "--yes"], world.project)
            new = world.entries()
        self.assertEqual(sum(text.count("churn/1.4.0/bin") for text in new.values()), 12)
        print(f"\nrollout of 12 objects in 4 files: {len(points)} points", file=sys.stderr)
        self.assertGreater(len(points), 200)  # 259 where the ledger is a folder, 572 over git
        if git:
            points = points[::len(points) // GIT_POINTS]

        def check(world, point):
            world.restore(world.start)
            killed = kill.run_killed(world.box, [e2e.mlship_binary(), "rollout", "--yes"], world.project, point)
            # Over git the point may be in git's own helper, or in a renewal that comes when it comes.
            assert killed or git, "the program was not killed"
            for name, text in world.entries().items():
                # No half-written file is ever visible: each line is the old or the new one.
                for line, old, fresh in zip(text.splitlines(), world.old[name][4].decode().splitlines(),
                                            new_text(world, name).splitlines(), strict=True):
                    assert line in (old, fresh), f"{name}: {line}"
            crashed = world.save("crashed")
            # Where nothing was recorded yet there is nothing to resume: running it again is the same.
            resumed = world.run("rollout", "--resume", "--yes", exit=None)
            if resumed.exit != 0:
                assert "nothing to resume" in resumed.out + resumed.err, resumed
                world.run("rollout", "--yes")
            assert all("1.3.0/bin" not in text for text in world.entries().values()), "not all new"
            assert world.strangers() == [], f"left behind: {world.strangers()}"
            world.run("rollback", "--yes")
            assert e2e.differences(world.old, e2e.snapshot(world.box.root / "cron.d")) == [], "rolled back after resume"
            world.run("history", "--verify")
            world.restore(crashed)
            # Killed before the rollout was recorded, there is none to undo, and nothing has happened.
            newest = world.box.mlship_json("history", "churn", cwd=world.project)["entries"][0]
            if newest["to"]["version"] == "1.4.0":
                world.run("rollback", "--yes")
            differences = e2e.differences(world.old, e2e.snapshot(world.box.root / "cron.d"))
            assert differences == [], f"rolled back from the crash: {differences}"

        def new_text(world, name):
            return world.old[name][4].decode().replace("churn/1.3.0/bin", "churn/1.4.0/bin")

        self.assertEqual(each_point(points, check, git), [])

    def test_publish(self):
        world = World()
        with world:
            world.restore(world.before_publish)
            points = kill.points(world.box, [e2e.mlship_binary(), "publish"], world.project)
        print(f"\npublish: {len(points)} points", file=sys.stderr)
        self.assertGreater(len(points), 20)

        def check(world, point):
            world.restore(world.before_publish)
            killed = kill.run_killed(world.box, [e2e.mlship_binary(), "publish"], world.project, point)
            assert killed, "the program was not killed"
            listed = world.box.mlship_json("list", "churn", cwd=world.project)
            versions = [row["version"] for row in listed["packages"][0]["versions"]]
            if "1.4.0" in versions:
                # Visible means whole.
                world.run("verify", "churn:1.4.0")
            assert "1.3.0" in versions
            world.run("verify", "churn:1.3.0")
            world.run("publish")
            world.run("verify", "churn:1.4.0")
            into = world.box.root / "pulled"
            world.run("pull", "churn:1.4.0", "--into", into)
            e2e.remove_tree(into)

        self.assertEqual(each_point(points, check), [])

    def test_build(self):
        """What a killed build leaves beside its result is removed by the next build, wherever it was killed."""
        def dist(world):
            return world.project / "dist"

        def prepare(world):
            e2e.remove_tree(dist(world))
            for state in (world.project / ".mlship", world.box.home / ".cache/mlship"):
                if state.exists():
                    e2e.remove_tree(state)

        def left(world):
            return [p.name for p in dist(world).iterdir() if p.name.startswith(".")] if dist(world).exists() else []

        world = World()
        with world:
            prepare(world)
            points = kill.points(world.box, [e2e.mlship_binary(), "build"], world.project)
        points = points[::max(1, len(points) // 40)]  # each costs two builds
        caught = []

        def check(world, point):
            prepare(world)
            kill.run_killed(world.box, [e2e.mlship_binary(), "build"], world.project, point)
            caught.extend(left(world))
            world.run("build")
            assert left(world) == [], f"still there: {left(world)}"
            world.run("verify", "dist/churn-1.4.0")

        self.assertEqual(each_point(points, check), [])
        print(f"\nbuild: {len(points)} points, {len(caught)} left something", file=sys.stderr)
        self.assertGreater(len(caught), 5)


if __name__ == "__main__":
    e2e.main()
