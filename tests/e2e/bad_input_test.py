"""Bad input of every kind: the message, the documented exit code, and nothing changed on disk."""

import fcntl
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

CRON = """
[targets.edge]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"
"""


class BadInput(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.root = self.box.root

    def refused(self, argv, exit, *messages, cwd=None, env=None, prefix=(), recorded=False):
        """Runs mlship; it must end with `exit`, say every message, print the error document with --json, and leave
        the project, its dist/, the registry, the ledger and the targets as they were. `recorded`: the ledger keeps that
        there was such a rollout, once, so that `rollback` undoes no earlier one."""
        cwd = cwd or self.project
        before = self.state()
        result = self.box.run([*prefix, e2e.mlship_binary(), *argv], cwd=cwd, env=env, exit=exit)
        for message in messages:
            self.assertIn(message, result.err)
        self.assertTrue(result.err.startswith("error: cannot ") or exit in (2, 8), result.err)
        if recorded:
            added = e2e.differences(before, self.state())
            self.assertEqual([row.split("/ledger/rollouts/")[0] for row in added], ["+ home/.local/share/mlship"] * 2)
            before = self.state()
        self.assertEqual(e2e.differences(before, self.state()), [])
        as_json = self.box.run([*prefix, e2e.mlship_binary(), *argv, "--json"], cwd=cwd, env=env, exit=exit).json()
        self.assertEqual(e2e.differences(before, self.state()), [])
        if exit not in (8,):
            self.assertEqual((as_json["schema"], as_json["exit"]), ("mlship.error/1", exit))
        return result

    def state(self):
        """Everything but caches, which may fill up, and lock files, which are empty or hold a name for messages."""
        found = e2e.snapshot(self.root)
        aside = (".cache", ".mlship", "tmp", "logs", "saved")
        return {path: entry for path, entry in found.items()
                if not any(part in aside for part in path.split("/")) and not path.endswith("lock")
                and path not in (".", "home", "project", "run") and not entry[0] == "folder"}

    def make(self, **how):
        self.project = e2e.make_project(self.box, **how)
        return self.project

    def shipped(self, *versions):
        """Published versions and a crontab that runs 1.2.0."""
        self.make(version=versions[0], extra=CRON.format(root=self.root))
        self.box.folder("opt")
        self.crontab = e2e.write_file(self.root / "cron.d/jobs", f"1 1 * * * root {self.root}/opt/churn/1.2.0/bin/score\n")
        for version in versions:
            if version != versions[0]:
                e2e.set_version(self.box, self.project, version)
            self.box.mlship("build", cwd=self.project)
            self.box.mlship("publish", cwd=self.project)

    def edit(self, name, old, new, commit=True):
        path = self.project / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))
        if commit:
            e2e.commit(self.box, self.project, "edit")

    # ------------------------------------------------------------ project file and lock

    def test_unknown_key(self):
        self.make()
        self.edit("mlship.toml", 'owner = ', 'ownr = ')
        self.refused(["build"], 3, "mlship.toml:4:1", "unknown key 'ownr'", "did you mean 'owner'?")

    def test_lock_without_hash(self):
        self.make()
        e2e.write_file(self.project / "requirements.lock", "# pinned\ntinydep==1.0\n")
        e2e.commit(self.box, self.project, "lock")
        self.refused(["build"], 3, "requirements.lock:2", "tinydep", "sha256")

    def test_lock_with_md5_only(self):
        self.make()
        e2e.write_file(self.project / "requirements.lock", f"tinydep==1.0 --hash=md5:{'0' * 32}\n")
        e2e.commit(self.box, self.project, "lock")
        self.refused(["build"], 3, "requirements.lock:1", "md5")

    def test_hash_mismatch(self):
        self.make()
        wheel = next((self.project / "wheels").glob("*.whl"))
        e2e.write_file(self.project / "requirements.lock", f"tinydep==1.0 --hash=sha256:{'0' * 64}\n")
        e2e.commit(self.box, self.project, "lock")
        result = self.refused(["build", "--offline"], 9, wheel.name)
        self.assertIn("0" * 64, result.err)
        self.assertIn(e2e.sha256_hex(wheel), result.err)

    def test_wheel_for_another_platform(self):
        self.make()
        (self.project / "wheels/tinydep-1.0-py3-none-any.whl").unlink()
        wheel = e2e.write_wheel(self.project / "wheels", "tinydep", "1.0", tag="cp311-cp311-win_amd64")
        e2e.write_file(self.project / "requirements.lock", f"tinydep==1.0 --hash=sha256:{e2e.sha256_hex(wheel)}\n")
        e2e.commit(self.box, self.project, "lock")
        self.refused(["build", "--offline"], 3, "tinydep", "cp311-manylinux_2_28_x86_64", "win_amd64")

    # ------------------------------------------------------------ source tree

    def test_dirty_tree(self):
        self.make()
        self.edit("src/churn/score.py", "print(", "print( ", commit=False)
        self.refused(["build"], 3, "src/churn/score.py", "--allow-dirty")

    def test_untracked_code_is_dirty(self):
        self.make()
        e2e.write_file(self.project / "src/churn/new.py", "")
        self.refused(["build"], 3, "src/churn/new.py")

    def test_lfs_pointer(self):
        self.make()
        e2e.write_file(self.project / "src/churn/weights.bin",
                       "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 123\n")
        e2e.commit(self.box, self.project, "lfs")
        self.refused(["build"], 3, "src/churn/weights.bin", "LFS")

    def test_symlink_out_of_the_tree(self):
        self.make()
        (self.project / "src/churn/passwd").symlink_to("/etc/passwd")
        e2e.commit(self.box, self.project, "link")
        self.refused(["build"], 3, "src/churn/passwd")

    def test_duplicate_path(self):
        self.make()
        e2e.write_safetensors(self.project / "other/classifier.safetensors", [1.0])
        e2e.write_file(self.project / "models/other/classifier.safetensors", (self.project / "models/classifier.safetensors").read_bytes())
        with open(self.project / "mlship.toml", "a") as file:
            file.write('\n[[models]]\nname = "a"\npath = "other/classifier.safetensors"\n'
                       '\n[[models]]\nname = "b"\npath = "models/other/classifier.safetensors"\n')
        e2e.commit(self.box, self.project, "two")
        self.refused(["build"], 3, "models/other/classifier.safetensors")

    def test_model_that_is_a_pickle(self):
        self.make()
        e2e.write_file(self.project / "models/classifier.safetensors", b"\x80\x04\x95\x00\x00.")
        self.refused(["build"], 3, "models/classifier.safetensors")

    # ------------------------------------------------------------ registry

    def test_version_published_with_other_content(self):
        self.shipped("1.4.0")
        self.edit("src/churn/score.py", "print(", "print( ")
        self.box.mlship("build", cwd=self.project)
        self.refused(["publish"], 6, "version exists with another digest", "local", "remote", "mlship.toml:3")

    def test_tag_that_does_not_exist(self):
        self.shipped("1.4.0")
        self.box.mlship("tag", "churn:1.4.0", "stable", cwd=self.project)
        self.refused(["plan", "churn:stabel"], 5, "stabel", "stable")
        self.refused(["rollback", "--to", "gold", "--yes"], 5, "gold", "stable")

    def test_tag_that_is_a_version(self):
        self.shipped("1.4.0")
        self.refused(["tag", "churn:1.4.0", "v1.5"], 2, "v1.5")

    def test_version_that_was_never_published(self):
        self.shipped("1.4.0")
        self.refused(["rollout", "churn:9.9.9", "--yes"], 5, "9.9.9", "mlship publish")

    # ------------------------------------------------------------ rollout

    def test_hostile_plan_files(self):
        self.shipped("1.4.0")
        plan = self.root / "plan.json"
        self.box.mlship("plan", "--out", plan, cwd=self.project)
        good = json.loads(plan.read_text())
        secret = e2e.write_file(self.root / "secret", "churn==1.2.0\n")
        hostile = {
            "not json": "{",
            "nested": "[" * 100_000,
            "another schema": json.dumps({**good, "schema": "mlship.plan/99"}),
            "an extra key": json.dumps({**good, "extra": 1}),
            "edited, id kept": plan.read_text().replace("1.4.0", "6.6.6"),
            "another file": plan.read_text().replace(str(self.crontab), str(secret)),
            "a list": "[]",
        }
        for name, text in hostile.items():
            with self.subTest(name):
                e2e.write_file(plan, text)
                self.refused(["rollout", "--plan", plan, "--yes"], 6, "plan")
        self.assertEqual(secret.read_text(), "churn==1.2.0\n")

    def test_target_file_unreadable(self):
        if os.getuid() == 0:
            # root reads everything: become somebody who may not.
            e2e.require_able(e2e.NOBODY)
            self.shipped("1.4.0")
            for path, folders, files in os.walk(self.root):
                for name in [path, *(os.path.join(path, f) for f in folders + files)]:
                    os.chown(name, 65534, 65534, follow_symlinks=False)
            os.chown(self.crontab, 0, 0)
            self.crontab.chmod(0o600)
            become = e2e.NOBODY
        else:
            self.shipped("1.4.0")
            self.crontab.chmod(0)
            become = []
        before = self.state()
        result = self.box.run([*become, e2e.mlship_binary(), "rollout", "--yes", "--json"], cwd=self.project, exit=8)
        self.assertEqual([(s["reason"], str(self.crontab) in s["object"]["id"]) for s in result.json()["skipped"]],
                         [("no-permission", True)])
        self.assertEqual(e2e.differences(before, self.state()), [])

    def test_ledger_held_by_another_process(self):
        self.shipped("1.3.0", "1.4.0")
        self.box.mlship("rollout", "churn:1.3.0", "--yes", cwd=self.project)
        locks = [p for p in (self.box.home / ".local/share/mlship").rglob("lock") if "ledger" in str(p)]
        self.assertEqual(len(locks), 1)
        with open(locks[0], "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(["rollout", "--yes"], 6, "ledger", "another process")

    def test_disk_full(self):
        if os.getuid() != 0:
            self.skipTest("needs root to mount a tmpfs")
        e2e.require_able(e2e.OWN_MOUNTS)
        self.shipped("1.4.0")
        before = self.state()
        for place in ("opt", "home/.local/share/mlship/ledger", "cron.d"):
            with self.subTest(place):
                # In a mount namespace of its own: a tmpfs with almost no room over the place.
                folder = self.root / place
                folder.mkdir(parents=True, exist_ok=True)
                script = ('set -e; cp -a "$1" "$1.saved"; mount -t tmpfs -o size=16k,mode=755 tmpfs "$1"; '
                          'cp -a "$1.saved/." "$1/"; rm -r "$1.saved"; dd if=/dev/zero of="$1/.fill" 2>/dev/null || true; '
                          'find "$1" -type f ! -name .fill | sort | xargs -r sha256sum >"$2"; set +e; shift 2; "$@"; '
                          'code=$?; find "$F" -type f ! -name .fill | sort | xargs -r sha256sum >"$A"; exit $code')
                env = {"F": str(folder), "A": str(self.root / "tmp/after"), "ASAN_OPTIONS": "detect_leaks=0"}
                result = self.box.run([*e2e.OWN_MOUNTS, "bash", "-c", script, "bash", folder,
                                       self.root / "tmp/full-before", e2e.mlship_binary(), "rollout", "--yes"],
                                      cwd=self.project, env=env, exit=None)
                self.assertIn(result.exit, (8, 10), result)
                self.assertIn("no space left", result.out + result.err)
                if place == "cron.d":
                    self.assertEqual((self.root / "tmp/after").read_text(), (self.root / "tmp/full-before").read_text())
                self.assertEqual(before[f"cron.d/jobs"], self.state()["cron.d/jobs"])
        # With room again the same command finishes the work.
        self.box.mlship("rollout", "--yes", cwd=self.project)
        self.assertIn("1.4.0", self.crontab.read_text())

    def test_read_only_file_system(self):
        if os.getuid() != 0:
            self.skipTest("needs root to mount a read-only tmpfs")
        e2e.require_able(e2e.OWN_MOUNTS)
        self.shipped("1.4.0")
        place = self.box.folder("ro")
        before = self.state()
        script = 'mount -t tmpfs -o ro tmpfs "$1"; shift; exec "$@"'
        result = self.box.run([*e2e.OWN_MOUNTS, "bash", "-c", script, "bash", place, e2e.mlship_binary(), "pull",
                               "churn:1.4.0", "--into", place / "tree", "--json"], cwd=self.project, exit=10)
        self.assertEqual(result.json()["code"], "read-only")
        self.assertEqual(e2e.differences(before, self.state()), [])

    def test_a_folder_that_may_not_be_written(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become another user")
        e2e.require_able(e2e.NOBODY)
        self.shipped("1.4.0")
        place = self.box.folder("closed")
        for path, folders, files in os.walk(self.root):
            for name in [path, *(os.path.join(path, f) for f in folders + files)]:
                os.chown(name, 65534, 65534, follow_symlinks=False)
        os.chown(place, 0, 0)
        place.chmod(0o755)
        before = self.state()
        result = self.box.run([*e2e.NOBODY, e2e.mlship_binary(), "pull", "churn:1.4.0", "--into", place / "tree", "--json"],
                              cwd=self.project, exit=10)
        self.assertEqual(result.json()["code"], "file-permission")
        self.assertEqual(e2e.differences(before, self.state()), [])

    def test_no_target(self):
        self.make()
        self.box.mlship("build", cwd=self.project)
        self.box.mlship("publish", cwd=self.project)
        self.refused(["rollout", "--yes"], 3, "no target", "targets.")

    def test_several_environments(self):
        self.make(extra='\n[environments.dev]\n[environments.prod]\n' + CRON.format(root=self.root))
        for command in (["plan"], ["rollout", "--yes"], ["rollback", "--yes"], ["status"]):
            self.refused(command, 2, "dev", "prod", "--env")

    def test_nobody_to_ask_and_no_yes(self):
        self.shipped("1.4.0")
        before = self.state()
        result = self.box.mlship("rollout", cwd=self.project, exit=2)
        self.assertIn("--yes", result.err)
        self.assertIn("1.4.0", result.out)
        self.assertEqual(e2e.differences(before, self.state()), [])

    def test_held_version(self):
        self.shipped("1.3.0", "1.4.0")
        self.box.mlship("rollout", "churn:1.3.0", "--yes", cwd=self.project)
        self.box.mlship("rollout", "churn:1.4.0", "--yes", cwd=self.project)
        self.box.mlship("rollback", "--yes", cwd=self.project)
        self.refused(["rollout", "--yes"], 6, "hold", "--release-hold")
        # Nothing is recorded, because `rollout … || rollback` has nothing to undo as it is.
        self.assertIn("nothing to undo", self.box.mlship("rollback", "--yes", cwd=self.project).out)

    def test_a_closed_pipe_is_no_success(self):
        self.shipped("1.4.0")
        process = subprocess.run(["bash", "-c", f"{e2e.mlship_binary()} --help | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"],
                                 env=self.box.environment(), capture_output=True, text=True, check=True)
        self.assertNotIn("internal error", process.stderr)


if __name__ == "__main__":
    e2e.main()
