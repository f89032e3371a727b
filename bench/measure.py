"""What the benchmarks share: inputs of a chosen size, timed runs in turn, counts from strace, the report.

Ours and the peers' runs alternate, so that a busy machine slows all of them; a figure is the best of RUNS runs, which other
work on the machine falsifies least, with the median beside it. Absolute times say little on a shared machine: the ratio
to a peer or to the physical limit, from the same run, does.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

RUNS = 5
GIGABYTES = float(os.environ.get("MLSHIP_BENCH_GB", "2"))
BUILD = pathlib.Path(os.environ["MLSHIP_BENCH_BUILD"])  # the release build; set by scripts/bench
MLSHIP = str(BUILD / "mlship")
INPUTS = BUILD / "bench-inputs"  # kept: making them takes longer than the runs


# ---------------------------------------------------------------- running

class Spent(float):
    """Seconds by the clock, and those of processors in `cpu`, which other work on the machine falsifies less."""

    def __new__(cls, seconds, cpu):
        self = super().__new__(cls, seconds)
        self.cpu = cpu
        return self


class Run:
    """One run of a program: seconds, peak memory in KiB, standard output."""

    def __init__(self, seconds, peak_kib, out):
        self.seconds, self.peak_kib, self.out = seconds, peak_kib, out


def environment(home):
    """A private HOME, no user configuration, git with an identity."""
    env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    env.update({"HOME": str(home), "XDG_DATA_HOME": f"{home}/data", "XDG_CONFIG_HOME": f"{home}/config",
                "XDG_CACHE_HOME": f"{home}/cache", "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@example.invalid",
                "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@example.invalid"})
    return env


class Place:
    """A folder for one benchmark with a private HOME; removed at the end of a `with`."""

    def __init__(self):
        INPUTS.mkdir(parents=True, exist_ok=True)
        # On the file system of the inputs, so that models can be linked as in a team's checkout.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=INPUTS))
        self.env = environment(self.root / "home")
        (self.root / "home").mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, argv, cwd=None):
        """Runs argv to its end, which must be exit 0."""
        told = self.root / "run.json"
        done = subprocess.run([str(BUILD / "bench/bench_run"), str(told), *map(str, argv)], cwd=cwd or self.root,
                              env=self.env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"cannot run {argv}: {done.stderr.decode()}")
        result = json.loads(told.read_text())
        if result["exit"] != 0:
            raise RuntimeError(f"{argv} ended with {result['exit']}: {done.stderr.decode()}")
        return Run(Spent(result["seconds"], result["cpu"]), result["peak_kib"], done.stdout.decode())

    def counted(self, argv, calls, cwd=None):
        """Runs argv under strace; returns its lines, of the system calls named."""
        log = self.root / "strace.log"
        self.run(["strace", "-f", "-qq", "-y", "-o", log, "-e", "signal=none", "-e", "trace=" + calls, *argv], cwd)
        return log.read_text(errors="replace").splitlines()


def alternate(runs, times=RUNS):
    """{name: function that returns seconds} -> {name: [seconds, ...]}, one of each in turn."""
    seconds = collections.defaultdict(list)
    for _ in range(times):
        for name, function in runs.items():
            seconds[name].append(function())
    return dict(seconds)


OPENED = re.compile(r'open(?:at)?\((?:AT_FDCWD[^,]*, )?"([^"]*)", ([A-Z_|]+)')


def opened_files(lines, cwd):
    """Paths of the files (no folders) that the traced program opened for reading."""
    found = []
    for line in lines:
        match = OPENED.search(line)
        if match and " = -1 " not in line and "O_DIRECTORY" not in match[2]:
            found.append(os.path.join(cwd, match[1]))
    return found


# ---------------------------------------------------------------- inputs

def safetensors(path, size, seed):
    """A safetensors file of one F32 tensor and about `size` bytes that compress badly and differ by seed."""
    pool = (seed * 7919).to_bytes(8, "little") + os.urandom(8 << 20)
    count = max(1, (size - 128) // len(pool))
    length = count * len(pool) // 4 * 4
    head = json.dumps({"weight": {"dtype": "F32", "shape": [length // 4], "data_offsets": [0, length]}}).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for number in range(count):
            file.write(struct.pack("<Q", number) + pool[8:])


def sources(folder, count, size):
    """`count` Python files of about `size` bytes in packages of 50."""
    for number in range(count):
        path = folder / f"part{number // 50:03d}" / f"module{number:05d}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        line = f"def step_{number}(x):  # {number * 2654435761 % 2**32:08x}\n    return x + {number}\n\n\n"
        path.write_text((line * (size // len(line) + 1))[:size].rsplit("\n", 1)[0] + "\n")


MODELS = 4
SOURCES = 2000
SOURCE_BYTES = 10_000

PROJECT = """\
[package]
name = "churn"
version = "1.4.0"

