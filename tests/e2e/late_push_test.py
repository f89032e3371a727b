"""Pushes to a ledger in git whose reply is lost and that arrive later, at every place of a rollout and of its undoing."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import git_ledger_test
import git_server
import late_gateway


class LatePush(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.box.variables.update({"MLSHIP_LEASE_TTL": "60"})

    def serve(self, delay=0.4):
        folder = self.box.folder("repos")
        git_server.make_repository(self.box, folder / "ledger.git")
        gateway = late_gateway.LateGateway(folder, delay)
        self.addCleanup(gateway.stop)
        self.world = git_ledger_test.GitLedger("test_a_bad_ttl")
        self.world.box = self.box
        self.world.world(f"git+{gateway.url}/ledger.git", objects=1)
        return gateway

    def check(self, gateway, *late, back=False):
        """A rollout, or its undoing, with these pushes late, comes through and leaves a ledger that is whole."""
        gateway.begin(*late)
        if back:
            self.world.run_mlship("rollback", "--yes")
            self.world.run_mlship("rollback", "churn:1.4.0", "--release-hold")
        else:
            self.world.run_mlship("rollout", "--yes", "--wave", "1")
        self.assertEqual(set(self.world.versions()), {"1.3.0" if back else "1.4.0"}, late)
        self.assertGreaterEqual(gateway.pushes, max(late))
        gateway.begin()
        self.world.run_mlship("history", "--verify")
        newest = self.world.entries()[0]
        self.assertEqual(newest["state"], "committed", (late, newest))

    def test_every_push_of_a_rollout_and_of_its_undoing(self):
        gateway = self.serve()
        points = 0
        # The first of all goes into an empty repository.
        for late in (1, 3, 4, 5, 6):
            self.check(gateway, late)
            self.check(gateway, late, back=True)
            points += 2
        self.assertEqual(gateway.arrivals, points)
        print(f"\n{points} late pushes", file=sys.stderr)
        self.assertGreaterEqual(points, 10)

    def test_several_in_a_row_and_slow_ones(self):
        gateway = self.serve(delay=1.5)
        for late in ((3, 4), (4, 6), (3,)):
            self.check(gateway, *late)
            self.check(gateway, *late, back=True)
        self.assertGreaterEqual(gateway.arrivals, 8)

    def test_a_run_whose_end_is_not_accepted_is_not_committed(self):
        gateway = self.serve(delay=600)
        self.world.run_mlship("rollout", "--yes")
        for target in ("edge", "core"):
            for path in (self.box.root / target).iterdir():
                path.write_text(path.read_text().replace("1.4.0", "1.3.0"))
        # No push is answered from the intents on, and none arrives.
        gateway.begin(*range(4, 40))
        self.world.run_mlship("rollout", "--yes", exit=7)
        for timer in gateway._timers:
            timer.cancel()
        gateway.begin()
        self.assertNotEqual(self.world.entries()[0]["state"], "committed")
        self.world.run_mlship("rollout", "--resume", "--yes")
        self.assertEqual(set(self.world.versions()), {"1.4.0"})
        self.world.run_mlship("history", "--verify")


if __name__ == "__main__":
    e2e.main()
