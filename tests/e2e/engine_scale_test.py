"""10,000 objects on the scripted target: heap in use, and what a shared ledger would be asked to push."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

OBJECTS = 10_000
MOST_HEAP = 64 << 20  # bytes


class Scale(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)

    def test_memory_and_pushes(self):
        run = self.box.run([os.environ["MLSHIP_ENGINE_SCALE"], self.box.root / "ledger", str(OBJECTS)],
                           env={"ASAN_OPTIONS": "detect_leaks=0"})
        print(run.out)
        seen = {name: int(value) for name, value in (line.split() for line in run.out.splitlines())}
        self.assertEqual((seen["complete"], seen["undone"]), (1, 1))
        self.assertLess(seen["peak"], MOST_HEAP)
        # Undoing holds the whole record of the rollout beside its own plan.
        self.assertLess(seen["undo-peak"], 5 * MOST_HEAP // 4)
        # The beginning, one batch of intents a wave, the end; never one per object.
        self.assertEqual(seen["pushes"], seen["waves"] + 2)
        self.assertEqual(seen["notes"], seen["waves"])


if __name__ == "__main__":
    e2e.main()
