"""A ledger in a git repository behind a real server: two runners, kills, races, refusals, paused holders."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
import git_server

TARGETS = """
[registries.shared]
url = "layout:{root}/registry"

[targets.edge]
kind = "files"
files = ["{root}/edge/*"]

[targets.core]
kind = "files"
files = ["{root}/core/*"]

[environments.prod]
registry = "shared"
targets = ["edge", "core"]
ledger = "{ledger}"
"""
TTL = {"MLSHIP_LEASE_TTL": "2"}


class GitLedger(unittest.TestCase):
    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.box.variables.update(TTL)

    def serve(self, tls=False):
        server = git_server.GitServer(self.box, tls)
        self.addCleanup(server.stop)
        git_server.remember_password(self.box.home, server)
        return server

    def world(self, ledger, objects=3):
        """churn 1.3.0 and 1.4.0 published; files on both targets pin 1.3.0."""
        root = self.box.root
        project = e2e.make_project(self.box, version="1.3.0", extra=TARGETS.format(root=root, ledger=ledger))
        for version in ("1.3.0", "1.4.0"):
            if version != "1.3.0":
                e2e.set_version(self.box, project, version)
            self.box.mlship("build", cwd=project)
            self.box.mlship("publish", cwd=project)
        self.fill(objects)
        toml = project / "mlship.toml"
        toml.write_text(toml.read_text().replace('kind = "files"', 'kind = "files"\ntrust-pins = true'))
        self.project = project
        return project

    def fill(self, objects):
        for target in ("edge", "core"):
            e2e.remove_tree(self.box.root / target)
            for number in range(objects):
                e2e.write_file(self.box.root / target / f"job{number}.txt", f"# job {number}\nchurn==1.3.0\n")

    def run_mlship(self, *args, exit=0, home=None, env=None):
        return self.box.mlship(*args, cwd=self.project, exit=exit, env={**self.surroundings(home), **(env or {})})

    def surroundings(self, home):
        """Another machine: another HOME, nothing in it but the password."""
        if home is None:
            return {}
        folder = self.box.folder(home)
        for name in (".gitconfig", ".git-credentials"):
            if (self.box.home / name).exists():
                e2e.write_file(folder / name, (self.box.home / name).read_text(), 0o600)
        return {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache"),
                "XDG_CONFIG_HOME": str(folder / "config")}

    def start(self, *args, home=None, env=None):
        process = subprocess.Popen([e2e.mlship_binary(), *args], cwd=self.project, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.box.environment({**self.surroundings(home), **(env or {})}))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def versions(self, *targets):
        return [re.search(r"churn==(\S+)", path.read_text()).group(1)
                for target in targets or ("edge", "core") for path in sorted((self.box.root / target).iterdir())]

    def entries(self, home=None):
        result = self.run_mlship("history", "--json", home=home)
        return result.json()["entries"]

    # ---------------------------------------------------------------- the usual way

    def test_there_and_back_over_http(self):
        server = self.serve()
        self.world("git+" + server.url)
        self.run_mlship("rollout", "--yes")
        self.assertEqual(set(self.versions()), {"1.4.0"})
        # Another machine sees it and undoes it.
        self.assertEqual([e["state"] for e in self.entries(home="other")], ["committed"])
        self.run_mlship("rollback", "--yes", home="other")
        self.assertEqual(set(self.versions()), {"1.3.0"})
        self.assertEqual([e["state"] for e in self.entries()], ["committed", "reverted"])
        held = self.run_mlship("rollout", "--yes", exit=6)
        self.assertIn("held since it was rolled back", held.err)
        verified = self.run_mlship("history", "--verify", home="third")
        self.assertIn("the entries chain", verified.out)
        # People read it without mlship, commit by commit.
        log = self.box.git(server.repository, "log", "--format=%s", "main")
        self.assertRegex(log, r"(?m)^begin rollout \S+ of churn$")
        self.assertRegex(log, r"(?m): intent × 6$")
        plans = self.box.git(server.repository, "ls-tree", "-r", "--name-only", "main").splitlines()
        self.assertEqual(sum(name.endswith("plan.json") for name in plans), 2)
        self.assertIn("format.json", plans)
        # The leases were given back.
        for target in ("edge", "core"):
            lease = self.box.git(server.repository, "show", f"lease/churn/{target}:lease.json")
            self.assertFalse(json.loads(lease)["held"])

    def test_pushes_do_not_grow_with_the_objects(self):
        server = self.serve()
        self.world("git+" + server.url)
        self.box.variables["MLSHIP_LEASE_TTL"] = "600"  # no renewal in between
        counts = []
        for objects in (2, 40):
            self.fill(objects)
            before = len(server.pushes())
            report = self.run_mlship("rollout", "--yes", "--json").json()
            self.assertEqual(report["counts"]["updated"], 2 * objects)
            counts.append(len(server.pushes()) - before)
        print(f"\npushes of a rollout of 4 and of 80 objects: {counts}", file=sys.stderr)
        self.assertEqual(counts[0], counts[1])
        # Two leases, begin, the intents of the wave, the state, the leases' return.
        self.assertEqual(counts[0], 6)
        self.fill(20)
        before = len(server.pushes())
        self.run_mlship("rollout", "--yes", "--wave", "10")
        waves = len(server.pushes()) - before
        print(f"in waves of 10 of 40 objects: {waves}", file=sys.stderr)
        self.assertLessEqual(waves, counts[0] + 4)

    def test_a_repository_of_this_machine(self):
        repository = git_server.make_repository(self.box, self.box.root / "ledger.git")
        self.world(f"git+file://{repository}")
        self.run_mlship("rollout", "--yes")
        self.assertEqual(set(self.versions()), {"1.4.0"})
        self.run_mlship("history", "--verify")

    def test_over_ssh(self):
        """Through the program git would use; what it gets is what sshd would run."""
        repository = git_server.make_repository(self.box, self.box.root / "ledger.git")
        ssh = e2e.write_file(self.box.root / "bin/ssh", '#!/bin/sh\nfor last; do :; done\necho "$@" >>"$0.log"\n'
                             'exec sh -c "$last"\n', 0o755)
        self.world(f"git+ssh://git@git.test:2222{repository}")
        self.box.variables["GIT_SSH_COMMAND"] = str(ssh)
        self.run_mlship("rollout", "--yes")
        self.assertEqual(set(self.versions()), {"1.4.0"})
        asked = (self.box.root / "bin/ssh.log").read_text()
        self.assertIn(f"-p 2222 git@git.test git-receive-pack '{repository}'", asked)
        self.assertIn("BatchMode=yes", asked)
        for words, code, cause in (("git@git.test: Permission denied (publickey).", 4, "accepts none of your keys"),
                                   ("Host key verification failed.", 7, "host key is not trusted"),
                                   ("ssh: Could not resolve hostname git.test", 7, "Could not resolve")):
            e2e.write_file(ssh, f'#!/bin/sh\necho "{words}" >&2\nexit 255\n', 0o755)
            refused = self.run_mlship("history", exit=code)
            self.assertIn(cause, refused.err)

    # ---------------------------------------------------------------- two at once

    def test_two_runners_at_once(self):
        server = self.serve()
        self.world("git+" + server.url)
        # A slow server: both are in every step at the same time.
        server.hook("pre-receive", "sleep 0.3\n")
        for _ in range(3):
            self.fill(3)
            runners = [self.start("rollout", "--yes", home=home) for home in ("one", "two")]
            outs = [runner.communicate(timeout=120) for runner in runners]
            exits = sorted(runner.returncode for runner in runners)
            self.assertIn(exits, ([0, 6], [0, 0]), outs)
            if exits == [0, 6]:
                loser = next(err for runner, (_, err) in zip(runners, outs) if runner.returncode == 6)
                self.assertRegex(loser, r"(?s)another runner holds churn on (core|edge).*holder .*rollout of churn")
            self.assertEqual(set(self.versions()), {"1.4.0"})
        self.run_mlship("history", "--verify")
        self.assertEqual({e["state"] for e in self.entries()}, {"committed"})

    def test_runs_that_cannot_meet_do_not_wait(self):
        server = self.serve()
        self.world("git+" + server.url)
        server.hook("pre-receive", "sleep 0.2\n")
        runners = [self.start("rollout", "--yes", "--target", target, home="home-" + target)
                   for target in ("edge", "core")]
        for runner in runners:
            out, err = runner.communicate(timeout=120)
            self.assertEqual(runner.returncode, 0, out + err)
        self.assertEqual(set(self.versions()), {"1.4.0"})
        self.assertEqual([e["state"] for e in self.entries()], ["committed", "committed"])
        # Every push of both is there, whoever was first: nothing was lost in the races.
        self.run_mlship("history", "--verify")

    def test_lost_replies(self):
        """The server takes a push and dies before it answers: nothing is done twice, nothing is lost."""
        server = self.serve()
        self.world("git+" + server.url)
        server.hook("reference-transaction", f"""
