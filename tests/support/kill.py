"""Kill -9 at every point where a program changes the disk, by strace's fault injection: no hook in the program.

The points are counted in a clean run: for each system call of CALLS the number of times it is entered. Point (call, n)
then kills the program at the n-th entry of that call, before the kernel does it; what came before has happened.
"""

import collections
import re

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink",
         "unlinkat", "mkdir", "mkdirat", "rmdir", "ftruncate", "chmod", "fchmod", "copy_file_range")
# LeakSanitizer cannot work under a tracer; everything else stays on.
TRACED = {"ASAN_OPTIONS": "detect_leaks=0"}


def points(sandbox, argv, cwd):
    """Runs argv under strace to its end; returns [(call, n)] of every entry, in order of appearance. Each thread counts
    for itself, as strace does. Writes to the standard streams are counted and left out: they do not change the disk."""
    log = sandbox.root / "strace.log"
    sandbox.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS), "-e", "signal=none", *argv],
                cwd=cwd, env=TRACED)
    counts, found = collections.Counter(), {}
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\((\d+)?", line)
        if not match or match.group(2) not in CALLS:
            continue
        thread, call, file = match.groups()
        counts[thread, call] += 1
        if call == "write" and file in ("1", "2"):
            continue
        found[call, counts[thread, call]] = None
    return list(found)


def run_killed(sandbox, argv, cwd, point):
    """Runs argv and kills it at the point; returns True when it was killed (False: it ended before)."""
    call, number = point
    result = sandbox.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                          f"inject={call}:signal=KILL:when={number}", *argv], cwd=cwd, env=TRACED, exit=None)
    return result.exit in (-9, 137)
