"""memory: the peak resident memory of build, publish and pull. Goal: under 25 MiB each, at any size."""

import shutil

import measure as m

LIMIT_KIB = 25 * 1024


def main():
    peaks, seconds = {}, {}
    with m.Place() as place:
        root = m.project(place)

        def once(name, *args):
            run = place.run([m.MLSHIP, *args], root)
            peaks.setdefault(name, []).append(run.peak_kib)
            seconds.setdefault(name, []).append(run.seconds)

        for _ in range(3):
            for folder in (root / "dist", root / ".mlship", place.root / "home/data", place.root / "tree"):
                shutil.rmtree(folder, ignore_errors=True)
            once("build, nothing cached", "build")
            once("build, nothing changed", "build")
            once("publish", "publish")
            once("publish again", "publish")
            once("verify", "verify", "churn:1.4.0")
            once("pull", "pull", "churn:1.4.0", "--into", str(place.root / "tree"))
        worst = {f"peak KiB of {name}": max(runs) for name, runs in peaks.items()}
        return m.report("memory", f"{m.GIGABYTES:g} GB in {m.MODELS} models, {m.SOURCES} sources, in git", seconds,
                        "build, nothing cached", "build, nothing cached", worst,
                        [(f"{what}: under {LIMIT_KIB}", peak < LIMIT_KIB) for what, peak in worst.items()])


if __name__ == "__main__":
    m.end(main())
