"""build-noop: the third build of 4 model files and 2,000 sources in which nothing changed. Goal: under 25 ms, no content
file opened."""

import measure as m


def main():
    with m.Place() as place:
        root = m.project(place)
        build = [m.MLSHIP, "build"]
        place.run(build, root)
        place.run(build, root)
        seconds = m.alternate({
            "mlship build, nothing changed": lambda: place.run(build, root).seconds,
            "git status": lambda: place.run(["git", "status", "--porcelain"], root).seconds,
            "mlship --version (start-up)": lambda: place.run([m.MLSHIP, "--version"], root).seconds,
            "git --version": lambda: place.run(["git", "--version"], root).seconds,
        })
        content = ("/src/", "/models/", "/dist/")
        opened = [f for f in m.opened_files(place.counted(build, "open,openat", root), str(root))
                  if any(f.startswith(str(root) + part) for part in content)]
        best = min(seconds["mlship build, nothing changed"])
        return m.report("build-noop", f"{m.GIGABYTES:g} GB in {m.MODELS} models, {m.SOURCES} sources, in git", seconds,
                        "mlship build, nothing changed", "mlship --version (start-up)",
                        {"content files opened": len(opened)},
                        [("under 25 ms", best < 0.025), ("no content file opened", not opened)])


if __name__ == "__main__":
    m.end(main())