[ "$1" = committed ] || exit 0
while read old new ref; do
  case "$ref" in refs/heads/*)
    name=$(git log -1 --format=%s "$new" | tr -dc a-z)
    case "$name" in *intent*|begin*|holdlease*core) [ -e {self.box.root}/lost-$name ] || {{ touch {self.box.root}/lost-$name; kill -9 $PPID; }};;
    esac ;;
  esac
done
""")
        self.run_mlship("rollout", "--yes")
        self.assertEqual(set(self.versions()), {"1.4.0"})
        self.assertEqual(len(list(self.box.root.glob("lost-*"))), 3)
        self.assertEqual([e["state"] for e in self.entries()], ["committed"])
        log = self.box.git(server.repository, "log", "--format=%s", "main")
        self.assertEqual(log.count(": intent"), 1)
        self.run_mlship("history", "--verify")

    def test_a_full_disk(self):
        """The copy of the ledger is on a disk that fills up on the way: said as such; another machine goes on."""
        server = self.serve()
        self.world("git+" + server.url)
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a tmpfs")
        e2e.require_able(e2e.OWN_MOUNTS)
        small = self.box.folder("small")
        # In a mount namespace of its own.
        script = 'mount -t tmpfs -o size=96k,mode=700 tmpfs "$1"; shift; exec "$@"'
        full = self.box.run([*e2e.OWN_MOUNTS, "bash", "-c", script, "bash", small, e2e.mlship_binary(), "rollout",
                             "--yes"], cwd=self.project, env={"XDG_DATA_HOME": str(small)}, exit=None)
        # 8 when the lease could not be renewed any more.
        self.assertIn(full.exit, (8, 10), full)
        self.assertIn("No space left on device", full.err)
        self.assertLessEqual(set(self.versions()), {"1.3.0", "1.4.0"})
        again = ["--resume"] if self.entries() else []
        self.run_mlship("rollout", "--yes", *again)
        self.assertEqual(set(self.versions()), {"1.4.0"})
        self.assertEqual([e["state"] for e in self.entries()], ["committed"])
        self.run_mlship("history", "--verify")

    def when_intents_arrive(self, server, signal_name):
        """Starts a rollout; the server sends it a signal once its intents have arrived, before it has the answer."""
        pid_file = self.box.root / "pid"
        server.hook("post-receive", f"""
case "$(git log -1 --format=%s main)" in *intent*)
  while [ ! -s {pid_file} ]; do sleep 0.05; done
  rm -f hooks/post-receive; kill -{signal_name} $(cat {pid_file}) ;;
esac
""")
        runner = self.start("rollout", "--yes", "--json", home="first")
        pid_file.write_text(str(runner.pid))
        self.addCleanup(runner.kill)
        return runner

    def test_killed_between_push_and_write(self):
        server = self.serve()
        self.world("git+" + server.url)
        killed = self.when_intents_arrive(server, "KILL")
        self.assertEqual(killed.wait(60), -signal.SIGKILL)
        self.assertEqual(set(self.versions()), {"1.3.0"})
        last = self.entries(home="fresh")[0]
        self.assertEqual(last["state"], "unfinished")
        # A fresh machine knows nothing but the URL; it waits for the dead holder's lease, then goes on.
        resumed = self.run_mlship("rollout", "--resume", "--yes", home="fresh")
        self.assertIn("which has not been heard of for 2 s", resumed.err)
        self.assertEqual(set(self.versions()), {"1.4.0"})
        self.assertEqual(self.entries()[0]["id"], last["id"])
        self.assertEqual(self.entries()[0]["state"], "committed")
        self.run_mlship("history", "--verify")

    def test_a_paused_holder_wakes_after_takeover(self):
        server = self.serve()
        self.world("git+" + server.url)
        # As a virtual machine that is migrated.
        paused = self.when_intents_arrive(server, "STOP")
        deadline = time.monotonic() + 60
        while pathlib.Path(f"/proc/{paused.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            self.assertLess(time.monotonic(), deadline, "the runner was not stopped")
            time.sleep(0.05)
        taken = self.run_mlship("rollout", "--resume", "--yes", home="other")
        self.assertIn("over from", taken.err)
        self.assertEqual(set(self.versions()), {"1.4.0"})
        # Back again: what the paused one was about to write would fit now.
        self.run_mlship("rollback", "--yes", home="other")
        tip = self.box.git(server.repository, "rev-parse", "main")
        before = {t: e2e.snapshot(self.box.root / t) for t in ("edge", "core")}
        os.kill(paused.pid, signal.SIGCONT)
        out, err = paused.communicate(timeout=120)
        self.assertEqual(paused.returncode, 8, out + err)
        self.assertIn("another runner took over", err)
        self.assertEqual(json.loads(out)["state"], "taken-over")
        self.assertEqual({r["outcome"] for r in json.loads(out)["results"]}, {"pending"})
        for target, snapshot in before.items():
            self.assertEqual(e2e.differences(snapshot, e2e.snapshot(self.box.root / target)), [])
        self.assertEqual(self.box.git(server.repository, "rev-parse", "main"), tip)
        self.run_mlship("history", "--verify")

    # ---------------------------------------------------------------- refusals

    def unchanged(self, *args, exit, env=None):
        before = {t: e2e.snapshot(self.box.root / t) for t in ("edge", "core")}
        result = self.run_mlship(*args, exit=exit, env=env)
        for target, snapshot in before.items():
            self.assertEqual(e2e.differences(snapshot, e2e.snapshot(self.box.root / target)), [])
        return result

    def test_refusals_change_nothing_and_say_why(self):
        server = self.serve()
        self.world("git+" + server.url)
        server.hook("pre-receive", "echo 'ledger is frozen until monday' >&2\nexit 1\n")
        refused = self.unchanged("rollout", "--yes", exit=4)
        self.assertIn("the server refuses: pre-receive hook declined", refused.err)
        self.assertIn("ledger is frozen until monday", refused.err)
        # Only main is protected: the lease is there, the record is not.
        server.hook("pre-receive", "while read old new ref; do [ $ref != refs/heads/main ] || exit 1; done\n")
        self.assertIn("pre-receive hook declined", self.unchanged("rollout", "--yes", exit=4).err)
        server.hook("pre-receive", "")
        git_server.remember_password(self.box.home, server, password="wrong")
        wrong = self.unchanged("rollout", "--yes", exit=4)
        self.assertIn("HTTP 401", wrong.err)
        self.assertNotIn("wrong\n", (self.box.home / ".git-credentials").read_text())  # git's helper was told
        (self.box.home / ".gitconfig").unlink()
        self.assertIn("wants a user and a password", self.unchanged("rollout", "--yes", exit=4).err)
        git_server.remember_password(self.box.home, server)
        self.run_mlship("rollout", "--yes")
        server.stop()
        gone = self.unchanged("rollout", "--yes", exit=7)
        self.assertIn("cannot reach", gone.err)

    def test_a_repository_that_is_not_there(self):
        server = self.serve()
        self.world(f"git+http://{server.host}/git/none.git")
        self.assertIn("HTTP 404", self.unchanged("rollout", "--yes", exit=5).err)
        toml = self.project / "mlship.toml"
        for url, code, words in ((f"git+file://{self.box.root}/none.git", 5, "there is no git repository"),
                                 ("git+http://u:secret@127.0.0.1/x.git", 3, "it holds a password"),
                                 ("git+http://ledger.example/x.git", 7, "plain HTTP is for loopback only"),
                                 ("git+htps://h/x.git", 3, "did you mean 'git+https'"),
                                 ("git+https://host", 3, "it names no repository")):
            toml.write_text(re.sub(r'ledger = ".*"', f'ledger = "{url}"', toml.read_text()))
            result = self.unchanged("rollout", "--yes", exit=None)
            self.assertEqual(result.exit, code, result)
            self.assertIn(words, result.err)
            self.assertNotIn("secret", result.err + result.out)

    def test_certificates(self):
        server = self.serve(tls=True)
        self.world("git+" + server.url)
        untrusted = self.unchanged("rollout", "--yes", exit=7)
        self.assertIn("certificate", untrusted.err)
        self.assertEqual(self.unchanged("rollout", "--yes", "--json", exit=7).json()["code"], "tls")
        self.run_mlship("rollout", "--yes", env={"SSL_CERT_FILE": str(server.ca)})
        self.assertEqual(set(self.versions()), {"1.4.0"})

    def test_a_bad_ttl(self):
        repository = git_server.make_repository(self.box, self.box.root / "ledger.git")
        self.world(f"git+file://{repository}")
        for text in ("0", "soon", "-1", "99999"):
            self.assertIn("MLSHIP_LEASE_TTL", self.unchanged("rollout", "--yes", exit=2,
                                                             env={"MLSHIP_LEASE_TTL": text}).err)


class HostileLedger(unittest.TestCase):
    """What somebody with write access may have put into the repository."""

    def setUp(self):
        self.box = e2e.Sandbox()
        self.addCleanup(self.box.close)
        self.box.variables.update(TTL)
        self.repository = git_server.make_repository(self.box, self.box.root / "ledger.git")
        self.helper = GitLedger("test_a_bad_ttl")
        self.helper.box = self.box
        self.helper.world(f"git+file://{self.repository}")
        self.helper.run_mlship("rollout", "--yes")
        self.id = self.helper.entries()[0]["id"]

    def git(self, *args, input=None):
        return self.box.run(["git", "-C", self.repository, *args], input=input).out.strip()

    def put(self, files, mode="100644"):
        """Commits files {path: bytes or an object's id} onto main, past every check of a working tree."""
        index = {"GIT_INDEX_FILE": str(self.box.root / "index")}
        self.box.run(["git", "-C", self.repository, "read-tree", "main"], env=index)
        for path, content in files.items():
            if isinstance(content, bytes):
                content = self.git("hash-object", "-w", "--stdin", input=content)
            self.box.run(["git", "-C", self.repository, "update-index", "--add", "--cacheinfo",
                          f"{mode},{content},{path}"], env=index)
        tree = self.box.run(["git", "-C", self.repository, "write-tree"], env=index).out.strip()
        self.git("update-ref", "refs/heads/main", self.git("commit-tree", "-p", "main", "-m", "mallory", tree))

    def entries_text(self):
        return self.git("show", f"main:rollouts/{self.id}/entries.jsonl").encode() + b"\n"

    def outside(self):
        return {name: e2e.snapshot(self.box.root / name) for name in ("edge", "core", "project", "registry")}

    def test_verify_finds_an_edit(self):
        text = self.entries_text()
        self.put({f"rollouts/{self.id}/entries.jsonl": text.replace(b'"updated"', b'"unchanged"', 1)})
        found = self.helper.run_mlship("history", "--verify", exit=9)
        self.assertIn(self.id, found.err)
        self.assertIn("does not follow from the line before it", found.err)
        document = self.helper.run_mlship("history", "--verify", "--json", exit=9).json()
        self.assertEqual(document["code"], "verification")
        # An unreadable rollout does not block the next one.
        self.helper.fill(2)
        self.helper.run_mlship("rollout", "--yes")

    def test_verify_finds_a_forged_rollout_whose_own_chain_holds(self):
        self.helper.fill(2)
        self.helper.run_mlship("rollout", "--yes")
        lines = self.entries_text().splitlines(keepends=True)
        # The whole tail is gone: the chain of what is left is right, but the next rollout began after it.
        self.put({f"rollouts/{self.id}/entries.jsonl": b"".join(lines[:-1])})
        found = self.helper.run_mlship("history", "--verify", exit=9)
        self.assertIn("names a line", found.err)

    def test_links_submodules_and_large_files_are_refused(self):
        for mode, content, words in (("120000", b"/etc/passwd", "is no file"),
                                     ("160000", "1" * 40, "is no file"),
                                     ("100644", b"{}\n" * 1500000, "is larger than 4 MiB")):
            before = self.outside()
            tip = self.git("rev-parse", "main")
            self.put({"holds.jsonl": content}, mode)
            refused = self.helper.run_mlship("rollout", "--yes", exit=6)
            self.assertIn(words, refused.err)
            self.assertEqual(before, self.outside())
            self.git("update-ref", "refs/heads/main", tip)
            self.box.run(["rm", "-rf", self.box.home / ".local/share/mlship/ledgers"])

    def test_names_that_lead_out_are_not_rollouts(self):
        blob = self.git("hash-object", "-w", "--stdin", input=b"x\n")
        inner = self.git("mktree", input=f"100644 blob {blob}\tentries.jsonl\n")
        names = ["..", ".hidden", "a b", "evil\x1b[31m", "x" * 200]
        listing = "".join(f"040000 tree {inner}\t{name}\n" for name in sorted(names))
        old = self.git("ls-tree", "main:rollouts")
        rollouts = self.git("mktree", input=listing + old + "\n")
        root = self.git("ls-tree", "main").replace(self.git("rev-parse", "main:rollouts"), rollouts)
        tree = self.git("mktree", input=root + "\n")
        self.git("update-ref", "refs/heads/main", self.git("commit-tree", "-p", "main", "-m", "mallory", tree))
        before = self.outside()
        result = self.helper.run_mlship("history")
        self.assertNotIn("\x1b[31m", result.out + result.err)
        self.assertEqual(len(self.helper.entries()), 1)
        for name in ("..", "../..", ".hidden", "/etc"):
            self.helper.run_mlship("show", name, exit=5)
        self.assertEqual(before, self.outside())

    def test_rewritten_history(self):
        first = self.git("rev-list", "--max-parents=0", "main")
        self.git("update-ref", "refs/heads/main", first)
        refused = self.helper.run_mlship("rollout", "--yes", exit=6)
        self.assertIn("its history was rewritten since this machine read it", refused.err)

    def test_another_format_and_another_repository(self):
        self.put({"format.json": b'{"version":2}\n'})
        refused = self.helper.run_mlship("history", exit=6)
        self.assertIn("install a newer mlship", refused.err)
        self.box.run(["rm", "-rf", self.box.home / ".local/share/mlship/ledgers"])
        self.git("update-ref", "refs/heads/main",
                 self.git("commit-tree", "-m", "code", self.git("mktree", input="")))
        refused = self.helper.run_mlship("rollout", "--yes", exit=6)
        self.assertIn("its branch main holds something else", refused.err)


if __name__ == "__main__":
    e2e.main()
