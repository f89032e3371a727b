"""start-up: `mlship --version` and `--help`. Goal: under 6 ms or, on a slower machine, at most four `git --version`."""

import measure as m

SUBJECT = "mlship --version"
LIMIT = "git --version"


def main():
    with m.Place() as place:
        seconds = m.alternate({
            SUBJECT: lambda: place.run([m.MLSHIP, "--version"]).seconds,
            "mlship --help": lambda: place.run([m.MLSHIP, "--help"]).seconds,
            LIMIT: lambda: place.run(["git", "--version"]).seconds,
            "python3 -c pass": lambda: place.run(["python3", "-c", "pass"]).seconds,
        }, 21)
        lines = place.counted([m.MLSHIP, "--version"], "open,openat")
        libraries = {f for f in m.opened_files(lines, "/") if ".so" in f and "ld.so.cache" not in f}
        best, ratio = min(seconds[SUBJECT]), m.ratio(seconds, SUBJECT, LIMIT)
        return m.report("start-up", "nothing to do", seconds, SUBJECT, LIMIT, {"libraries loaded": len(libraries)},
                        [(f"under 6 ms, or at most 4 x git --version: {ratio:.2f}", best < 0.006 or ratio <= 4)])


if __name__ == "__main__":
    m.end(main())