[code]
root = "src"
include = ["churn/**"]
"""


def model_input():
    """The folder of the four model files of MLSHIP_BENCH_GB in all; made once."""
    folder = INPUTS / f"models-{GIGABYTES:g}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(MODELS):
            safetensors(folder / f"model{number}.safetensors", int(GIGABYTES * 1e9 / MODELS), number)
        (folder / "done").write_text("")
    return folder


def project(place, models=True, count=SOURCES, size=SOURCE_BYTES, extra="", git=True):
    """place.root/project: sources, the models of model_input() by hard link, mlship.toml, committed."""
    root = place.root / "project"
    sources(root / "src" / "churn", count, size)
    text = PROJECT + extra
    if models:
        (root / "models").mkdir()
        for number in range(MODELS):
            os.link(model_input() / f"model{number}.safetensors", root / f"models/model{number}.safetensors")
            text += f'\n[[models]]\nname = "model{number}"\npath = "models/model{number}.safetensors"\n'
    (root / "mlship.toml").write_text(text)
    (root / ".gitignore").write_text("dist/\nmodels/\n")
    if git:
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "bench"]):
            place.run(["git", "-C", root, *command])
    return root


# ---------------------------------------------------------------- the report

def milliseconds(seconds):
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.3f} s"


def report(name, workload, seconds, ours, limit, counts, goals):
    """Prints a table and, as the last line, one JSON document.

    seconds: {row: [runs]}, each a Spent where the processors' time is known; ours: the row that is mlship's; limit: the row the others are compared with; goals:
    [(words, met)]. Returns the exit status: 1 when a goal is missed."""
    best = {row: min(runs) for row, runs in seconds.items()}
    medians = {row: statistics.median(runs) for row, runs in seconds.items()}
    cpu = {row: min((spent.cpu for spent in runs if isinstance(spent, Spent)), default=None) for row, runs in seconds.items()}
    print(f"{name}: {workload}")
    print(f"  {'':<44} {'best':>11} {'median':>11} {'processors':>11}   best and processors to *limit")
    for row in seconds:
        mark = ">" if row == ours else "*" if row == limit else " "
        ratios = f"{best[row] / best[limit]:7.2f} x" + (f" {cpu[row] / cpu[limit]:7.2f} x" if cpu[row] and cpu[limit] else "")
        print(f" {mark}{row:<44} {milliseconds(best[row]):>11} {milliseconds(medians[row]):>11} {milliseconds(cpu[row]):>11} {ratios}")
    for what, number in counts.items():
        print(f"  {what:<44} {number:>11}")
    for words, met in goals:
        print(f"  {'met   ' if met else 'MISSED'} {words}")
    print(json.dumps({"schema": "mlship.bench/1", "name": name, "workload": workload, "ours": ours, "limit": limit,
                      "seconds": seconds, "best": best, "medians": medians, "cpu": cpu, "counts": counts,
                      "goals": [{"goal": words, "met": met} for words, met in goals]}))
    return 0 if all(met for _, met in goals) else 1


def ratio(seconds, ours, other):
    return min(seconds[ours]) / min(seconds[other])


def end(status):
    sys.exit(status)
