"""one-file: many references in one file of this host.

- One crontab of 10,000 entries: less than 2 s for the rollout, one exchange of the file, and the same back.
- One text of 40,000 references, an object as a whole: plan and rollout each within 3 s, one exchange.
- Texts of 4 MB (pins, wheels, URLs, continued lines, one line without a blank): a scan within 2 s and 64 MiB.
"""

import re
import shutil
import subprocess

import measure as m

TARGET = """
[targets.edge]
kind = "{kind}"
files = ["{folder}/*"]
install-root = "{opt}"
"""
LARGEST = 4 << 20  # bytes; mlship reads no larger text


def target(root, kind, folder, opt):
    project = (root / "mlship.toml").read_text().split("\n[targets.edge]")[0]
    (root / "mlship.toml").write_text(project + TARGET.format(kind=kind, folder=folder, opt=opt))


def exchanges(place, root, *words):
    """Of a run under strace, which is not timed."""
    log = place.root / "strace.log"
    subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=renameat2", "-e", "signal=none", m.MLSHIP, *words],
                   cwd=root, env=place.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return len(re.findall("RENAME_EXCHANGE", log.read_text(errors="replace")))


def forth_and_back(place, root, file, text):
    """Best of three: seconds of plan, rollout and rollback; peak KiB of the rollout; exchanges of both."""
    seconds, peaks = {"plan": [], "rollout": [], "rollback": []}, []
    for _ in range(3):
        file.write_text(text)
        seconds["plan"].append(place.run([m.MLSHIP, "plan"], root).seconds)
        run = place.run([m.MLSHIP, "rollout", "--yes"], root)
        seconds["rollout"].append(run.seconds)
        peaks.append(run.peak_kib)
        seconds["rollback"].append(place.run([m.MLSHIP, "rollback", "--yes"], root).seconds)
        if file.read_text() != text:
            raise RuntimeError("a rollback did not bring the text back")
        place.run([m.MLSHIP, "rollback", "churn:1.4.0", "--release-hold"], root)
    made = exchanges(place, root, "rollout", "--yes"), exchanges(place, root, "rollback", "--yes")
    place.run([m.MLSHIP, "rollback", "churn:1.4.0", "--release-hold"], root)
    return seconds, max(peaks), made


def fill(line):
    out, size, n = [], 0, 0
    while size + len(line) + 8 < LARGEST:
        out.append(line.format(n=n))
        size += len(out[-1])
        n += 1
    return "".join(out)


TEXTS = {
    "pins": "lib{n:06d}==1.3.0\n",
    "pins with hashes": "lib{n:06d}==1.3.0 --hash=sha256:0123 \\\n    --hash=sha256:4567\n",
    "wheels": "/opt/libs/lib{n:06d}-1.3.0-py3-none-any.whl\n",
    "URLs": "https://user:pw@host.example/simple/lib{n:06d}-1.3.0.zip#sha256=00\n",
    "one logical line": "lib{n:06d}==1.3.0 \\\n",
    "wheels without a blank": "/lib{n:06d}-1.3.0-py3-none-any.whl",
    "pins without a blank": "lib{n:06d}==1.3.0,",
    "images without a blank": "h/lib{n:06d}:1.3.0,",
    "colons": "lib{n:06d}:",
    "dots": "a.{n}.whl.",
    "pip install": "pip install lib{n:06d} \\\n",
}


def scans(place, root, folder):
    rows, goals = {}, []
    for name, line in TEXTS.items():
        (folder / "text").write_text(fill(line))
        run = min((place.run([m.MLSHIP, "scan", "--json"], root) for _ in range(2)), key=lambda r: r.seconds)
        rows[f"{name}: seconds, peak MiB"] = f"{run.seconds:.2f}, {run.peak_kib // 1024}"
        goals.append((f"{name}: {run.seconds:.2f} s, {run.peak_kib / 1024:.0f} MiB", run.seconds < 2 and run.peak_kib < 64 * 1024))
    return rows, goals


def main():
    with m.Place() as place:
        root = m.project(place, models=False, count=3, git=False)
        for words in (["build"], ["publish"]):
            place.run([m.MLSHIP, *words], root)
        opt, jobs, texts, large = (place.root / name for name in ("opt", "jobs", "texts", "large"))
        for folder in (jobs, texts, large, opt / "churn/1.3.0/bin"):
            folder.mkdir(parents=True)
        program = f"{opt}/churn/1.3.0/bin/score"
        target(root, "cron", jobs, opt)
        entries, cron_peak, cron_made = forth_and_back(
            place, root, jobs / "many", "".join(f"{n % 60} 1 * * * {program} --job {n}\n" for n in range(10_000)))
        shutil.rmtree(place.root / "home/data/mlship/ledger")
        target(root, "files", texts, opt)
        references, text_peak, text_made = forth_and_back(place, root, texts / "list", f"run {program}\n" * 40_000)
        target(root, "files", large, opt)
        figures, goals = scans(place, root, large)
        rows = {f"10,000 entries of a crontab: {name}": times for name, times in entries.items()}
        rows.update({f"40,000 references in a text: {name}": times for name, times in references.items()})
        figures.update({"peak MiB of the crontab's rollout": cron_peak // 1024, "peak MiB of the text's rollout": text_peak // 1024,
                        "exchanges of the crontab forth and back": str(cron_made), "exchanges of the text forth and back": str(text_made)})
        goals += [(f"10,000 entries in less than 2 s: {min(entries['rollout']):.2f} s", min(entries["rollout"]) < 2),
                  (f"40,000 references planned within 3 s: {min(references['plan']):.2f} s", min(references["plan"]) < 3),
                  (f"and rolled out within 3 s: {min(references['rollout']):.2f} s", min(references["rollout"]) < 3),
                  (f"one exchange each way: {cron_made + text_made}", set(cron_made + text_made) == {1})]
        return m.report("one-file", "many references in one file", rows, "10,000 entries of a crontab: rollout",
                        "10,000 entries of a crontab: plan", figures, goals)


if __name__ == "__main__":
    m.end(main())
