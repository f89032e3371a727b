"""The generator of tests/e2e/hostile_workspace_test.py: workspaces of hostile names, and what has to become of every
reference in them, computed from the documents alone."""

import os
import random
import re


DEFAULT = "30"
NEW = "1.3.0"
LIBRARY_PATH = "/Volumes/main/ml/libs"
OLDER = ["1.2.0", "1.2", "1.0.9", "1.2.10", "1.2.0rc1", "1.3.0rc1", "1.3.0.dev3", "1.2.0.post1", "1.2.0+build.7",
         "1.2.0+g1a2b3c", "1.0.9+20250318124512123456"]
STAY = {"1.3.0": "same-version", "1.3": "same-version", "1.3.1": "newer", "1.10.0": "newer", "2.0.0": "newer",
        "0.9.0": "other-major", "1.2.0+cpu": "other-build", "1.2.0+cu118": "other-build"}
JAR_OLDER = ["1.2.0", "1.0.9", "1.2.10"]
JAR_STAY = {"1.3.0": "same-version", "1.3.1": "newer", "2.0.0": "newer", "0.9.0": "other-major"}
LOOKALIKES = ["churn_plus", "xchurn", "churn_extra", "churn2", "my_churn", "churnx"]
ALPHABET = list("abzAZ019-_.~+@^!*? \t#&'\"(),:;<=>[]{}|`%$\\") + ["\u00e4", "\u00df", "e\u0301", "\u4e2d", "\U0001f600", "\u202e"]
HARD = " \t#;'\"[]%?\\^`{}<>|"  # what a URL or an option's word cannot hold
HOSTILE_NAMES = ["team a", "a#b", "x & y", "it's", 'say "hi"', "(old)", "a,b", "c:d", "e;f", "<g>", "h=i", "[dev ada]", "{j}",
                 "k|l", "`id`", "100%", "$HOME", "back\\slash", "f\u00fcr alle", "e\u0301cole", "tab\there", "churn-1.1.0",
                 "churn==1.1.0", "churn @ x", "churn>=1", "1.1.0", "--jars", "-r x", "churn-1.1.0-py3-none-any.whl",
                 "lib.jar", "# churn", "a  b", "it's \"both\"", "x" * 200]


class Ref:
    """One text at one place: `new` is what it must be afterwards (None: as it is); `reasons`: what the plan must say of a
    text that stays, one of them; empty and no `new`: it says nothing of it."""

    def __init__(self, site, old, new=None, reasons=(), also=()):
        self.site, self.old, self.new, self.reasons = site, old, new, set(reasons)
        self.also = list(also)  # reasons of further rows of this text
        self.either = False     # it may move or be listed

    def __deepcopy__(self, memo):
        return self

    def text(self, which):
        return self.new if which == "new" and self.new is not None else self.old

    def wanted(self):
        if self.new is not None:
            return f"moves to {self.new!r}"
        return f"is listed as {'/'.join(sorted(self.reasons))}" if self.reasons else "is not mentioned"


def rendered(tree, which):
    if isinstance(tree, Ref):
        return tree.text(which)
    if isinstance(tree, dict):
        return {key: rendered(value, which) for key, value in tree.items()}
    if isinstance(tree, list):
        return [rendered(value, which) for value in tree]
    return tree


def references(tree):
    if isinstance(tree, Ref):
        yield tree
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from references(value)


def resolved(tree, path):
    """What stands at `tasks[key=a]/libraries[0]/whl`; None when there is nothing."""
    for step in re.findall(r"\[[^\]]*\]|[^/\[\]]+", path.split("#")[0]):
        if isinstance(tree, Ref):
            return tree
        if step.startswith("[key=") and isinstance(tree, list):
            key = step[5:-1]
            tree = next((v for v in tree if key in [v.get(n) for n in ("task_key", "environment_key", "job_cluster_key", "key",
                                                                       "name", "label")]), None)
        elif step.startswith("[") and isinstance(tree, list):
            number = int(step[1:-1])
            tree = tree[number] if number < len(tree) else None
        elif isinstance(tree, dict):
            tree = tree.get(step)
        else:
            return None
    return tree


