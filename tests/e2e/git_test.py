"""Repositories as teams have them, made by real git: sparse, partial and shallow clones, unusual indexes and extensions, filters
and encodings. Each is built as a plain clone is, or refused with the file, the cause and a command; doctor finds the same."""

import os
import pathlib
import shutil
import sys
import tarfile
import unittest

sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e

REFUSED = 3


class GitTest(unittest.TestCase):
    def setUp(self):
        e2e.require_program("git")
        self.sandbox = e2e.Sandbox()
        self.addCleanup(self.sandbox.close)
        self.origin = self.sandbox.folder("origin")
        for name, text in {
                "mlship.toml": '[package]\nname = "churn"\nversion = "1.4.0"\n\n[code]\nroot = "src"\ninclude = ["churn/**"]\n',
                "src/churn/__init__.py": "", "src/churn/deep/er.py": "x = 1\n", "notes/a.txt": "a\n", ".gitignore": "dist/\n",
        }.items():
            self.write(self.origin, name, text)
        self.git(self.origin, "init", "-q", "-b", "main", ".")
        self.git(self.origin, "config", "uploadpack.allowFilter", "true")
        self.git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.commit(self.origin)

    def write(self, folder, name, content, mode=0o644):
        e2e.write_file(pathlib.Path(folder) / name, content if isinstance(content, bytes) else content.encode(), mode)

    def git(self, folder, *arguments):
        return self.sandbox.git(folder, "-c", "protocol.file.allow=always", *arguments)

    def commit(self, folder, message="change"):
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-qm", message)

    def clone(self, name, *flags):
        self.git(self.sandbox.root, "clone", "-q", *flags, f"file://{self.origin}", name)
        return self.sandbox.root / name

    def build(self, folder, exit=0):
        return self.sandbox.mlship("build", "-C", folder, "--offline", exit=exit)

    def digest(self, folder):
        return self.sandbox.mlship_json("build", "-C", folder, "--offline")["digest"]

    def refused(self, folder, *words):
        """The build says each of the words; doctor has a problem that says the first."""
        said = self.build(folder, exit=REFUSED).err
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(said.count("\nhint: "), 1, said)
        report = self.sandbox.mlship("doctor", "-C", folder, exit=None)
        problems = [line for line in (report.out + report.err).splitlines() if "problem" in line]
        self.assertTrue(any(words[0] in line for line in problems), report)
        return said

    def shipped(self, folder):
        """The code that a build of this folder has: {path: bytes}."""
        layout = pathlib.Path(self.sandbox.mlship_json("build", "-C", folder, "--offline")["layout"])
        found = {}
        for blob in (layout / "blobs/sha256").iterdir():
            if tarfile.is_tarfile(blob):
                with tarfile.open(blob) as archive:
                    found.update({m.name: archive.extractfile(m).read() for m in archive if m.isfile()})
        return found

    def content(self, folder, name):
        return next(data for path, data in self.shipped(folder).items() if path.endswith(name))

    # ------------------------------------------------------------ clones

    def test_every_clone_that_has_the_code_gives_the_digest_of_a_plain_one(self):
        plain = self.digest(self.clone("plain"))
        sparse = self.clone("sparse", "--filter=blob:none", "--sparse")
        self.git(sparse, "sparse-checkout", "set", "src")
        cone = self.clone("cone")
        self.git(cone, "sparse-checkout", "set", "--cone", "--sparse-index", "src")
        split = self.clone("split")
        self.git(split, "update-index", "--split-index")
        fourth = self.clone("fourth")
        self.git(fourth, "update-index", "--index-version", "4", "--untracked-cache")
        unchecked = self.clone("unchecked")
        index = (unchecked / ".git/index").read_bytes()
        (unchecked / ".git/index").write_bytes(index[:-20] + bytes(20))
        main = self.clone("main")
        self.git(main, "worktree", "add", "-q", "-b", "side", "../side")
        (self.sandbox.root / "side/.git").write_text("gitdir: ../main/.git/worktrees/side\n")
        (main / ".git/worktrees/side/gitdir").write_text("../../../../side/.git\n")
        self.git(main, "config", "core.repositoryformatversion", "1")
        with open(main / ".git/config", "a", encoding="utf-8") as config:  # newer than some gits, which would refuse
            config.write("[extensions]\n\trelativeWorktrees = true\n\tworktreeConfig = true\n\tpreciousObjects = true\n")
        shallow = self.clone("shallow", "--depth=1")
        for folder in (sparse, cone, split, fourth, unchecked, main, self.sandbox.root / "side", shallow):
            with self.subTest(folder.name):
                self.assertEqual(self.digest(folder), plain)
                self.write(folder, "src/churn/new.py", "")
                self.assertIn("changed  src/churn/new.py", self.build(folder, exit=REFUSED).err)
                (folder / "src/churn/new.py").unlink()
                self.write(folder, "src/churn/deep/er.py", "x = 2\n")
                self.assertIn("changed  src/churn/deep/er.py", self.build(folder, exit=REFUSED).err)

    def test_code_that_a_sparse_checkout_leaves_out_is_named(self):
        for flags in (("--cone", "notes"), ("--cone", "--sparse-index", "notes")):
            sparse = self.clone("sparse" + str(len(flags)), "--filter=blob:none")
            self.git(sparse, "sparse-checkout", "set", *flags)
            said = self.refused(sparse, "sparse checkout", "src/churn/__init__.py", "git sparse-checkout add")
            hint = next(line for line in said.splitlines() if line.startswith("hint: git "))
            self.git(sparse, *hint.split()[2:])
            self.build(sparse)

    def test_content_that_a_partial_clone_lacks_is_named_and_not_fetched(self):
        self.write(self.origin, "src/churn/later.py", "later = 1\n")
        self.commit(self.origin)
        partial = self.clone("partial", "--filter=blob:none", "--no-checkout")
        self.git(partial, "reset", "-q", "--mixed", "HEAD")
        for name in ("mlship.toml", "src/churn/__init__.py", "src/churn/deep/er.py", "src/churn/later.py", ".gitignore"):
            self.write(partial, name, (self.origin / name).read_bytes())
        before = self.git(partial, "count-objects", "-v")
        said = self.refused(partial, "partial clone", "git fetch --refetch --no-filter")
        self.assertIn("src/churn/later.py", said)
        self.assertEqual(self.git(partial, "count-objects", "-v"), before)
        self.git(partial, "fetch", "-q", "--refetch", "--no-filter")
        self.build(partial)

    def test_publish_compares_names_where_a_partial_clone_lacks_the_older_content(self):
        stale, same = self.clone("stale"), self.clone("same")
        self.build(stale)
        self.write(self.origin, "src/churn/deep/er.py", "x = 2\n")
        self.commit(self.origin)
        self.git(same, "pull", "-q")
        self.build(same)
        self.write(self.origin, "notes/a.txt", "b\n")
        self.commit(self.origin)
        partial = self.clone("partial", "--filter=blob:none")
        shutil.copytree(stale / "dist", partial / "dist")
        self.assertIn("mlship build", self.sandbox.mlship("publish", "-C", partial, exit=None).err)
        e2e.remove_tree(partial / "dist")
        shutil.copytree(same / "dist", partial / "dist")
        self.sandbox.mlship("publish", "-C", partial)

    def test_what_cannot_be_read_is_named_with_a_way_on(self):
        for key, value in (("objectFormat", "sha256"), ("refStorage", "reftable"), ("fromTheFuture", "true")):
            folder = self.clone(key)
            self.git(folder, "config", "core.repositoryformatversion", "1")
            with open(folder / ".git/config", "a", encoding="utf-8") as config:
                config.write(f"[extensions]\n\t{key} = {value}\n")
            with self.subTest(key):
                said = self.build(folder, exit=REFUSED).err
                self.assertIn("extensions." + key.lower(), said.lower())
                self.assertIn("hint: git archive HEAD", said)

    # ------------------------------------------------------------ attributes

    def filtered(self, name, *settings):
        folder = self.clone(name)
        for key, value in settings:
            self.git(folder, "config", key, value)
        self.write(folder, "src/churn/.gitattributes", "secret.txt filter=rot\n")
        self.write(folder, "src/churn/secret.txt", "key = 1\n")
        self.commit(folder)
        os.utime(folder / "src/churn/secret.txt", (2e9, 2e9))
        return folder

    def test_a_filter_ships_what_a_checkout_writes(self):
        rot = (("filter.rot.clean", "tr a-z b-za"), ("filter.rot.smudge", "tr b-za a-z"))
        folder = self.filtered("both", *rot)
        self.assertEqual(self.content(folder, "secret.txt"), b"key = 1\n")
        self.git(folder, "config", "filter.rot.smudge", "false")
        e2e.remove_tree(folder / "dist")
        self.refused(folder, "git filter 'rot' fails", "src/churn/secret.txt")

    def test_a_filter_that_only_cleans_ships_what_the_commit_has(self):
        folder = self.filtered("clean", ("filter.rot.clean", "sed s/1/0/"))
        self.assertEqual(self.content(folder, "secret.txt"), b"key = 0\n")

    def test_a_filter_that_is_not_set_up_is_named(self):
        self.refused(self.filtered("none"), "git filter 'rot' is not set up", "src/churn/secret.txt")

    def test_an_encoding_ships_what_a_checkout_writes(self):
        folder = self.clone("encoded")
        text = "grüße\n".encode("utf-16-le")
        self.write(folder, ".gitattributes", "*.txt16 text working-tree-encoding=UTF-16LE\n")
        self.write(folder, "src/churn/words.txt16", text)
        self.commit(folder)
        os.utime(folder / "src/churn/words.txt16", (2e9, 2e9))
        self.assertEqual(self.content(folder, "words.txt16"), text)

    def test_line_ends_and_ident_ship_what_git_keeps(self):
        folder = self.clone("ends")
        self.write(folder, ".gitattributes", "*.bat text eol=crlf\n*.id ident\n")
        self.write(folder, "src/churn/a.bat", b"one\r\ntwo\r\n")
        self.write(folder, "src/churn/b.id", "$Id$\n")
        self.commit(folder)
        (folder / "src/churn/b.id").unlink()
        self.git(folder, "checkout", "-q", "--", "src/churn/b.id")
        os.utime(folder / "src/churn/a.bat", (2e9, 2e9))
        self.assertEqual(self.content(folder, "a.bat"), b"one\ntwo\n")
        self.assertEqual(self.content(folder, "b.id"), b"$Id$\n")


if __name__ == "__main__":
    e2e.main()
