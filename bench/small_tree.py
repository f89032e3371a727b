"""small-tree: a build of 31,000 small files with nothing cached, against a bare pass of our own (bare_tar.cpp) that reads
each once, makes a ustar stream of them and hashes it. Goal: 1.1 x for the bundle. Shown beside it: what the parts of that
pass cost, each row doing what the one before does and one thing more, up to the file that a build has to write; and the
wheel, which must hash each file by itself and the whole again."""

import shutil

import measure as m

COUNT = 31_000
SIZE = 14_000
SUBJECT = "mlship build, without a wheel"
LISTED = "bare: list the files and their sizes"
READ = "and open, read and close each"
LIMIT = "and hash as one ustar stream"
WRITTEN = "and write the stream to a file"
NO_WHEEL = "\n[outputs]\nwheel = false\n"


def cold(place, root):
    for name in ("dist", ".mlship"):
        shutil.rmtree(root / name, ignore_errors=True)
    return place.run([m.MLSHIP, "build"], root).seconds


def bare(place, root, step):
    tar = place.root / "bare.tar"
    tar.unlink(missing_ok=True)
    return place.run([m.BUILD / "bench/bench_tar", step, root / "src", tar]).seconds


def main():
    with m.Place() as place:
        root = m.project(place, models=False, count=COUNT, size=SIZE, extra=NO_WHEEL, git=False)
        with_wheel = place.root / "with-wheel"
        with_wheel.mkdir()
        (with_wheel / "src").symlink_to(root / "src")
        (with_wheel / "mlship.toml").write_text(m.PROJECT.replace('"src"', '"."').replace("churn/**", "**"))
        place.run(["cp", "-r", root / "src/churn", with_wheel / "churn"])
        (with_wheel / "src").unlink()
        files = sorted((root / "src").rglob("*.py"))
        seconds = m.alternate({
            SUBJECT: lambda: cold(place, root),
            LISTED: lambda: bare(place, root, "list"),
            READ: lambda: bare(place, root, "read"),
            LIMIT: lambda: bare(place, root, "hash"),
            WRITTEN: lambda: bare(place, root, "write"),
            "tar | openssl dgst -sha256": lambda: place.run(
                ["sh", "-c", "tar -cf - src | openssl dgst -sha256"], root).seconds,
            "mlship build, with its wheel": lambda: cold(place, with_wheel),
        })
        ratio = m.ratio(seconds, SUBJECT, LIMIT)
        return m.report("small-tree", f"{COUNT} files of {SIZE} bytes", seconds, SUBJECT, LIMIT,
                        {"files": len(files), "bytes": sum(f.stat().st_size for f in files)},
                        [(f"at most 1.1 x the bare pass: {ratio:.2f}", ratio <= 1.1)])


if __name__ == "__main__":
    m.end(main())
