"""build-cold: a build with nothing cached, against two `openssl dgst -sha256` side by side over the same files: what two
cores need to hash the bytes once. Goal: 1.15 x."""

import resource
import shutil
import subprocess
import time

import measure as m

SUBJECT = "mlship build, nothing cached"
LIMIT = "2 x openssl dgst -sha256 in parallel"


def two_openssl(place, files):
    halves = [files[0::2], files[1::2]]
    begun, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [subprocess.Popen(["openssl", "dgst", "-sha256", *half], env=place.env, stdout=subprocess.DEVNULL)
               for half in halves]
    if any(process.wait() != 0 for process in running):
        raise RuntimeError("openssl failed")
    seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return m.Spent(seconds, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)


def tar_openssl(place, root):
    return place.run(["sh", "-c", "tar -cf - src models | openssl dgst -sha256"], root).seconds


def cold(place, root):
    for name in ("dist", ".mlship"):
        shutil.rmtree(root / name, ignore_errors=True)
    return place.run([m.MLSHIP, "build"], root).seconds


def main():
    with m.Place() as place:
        root = m.project(place)
        files = sorted((root / "models").iterdir()) + sorted((root / "src").rglob("*.py"))
        seconds = m.alternate({
            SUBJECT: lambda: cold(place, root),
            LIMIT: lambda: two_openssl(place, files),
            "tar | openssl dgst -sha256": lambda: tar_openssl(place, root),
        })
        ratio = m.ratio(seconds, SUBJECT, LIMIT)
        return m.report("build-cold", f"{m.GIGABYTES:g} GB in {m.MODELS} models, {m.SOURCES} sources, in git", seconds,
                        SUBJECT, LIMIT, {"bytes": sum(f.stat().st_size for f in files)},
                        [(f"at most 1.15 x two openssl: {ratio:.2f}", ratio <= 1.15)])


if __name__ == "__main__":
    m.end(main())
