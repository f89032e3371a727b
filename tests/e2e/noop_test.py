"""What is done twice costs nothing the second time, counted with strace: a build that nothing has changed for stats its
input, opens no content file and writes nothing; a version that is published already is not sent again."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD[^,]*, )?"([^"]*)", ([A-Z_|]+)')
# Calls that change the disk, by whatever name.
CHANGES = "write,pwrite64,writev,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,rmdir,ftruncate,fsync"


class NothingChanged(unittest.TestCase):
    def setUp(self):
        e2e.require_program("strace")
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.project = e2e.make_project(self.box)
        self.first = self.box.mlship_json("build", cwd=self.project)

    def traced(self, calls, command):
        """The document of `mlship COMMAND`, and its system calls."""
        log = self.box.root / "strace.log"
        result = self.box.run(["strace", "-f", "-qq", "-y", "-o", log, "-e", "trace=" + calls, "-e", "signal=none",
                               e2e.mlship_binary(), command, "--json"], cwd=self.project,
                              env={"ASAN_OPTIONS": "detect_leaks=0"})
        return result.json(), log.read_text().splitlines()

    def trace(self, calls):
        built, lines = self.traced(calls, "build")
        self.assertTrue(built["reused"])
        self.assertEqual(built["digest"], self.first["digest"])
        return lines

    def test_opens_no_content(self):
        content = [self.project / "src", self.project / "models", self.project / "dist",
                   self.project / "requirements.lock", self.project / "wheels"]
        opened = 0
        for line in self.trace("open,openat"):
            found = OPENED.search(line)
            if not found or " = -1 " in line:
                continue
            opened += 1
            path, flags = os.path.join(self.project, found[1]), found[2].split("|")
            self.assertIn("O_RDONLY", flags, line)
            if "O_DIRECTORY" not in flags:
                self.assertFalse([c for c in content if path.startswith(str(c))], line)
        self.assertGreater(opened, 3, "strace saw nothing")

    def test_writes_nothing(self):
        before = e2e.snapshot(self.project)
        for line in self.trace(CHANGES):
            # Its own output, and a folder of the cache that is there already.
            self.assertTrue(re.search(r"write\([12]<|write\(\d+<pipe:| = -1 ", line), line)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.project)), [])

    def test_what_a_stopped_machine_left_empty_is_made_again(self):
        # dist/ is not flushed to the disk: after a power cut names may be there without their content.
        layout = self.project / "dist/churn-1.4.0"
        kept = e2e.snapshot(layout)
        files = [path for path in sorted((self.project / "dist").rglob("*")) if path.is_file() and path.stat().st_nlink == 1]
        self.assertGreater(len(files), 5)
        for path in files:
            with self.subTest(path=path):
                os.truncate(path, 0)
                built = self.box.mlship_json("build", cwd=self.project)
                self.assertFalse(built["reused"])
                self.assertEqual(built["digest"], self.first["digest"])
                self.assertEqual(e2e.differences(kept, e2e.snapshot(layout)), [])
        self.assertTrue(self.box.mlship_json("build", cwd=self.project)["reused"])

    def test_a_version_that_is_there_is_not_sent_again(self):
        self.box.mlship("publish", cwd=self.project)
        registry = self.box.root / "home"
        before = e2e.snapshot(registry)
        published, lines = self.traced("open,openat", "publish")
        self.assertEqual(published["status"], "unchanged")
        self.assertEqual(published["uploaded"], {"blobs": 0, "bytes": 0})
        # Neither the model nor the archive of the code is read for it, here or there.
        large = [layer["digest"].split(":")[1] for layer in self.first["layers"] if layer["kind"] in ("model", "code")]
        self.assertGreaterEqual(len(large), 2)
        self.assertEqual([line for line in lines if any(name in line for name in large)], [])
        self.assertEqual(e2e.differences(before, e2e.snapshot(registry)), [])


if __name__ == "__main__":
    e2e.main()