class Generator:
    """`pins`: the target trusts pins; `clusters`: it changes the libraries of clusters; `wheel`, `jar`: where the
    published files of NEW will stand, None when it has no such file."""

    def __init__(self, seed, pins, clusters, wheel, jar):
        self.dice, self.pins, self.clusters, self.wheel, self.jar = random.Random(seed), pins, clusters, wheel, jar
        self.objects, self.files, self.number = {}, {}, 0

    def pick(self, values):
        return self.dice.choice(list(values))

    def chance(self, share):
        return self.dice.random() < share

    def next(self):
        self.number += 1
        return self.number

    def name(self, without=""):
        """A name of a folder or job, without '/' and what `without` lists."""
        if self.chance(0.6):
            text = self.pick(HOSTILE_NAMES)
        else:
            text = "".join(self.pick(ALPHABET) for _ in range(self.dice.randint(1, 12)))
        text = "".join(c for c in text if c not in without).replace("${", "{")  # what is put in is no name
        return text if text.strip(". ") else "plain"

    def folder(self, without="", bases=("/Volumes/main/libs", "/Workspace/Shared", "dbfs:/libs", "/dbfs/libs")):
        """A folder of its own, so that no two references name one file."""
        parts = [self.pick(bases)] + [self.name(without) for _ in range(self.pick([1, 1, 2]))] + [f"n{self.next()}"]
        if self.chance(0.5):
            parts[-1], parts[-2] = parts[-2], parts[-1]
        return "/".join(parts)

    def keep(self, path):
        """The file of a path, where the workspace holds it."""
        if not path.startswith("s3"):
            self.files[path] = b"an old one"
        return path

    # ---------------------------------------------------------------- files

    @staticmethod
    def without(output):
        """Why a file does not move: there is no new one of its kind."""
        return () if output else ("other-kind", "no-output")

    def whl(self, without=""):
        """(path, new path, reasons) of a wheel."""
        if self.chance(0.2):
            package = self.pick(LOOKALIKES)
            path = self.keep(f"{self.folder(without)}/{package}-{self.pick(OLDER[:4])}-py3-none-any.whl")
            return path, None, ()
        folder = self.folder(without) if self.chance(0.9) else f"s3://bucket/{self.name(without + '?#')}/n{self.next()}"
        tag = self.pick(["py3-none-any", "py3-none-any", "py2.py3-none-any", "1-py3-none-any",
                         "cp310-cp310-manylinux_2_28_aarch64", "cp312-cp312-win_amd64"])
        if self.chance(0.65):
            # A wheel's file name spells a label with its own characters.
            return self.keep(f"{folder}/{self.pick(['churn', 'churn', 'Churn'])}-{self.pick(OLDER)}-{tag}.whl"), self.wheel, self.without(self.wheel)
        version, reason = self.pick(STAY.items())
        return self.keep(f"{folder}/churn-{version}-{tag}.whl"), None, (reason, *(self.without(self.wheel) if reason == "other-build" else ()))

    def jar_file(self, without=""):
        folder = self.folder(without)
        kind = self.dice.random()
        if kind < 0.2:
            name = self.pick([n.replace("_", "-") for n in LOOKALIKES] + ["churn-assembly"])
            return self.keep(f"{folder}/{name}-1.2.0.jar"), None, ()
        if kind < 0.65:
            return self.keep(f"{folder}/churn-{self.pick(JAR_OLDER)}.jar"), self.jar, self.without(self.jar)
        if kind < 0.8:
            file = self.pick(["churn_2.12-1.2.0.jar", "churn-1.2.0-sources.jar", "churn-1.2.0-tests.jar", "churn-1.2.0-spark33.jar",
                              "churn_2.13-1.0.9.jar"])
            return self.keep(f"{folder}/{file}"), None, ("other-build", *self.without(self.jar))
        version, reason = self.pick(JAR_STAY.items())
        return self.keep(f"{folder}/churn-{version}.jar"), None, (reason,)

    # ---------------------------------------------------------------- lines

    def pin(self):
        """(requirement, new one, reasons) without comment."""
        package = self.pick(["churn", "churn", "Churn", "CHURN"]) + self.pick(["", "", "[train]", "[a,b]"])
        between = self.pick(["==", "==", " == ", " ==", "== "])
        odd = "; python_version>'3.8' and extra != 'churn==1.1.0'"
        marker = self.pick(["", "", ' ; python_version > "3.8"', "; sys_platform == 'churn'", odd])
        kind = self.dice.random()
        if kind < 0.12:
            return f"{self.pick(LOOKALIKES).replace('_', '-')}=={self.pick(OLDER[:4])}{marker}", None, ()
        if kind < 0.5:
            version = self.pick(OLDER)
            new = f"{package}{between}{NEW}{marker}" if self.pins else None
            return f"{package}{between}{version}{marker}", new, () if self.pins else ("no-output", *self.without(self.wheel))
        if kind < 0.7:
            version, reason = self.pick(STAY.items())
            return f"{package}{between}{version}{marker}", None, (reason,)
        if kind < 0.85:
            return package + self.pick([">=1.2,<2", "~=1.2.0", "<2", ">1.0, !=1.2.0", ">=1.2"]) + marker, None, ("range",)
        if kind < 0.92:
            return package + marker, None, ("unpinned",)
        return package + "==" + self.pick(["latest", "1.0.9.RELEASE", "{{job.parameters.v}}", "${VERSION}"]), None, \
            ("unresolvable", "opaque")

    def comment(self):
        return self.pick(["", "", "", "  # was churn==1.1.0", " # /Volumes/x/churn-1.1.0-py3-none-any.whl", "  # it's \u00e4 \"x"])

    def dependency(self):
        """One line of an environment's dependencies."""
        kind = self.dice.random()
        if kind < 0.1:
            return Ref("dependency comment", self.pick(["# churn==1.1.0", "#churn==1.1.0", "  # /Volumes/x/churn-1.1.0-py3-none-any.whl",
                                                         "# it's [churn]==1.1.0"]))
        if kind < 0.4:
            old, new, reasons = self.pin()
            tail = self.comment()
            return Ref("dependency pin", old + tail, None if new is None else new + tail, reasons)
        if kind < 0.46:
            digest = "0" * 64
            line = f"churn=={self.pick(OLDER[:3])} --hash=sha256:{digest}"
            return Ref("dependency hash", line, None, ("hash-pinned",) if self.pins else ("hash-pinned", "no-output"))
        if kind < 0.62:
            old, new, reasons = self.whl(" \t#;'\"[]")  # a bare path ends where pip ends it
            tail = self.pick(["", "[train]"])
            if not old.startswith("/"):
                tail = ""
            return Ref("dependency path", old + tail, None if new is None else new + tail, reasons)
        if kind < 0.78:
            quote = self.pick("'\"")
            old, new, reasons = self.whl(quote + "\\")
            tail = self.pick(["", "", "[train]"]) if old.startswith("/") else ""
            return Ref("dependency quoted", f"{quote}{old}{tail}{quote}", None if new is None else f"{quote}{new}{tail}{quote}", reasons)
        if kind < 0.88:
            package = self.pick(["churn", "Churn", "churn[train]"])
            old, new, reasons = self.whl(HARD)
            if not old.split("/")[-1].lower().startswith("churn-") or not old.startswith("/"):
                return Ref("dependency comment", "# churn @ " + old)
            tail = self.pick(["", ' ; python_version > "3.8"'])
            return Ref("dependency url", f"{package} @ file://{old}{tail}",
                       None if new is None else f"{package} @ file://{new}{tail}", reasons)
        if kind < 0.92:
            return self.included()
        if kind < 0.95:
            path = self.keep(f"{self.folder(HARD, ['/Volumes/main'])}/churn-1.2.0-py3-none-any.whl")
            option = self.pick(["--find-links ", "-f ", "--find-links="])
            ref = Ref("dependency option", option + path, self.wheel and option + self.wheel, ("opaque", "unresolvable", "no-output", "other-kind"))
            ref.either = True
            return ref
        if kind < 0.97:
            return Ref("dependency archive", self.keep(f"{self.folder(HARD, ['/Volumes/main'])}/churn-1.2.0.tar.gz"), None, ("other-kind", "no-output"))
        return Ref("dependency other", self.pick(["numpy==1.26.4", "", "--index-url https://index.example/simple", "-e .",
                                                  "git+https://git.example/churn-tools.git@v1.2.0"]))

    def included(self):
        path = f"{self.folder(' #')}/requirements.txt"
        path = "/Workspace/" + path.split("/", 2)[2].lstrip("/") if not path.startswith("/Vol") else path
        path = re.sub(r"[\t'\"\\;\[\]`$%&|<>]", "_", path)
        kind = self.pick(["named", "other", "gone"])
        if kind != "gone":
            self.files[path] = b"# c\nchurn==1.1.0\n" if kind == "named" else b"churn-plus==1.1.0\n# churn==1.0.0\n"
        option = self.pick(["-r ", "-r ", "-r", "--requirement ", "--requirement=", "-c ", "--constraint "])
        return Ref("dependency -r", option + path, None, () if kind == "other" else ("opaque",))

    # ---------------------------------------------------------------- libraries

    def library(self, used):
        """One entry of `libraries`; `used`: what the list has already, for no list takes a file twice."""
        kind = self.pick(["whl", "whl", "whl", "jar", "jar", "egg", "pypi", "pypi", "maven", "requirements", "cran"])
        if kind == "whl":
            old, new, reasons = self.whl()
            tail = self.pick(["", "", "", "[train]"])
            if new is not None and "whl" in used:
                return {"cran": {"package": "churn"}}
            used.update({"whl"} if new is not None else ())
            return {"whl": Ref("libraries.whl", old + tail, None if new is None else new + tail, reasons)}
        if kind == "jar":
            old, new, reasons = self.jar_file()
            if new is not None and "jar" in used:
                return {"cran": {"package": "churn"}}
            used.update({"jar"} if new is not None else ())
            return {"jar": Ref("libraries.jar", old, new, reasons)}
        if kind == "egg":
            package, reasons = self.pick([("churn", ("other-kind", *self.without(self.wheel))), ("churn_plus", ())])
            return {"egg": Ref("libraries.egg", self.keep(f"{self.folder()}/{package}-{self.pick(JAR_OLDER)}-py3.9.egg"), None, reasons)}
        if kind in used:
            return {"cran": {"package": "churn"}}
        used.add(kind)
        if kind == "pypi":
            old, new, reasons = self.pin()
            return {"pypi": {"package": Ref("libraries.pypi", old, new, reasons)}}
        if kind == "maven":
            return {"maven": {"coordinates": self.coordinates("libraries.maven"), "exclusions": ["com.example:churn"]}}
        if kind == "requirements":
            return {"requirements": self.requirements_library()}
        return {"cran": {"package": "churn"}}

    def requirements_library(self):
        path = re.sub("^(dbfs:|/dbfs)", "/Volumes/main", self.folder()) + "/requirements.txt"
        kind = self.pick(["named", "other", "gone"])
        if kind != "gone":
            self.files[path] = b"# c\nchurn==1.1.0\n" if kind == "named" else b"churn-plus==1.1.0\n# churn==1.0.0\n"
        return Ref("libraries.requirements", path, None, () if kind == "other" else ("opaque",))

    def base_environment(self):
        named = self.chance(0.5)
        path = f"/Workspace/Shared/{self.name()}/n{self.next()}/env.yaml"
        self.files[path] = f"environment_version: '2'\ndependencies:\n  - {'churn' if named else 'xchurn'}==1.1.0\n".encode()
        return Ref("base_environment", path, None, ("opaque",) if named else ())

    def coordinates(self, site):
        kind = self.dice.random()
        if kind < 0.3:
            return Ref(site, f"com.example:{self.pick(['churn-plus', 'xchurn', 'churn-extra'])}:1.2.0")
        if kind < 0.7:
            new = f"com.example:churn:{NEW}" if self.pins else None
            return Ref(site, f"com.example:churn:{self.pick(JAR_OLDER)}", new, () if self.pins else ("no-output", *self.without(self.jar)))
        version, reason = self.pick(JAR_STAY.items())
        return Ref(site, f"com.example:churn:{version}", None, (reason,))

    def libraries(self, kinds=None):
        used, found = set(), []
        for _ in range(self.pick([1, 2, 3, 4])):
            entry = self.library(used)
            if kinds is None or set(entry) <= kinds:
                found.append(entry)
        return [entry for n, entry in enumerate(found) if entry not in found[:n]]

    # ---------------------------------------------------------------- tasks

    def submit(self):
        """spark_submit_task: what stands before the application and the application itself count, its arguments do not."""
        words = []
        for _ in range(self.pick([1, 2])):
            flag, make, quoted = self.pick([("--py-files", self.whl, False), ("--jars", self.jar_file, False), ("--files", self.jar_file, False)])
            site = f"submit {flag}"
            parts = []
            for _ in range(self.pick([1, 1, 2, 3])):
                old, new, reasons = make(",")
                if new is not None and any(part[1] for part in parts):
                    continue
                parts.append((old, new, reasons))
            first = next((p for p in parts if p[1] is not None), parts[0])
            rest = [p for p in parts if p is not first]
            joined = self.list_of(site, [first], also=[p[2] for p in rest if p[2]], others=[p[0] for p in rest] + [f"/Volumes/main/x/{self.name(',')}/{self.pick(['numpy-1.0-py3-none-any.whl', 'spark-3.5.1.jar'])}"])
            if self.chance(0.25):
                joined = Ref(site, f"{flag}={joined.old}", None if joined.new is None else f"{flag}={joined.new}", joined.reasons, also=joined.also)
                words += [joined]
            else:
                words += [flag, joined]
        if self.chance(0.3):
            words += ["--packages", self.coordinates("submit --packages")]
        if self.chance(0.2):
            words += ["--conf", Ref("submit --conf", f"spark.jars={self.folder(',')}/churn-1.2.0.jar", None, ("opaque",))]
        words += ["--conf", "spark.executor.memory=4g", "--class", "com.example.churn.Score"]
        if self.chance(0.5):
            old, new, reasons = self.jar_file()
            words.append(Ref("submit application", old, new, reasons))
        else:
            words.append("dbfs:/apps/main.py")
        words += [Ref("submit argument", text) for text in self.dice.sample(
            ["--pin", "churn==1.1.0", "/Volumes/x/churn-1.1.0.jar", "--jars", "/Volumes/x/y z/churn-1.2.0.jar,/a",
             "/Volumes/x/churn-1.2.0-py3-none-any.whl", "--py-files=/x/churn-1.1.0-py3-none-any.whl"], self.pick([0, 1, 3]))]
        return {"parameters": words}

    def list_of(self, site, ours, others, also=()):
        """A comma list of one reference of ours among others."""
        old, new, reasons = ours[0]
        place = self.dice.randint(0, len(others))
        texts = [",".join(others[:place] + [mine] + others[place:]) if mine is not None else None for mine in (old, new)]
        ref = Ref(site, texts[0], texts[1], reasons)
        ref.also = [set(reasons) for reasons in also]
        return ref

    def task(self, depth=0):
        key = f"t{self.next()}-{self.pick(['a', 'churn', 'B_1'])}"
        task = {"task_key": key}
        kind = self.pick(["notebook", "notebook", "wheel", "submit", "jar", "python", "each", "env"])
        if kind == "each" and depth == 0:
            inner = self.task(1)
            task["for_each_task"] = {"inputs": "[\"churn==1.1.0\", 2]", "concurrency": 2, "task": inner}
            return task
        if kind == "submit":
            task["spark_submit_task"] = self.submit()
            task["new_cluster"] = self.cluster_settings()
            return task
        if kind == "env":
            task["environment_key"] = "env-a"
            task["python_wheel_task"] = {"package_name": "churn", "entry_point": "main"}
            return task
        if kind == "jar":
            task["spark_jar_task"] = {"main_class_name": "com.example.churn.Score"}
            if self.chance(0.6):
                old, new, reasons = self.jar_file()
                task["spark_jar_task"]["jar_uri"] = Ref("jar_uri", old, new, reasons)
        elif kind == "python":
            parameter, reasons = self.pick([("--lib=churn==1.1.0", ("opaque",)), ("churn==1.2.0", ("opaque",)),
                                            ("/Volumes/x/churn-1.2.0-py3-none-any.whl", ("opaque",)),
                                            ("churn-plus==1.2.0", ()), ("churn", ()), ("xchurn-1.2.0.jar", ())])
            task["spark_python_task"] = {"python_file": "dbfs:/apps/main.py",
                                         "parameters": ["--day", Ref("parameters", parameter, None, reasons)]}
        elif kind == "wheel":
            task["python_wheel_task"] = {"package_name": "churn", "entry_point": "main"}
        else:
            task["notebook_task"] = {"notebook_path": f"/Shared/{self.name()}/churn-1.1.0"}
        task["description"] = self.pick(["", "was churn==1.1.0", self.name()])
        if self.chance(0.7):
            task["libraries"] = self.libraries()
        if self.chance(0.5):
            task["new_cluster"] = self.cluster_settings()
        return task

    def cluster_settings(self):
        cluster = {"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 1,
                   "custom_tags": {"lib": "churn-1.1.0", "note": self.name()}}
        if self.chance(0.3):
            text, reasons = self.pick([("churn==1.2.0", ("opaque",)), ("/Volumes/a/churn-1.1.0-py3-none-any.whl", ("opaque",)),
                                       ("churn_plus==1.2.0", ()), ("prod", ())])
            cluster["spark_env_vars"] = {"LIB": Ref("spark_env_vars", text, None, reasons)}
        if self.chance(0.2):
            cluster["spark_conf"] = {"spark.jars.packages": Ref("spark_conf", "com.example:churn:1.2.0", None, ("opaque",))}
        if self.chance(0.3):
            kind = self.pick(["named", "other"])
            path = f"/Workspace/Shared/init {self.name()}/n{self.next()}.sh"
            self.files[path] = b"#!/bin/sh\npip install churn==1.1.0\n" if kind == "named" else b"#!/bin/sh\npip install xchurn==1.0\n"
            cluster["init_scripts"] = [{"workspace": {"destination": Ref("init script", path, None, ("opaque",) if kind == "named" else ())}}]
        return cluster

    # ---------------------------------------------------------------- objects

    def job(self):
        number = self.next() + 100
        settings = {"name": self.pick([self.name(), f"[dev ada] nightly {number}", f"churn==1.1.0 {self.name()}", "churn-1.2.0.jar"]),
                    "description": "uses churn==1.1.0", "tags": {"churn": "1.1.0"},
                    "tasks": [self.task() for _ in range(self.pick([1, 2, 3]))]}
        if self.chance(0.02):  # more than one page of them
            settings["tasks"] += [{"task_key": f"m{n}", "notebook_task": {"notebook_path": "/Shared/x"}} for n in range(103)]
            settings["tasks"].append(self.task())
        for before, task in zip(settings["tasks"], settings["tasks"][1:]):
            task["depends_on"] = [{"task_key": before["task_key"]}]
        if self.chance(0.6) or any(t.get("environment_key") or t.get("for_each_task", {}).get("task", {}).get("environment_key")
                                   for t in settings["tasks"]):
            settings["environments"] = [
                {"environment_key": key, "spec": {"client": "2", "dependencies": [self.dependency() for _ in range(self.pick([1, 3, 6]))]}}
                for key in ["env-a", "env-b"][:self.pick([1, 2])]]
            if self.chance(0.3):
                settings["environments"][-1]["spec"]["base_environment"] = self.base_environment()
            if self.chance(0.4):
                old, new, reasons = self.jar_file()
                settings["environments"][0]["spec"]["java_dependencies"] = [Ref("java_dependencies", old, new, reasons)]
        if self.chance(0.3):
            settings["job_clusters"] = [{"job_cluster_key": "shared", "new_cluster": self.cluster_settings()}]
        if self.chance(0.5):
            settings["schedule"] = {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"}
        if self.chance(0.1):
            settings["deployment"] = {"kind": "BUNDLE", "metadata_file_path": "/Workspace/Users/ada/.bundle/x y/metadata.json"}
            self.owned(settings)
        self.objects[f"jobs/{number}"] = {"job_id": number, "created_time": 1700000000000 + number,
                                          "creator_user_name": "ada@example.invalid", "settings": settings}

    def owned(self, settings):
        """What would move belongs to the bundle."""
        for ref in references(settings):
            if ref.new is not None:
                ref.new, ref.reasons = None, (ref.reasons or set()) | {"foreign-owner"}
            elif ref.reasons:
                ref.reasons |= {"foreign-owner"}
            ref.also = [reasons | {"foreign-owner"} for reasons in ref.also]

    def pipeline(self):
        name = f"p{self.next()}"
        spec = {"id": name, "name": self.name(), "continuous": self.chance(0.3), "channel": "CURRENT",
                "configuration": {"lib": Ref("pipeline configuration", "churn==1.2.0", None, ("opaque",))} if self.chance(0.3) else {},
                "libraries": [{"notebook": {"path": "/Shared/churn-1.1.0"}}, *self.libraries({"whl", "jar", "maven"})],
                "environment": {"dependencies": [self.dependency() for _ in range(self.pick([1, 3]))]}}
        self.objects[f"pipelines/{name}"] = {"pipeline_id": name, "name": spec["name"], "spec": spec, "last_modified": 1700000000000}

    def policy(self):
        name = f"POL{self.next()}"
        self.objects[f"policies/{name}"] = {"policy_id": name, "name": self.name(), "description": "churn==1.1.0",
                                            "definition": '{"spark_version":{"type":"fixed","value":"15.4.x"}}',
                                            "libraries": self.libraries()}

    def cluster(self):
        name = f"c{self.next()}"
        libraries = [entry for entry in self.libraries({"whl", "jar", "egg", "pypi", "maven"})]
        if not self.clusters:
            for ref in references(libraries):
                if ref.new is not None:
                    ref.new, ref.reasons = None, {"opaque"}
                elif ref.reasons:
                    ref.reasons |= {"opaque"}
        self.objects[f"clusters/{name}"] = {"cluster_id": name, "cluster_name": self.name(), "state": "TERMINATED",
                                            "spark_version": "15.4.x-scala2.12", "cluster_source": "UI", "libraries": libraries}

    def workspace(self):
        for make, count in ((self.job, 9), (self.pipeline, 2), (self.policy, 2), (self.cluster, 2)):
            for _ in range(count):
                make()
        return self


# ---------------------------------------------------------------- the test
