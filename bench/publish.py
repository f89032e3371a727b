"""publish: a bundle into a layout registry, for the first time and again, against the copy of the same bytes with a
sha256 of them. Counted: bytes written to the registry, files of the bundle opened the second time."""

import json
import shutil

import measure as m

SUBJECT = "mlship publish, first time"


def main():
    with m.Place() as place:
        root = m.project(place)
        place.run([m.MLSHIP, "build"], root)
        blobs = root / "dist/churn-1.4.0/blobs"
        registry, copy = place.root / "home/data", place.root / "copy"
        counts = {}

        def first():
            shutil.rmtree(registry, ignore_errors=True)
            run = place.run([m.MLSHIP, "publish", "--json"], root)
            uploaded = json.loads(run.out)["uploaded"]
            counts.update({"blobs sent": uploaded["blobs"], "bytes sent": uploaded["bytes"]})
            return run.seconds

        def again():
            run = place.run([m.MLSHIP, "publish", "--json"], root)
            answer = json.loads(run.out)
            counts.update({"blobs sent again": answer["uploaded"]["blobs"],
                           "bytes sent again": answer["uploaded"]["bytes"]})
            return run.seconds

        def copied():
            shutil.rmtree(copy, ignore_errors=True)
            return place.run(["sh", "-c", f"cp -r {blobs} {copy} && sync -f {copy}"]).seconds

        def hashed():
            return place.run(["sh", "-c", f"openssl dgst -sha256 {blobs}/sha256/* >/dev/null"]).seconds

        seconds = m.alternate({
            SUBJECT: first,
            "mlship publish, again": again,
            "cp and sync of the same bytes": copied,
            "openssl dgst -sha256, one process": hashed,
        })
        opened = m.opened_files(place.counted([m.MLSHIP, "publish"], "open,openat", root), str(root))
        big = [f for f in opened if f.startswith(str(blobs)) and m.os.path.getsize(f) > 1 << 20]
        counts["files over 1 MiB opened again"] = len(big)
        size = sum(f.stat().st_size for f in (blobs / "sha256").iterdir())
        counts["bytes of the bundle"] = size
        return m.report("publish", f"{m.GIGABYTES:g} GB in {m.MODELS} models, {m.SOURCES} sources, to layout:", seconds,
                        SUBJECT, "openssl dgst -sha256, one process", counts,
                        [("again: no blob sent, none over 1 MiB opened", counts["blobs sent again"] == 0 and not big)])


if __name__ == "__main__":
    m.end(main())
