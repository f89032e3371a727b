"""What every program in tests/e2e shares: running the built mlship in private surroundings, making small projects,
starting and stopping servers on loopback, comparing folders byte by byte. Python's standard library only.

A program starts with

    import os, sys
    sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
    import e2e

and ends with `e2e.main()`. CTest sets MLSHIP (the binary) and MLSHIP_SOURCE (the source folder).
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

KEPT_VARIABLES = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.invalid",
    "GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.invalid",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "GIT_CONFIG_NOSYSTEM": "1",
}
SKIPPED = 77  # the exit status CTest lists as "Skipped" (SKIP_RETURN_CODE in tests/CMakeLists.txt)


# ---------------------------------------------------------------- the program

def mlship_binary():
    """Absolute path of the built program, from $MLSHIP; an error that says so when it is not set or not there."""
    path = os.environ.get("MLSHIP", "")
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"MLSHIP must name the built mlship program; it is '{path}'")
    return os.path.abspath(path)


def source_folder():
    """pathlib.Path of mlship's source folder: $MLSHIP_SOURCE, else found from this file."""
    given = os.environ.get("MLSHIP_SOURCE")
    return pathlib.Path(given) if given else pathlib.Path(__file__).resolve().parents[2]


class Result:
    """What one program run left: `argv`, `exit` (negative: the signal), `out` and `err` as text, `seconds`."""

    def __init__(self, argv, exit_status, out, err, seconds):
        self.argv, self.exit, self.out, self.err, self.seconds = argv, exit_status, out, err, seconds

    def json(self):
        """The one JSON document on standard output; fails with the text when it is not exactly one."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError as error:
            raise AssertionError(f"not one JSON document ({error}):\n{self}") from error

    def __str__(self):
        return (f"$ {' '.join(map(str, self.argv))}\nexit {self.exit}\n--- stdout\n{self.out}"
                f"--- stderr\n{self.err}")


class Sandbox:
    """A temporary folder with a private HOME and XDG folders in which programs run; removed by close(), or at the
    end of a `with`. `root` is the folder; HOME is root/home; projects and targets go beside it. KEEP=1 keeps it."""

    def __init__(self, prefix="mlship-e2e-"):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self.home = self.root / "home"
        self.home.mkdir()
        self.variables = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Removes the folder, also when tests took away permissions in it."""
        if os.environ.get("KEEP"):
            print(f"kept: {self.root}", file=sys.stderr)
            return
        remove_tree(self.root)

    def environment(self, extra=None):
        """The whole environment of a run: private HOME and XDG folders, C.UTF-8, no proxy, no outer pip or git settings,
        an index that does not exist (index.test), and mlship on PATH. `extra` and self.variables override; a
        value of None removes."""
        env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        if os.environ.get("MLSHIP"):
            env["PATH"] = os.path.dirname(mlship_binary()) + os.pathsep + env.get("PATH", "/usr/bin:/bin")
        env.setdefault("LSAN_OPTIONS", f"suppressions={source_folder()}/tests/support/leaks.supp:print_suppressions=0")
        env.update(GIT_IDENTITY)
        env.update({
            "HOME": str(self.home), "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(self.folder("tmp")),
            "XDG_CONFIG_HOME": str(self.home / ".config"), "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"), "XDG_RUNTIME_DIR": str(self.folder("run")),
            "PIP_INDEX_URL": "https://index.test/simple", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        })
        env.update({**self.variables, **(extra or {})})
        return {name: value for name, value in env.items() if value is not None}

    def folder(self, name):
        """root/NAME, made when absent."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, argv, cwd=None, env=None, input=None, exit=0, timeout=300):
        """Runs any program to its end and returns its Result. `exit`: the status it must have, None for any;
        otherwise an AssertionError with everything it wrote. `env`: additions to environment()."""
        argv = [str(a) for a in argv]
        begun = time.monotonic()
        done = subprocess.run(argv, cwd=cwd or self.root, env=self.environment(env), timeout=timeout, check=False,
                              input=input.encode() if isinstance(input, str) else input,
                              stdin=subprocess.DEVNULL if input is None else None, capture_output=True)
        result = Result(argv, done.returncode, done.stdout.decode("utf-8", "replace"),
                        done.stderr.decode("utf-8", "replace"), time.monotonic() - begun)
        if exit is not None and result.exit != exit:
            raise AssertionError(f"expected exit {exit}:\n{result}")
        return result

    def mlship(self, *args, cwd=None, env=None, input=None, exit=0, timeout=300):
        """Runs `mlship ARGS…` without a terminal; see run()."""
        return self.run([mlship_binary(), *args], cwd=cwd, env=env, input=input, exit=exit, timeout=timeout)

    def mlship_json(self, *args, **how):
        """Runs `mlship ARGS… --json` and returns the parsed document."""
        return self.mlship(*args, "--json", **how).json()

    def git(self, folder, *args):
        """Runs `git ARGS…` in `folder` with a fixed identity and date; returns its standard output, stripped."""
        return self.run(["git", "-C", folder, *args]).out.strip()


def remove_tree(folder):
    """rm -rf, also through folders whose permissions were taken away; never follows links."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(path, name)):
                os.chmod(os.path.join(path, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- projects

def sha256_hex(content):
    """Hex sha256 of bytes, or of the file at a path."""
    if not isinstance(content, bytes):
        content = pathlib.Path(content).read_bytes()
    return hashlib.sha256(content).hexdigest()


def write_file(path, content, mode=0o644):
    """Writes text or bytes, makes the folders above, sets the mode whatever the umask is; returns pathlib.Path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def write_wheel(folder, name, version, files=None, requires=(), tag="py3-none-any", scripts=None):
    """Makes folder/NAME-VERSION-TAG.whl, a valid wheel (PEP 427) of `files` {path: text or bytes}, by default one
    module NAME/__init__.py with VERSION. `scripts`: {command: "module:function"}. Same arguments, same bytes."""
    base = name.replace("-", "_")
    info = f"{base}-{version}.dist-info"
    members = dict(files) if files is not None else {f"{base}/__init__.py": f"VERSION = {version!r}\n"}
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    members[f"{info}/METADATA"] = metadata + "".join(f"Requires-Dist: {r}\n" for r in requires)
    pure = "true" if tag.endswith("-none-any") else "false"
    members[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    if scripts:
        lines = "".join(f"{command} = {target}\n" for command, target in sorted(scripts.items()))
        members[f"{info}/entry_points.txt"] = "[console_scripts]\n" + lines
    members = {p: c.encode() if isinstance(c, str) else c for p, c in members.items()}
    record = "".join(f"{p},sha256={_urlsafe(hashlib.sha256(c).digest())},{len(c)}\n" for p, c in members.items())
    members[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    return write_zip(pathlib.Path(folder) / f"{base}-{version}-{tag}.whl", members)


def write_zip(path, members):
    """Makes a zip of `members` {path: text or bytes}. Same arguments, same bytes; returns pathlib.Path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def write_egg(folder, name, version, tag="-py3.6"):
    """Makes folder/NAME-VERSION-py3.6.egg with one module and what setuptools writes about it; returns its path."""
    base = name.replace("-", "_")
    info = f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\nSummary: UNKNOWN\n"
    return write_zip(pathlib.Path(folder) / f"{base}-{version}{tag}.egg",
                     {f"{base}/__init__.py": f"VERSION = {version!r}\n", "EGG-INFO/PKG-INFO": info})


def write_jar(folder, name, version, poms=None, file=None):
    """Makes folder/NAME-VERSION.jar (or `file`) with a pom.properties for each (artifactId, version) of `poms`, by
    default its own; returns its path."""
    members = {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n\n", "churn/Score.class": f"{name} {version}\n"}
    for artifact, v in [(name, version)] if poms is None else poms:
        members[f"META-INF/maven/com.example/{artifact}/pom.properties"] = (
            f"#Generated by Maven\nversion={v}\ngroupId=com.example\nartifactId={artifact}\n")
    return write_zip(pathlib.Path(folder) / (file or f"{name}-{version}.jar"), members)


def _urlsafe(digest):
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def write_safetensors(path, values, metadata=None):
    """Writes one float32 tensor "weight" of `values` as a safetensors file; returns pathlib.Path."""
    data = struct.pack(f"<{len(values)}f", *values)
    header = {"weight": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}}
    if metadata:
        header = {"__metadata__": metadata, **header}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return write_file(path, struct.pack("<Q", len(text)) + text + data)


PROJECT_FILE = """\
[package]
name = "{name}"
version = "{version}"
owner = "team-test"

[code]
root = "src"
include = ["{module}/**"]
entry-points = {{ score = "{module}.score:main" }}

[dependencies]
lock = "requirements.lock"
targets = ["cp311-manylinux_2_28_x86_64"]
find-links = ["wheels"]

[[models]]
name = "classifier"
path = "models/classifier.safetensors"
"""

SCORE = """\
import tinydep


def main():
    print("{name} {version} with tinydep", tinydep.VERSION)
"""


# For `extra` of make_project(): a team with a registry in a folder and jobs in crontabs; {root} is the sandbox's.
TEAM = """
[registries.team]
url = "layout:{root}/registry"

[targets.edge]
kind = "cron"
files = ["{root}/cron.d/*"]
install-root = "{root}/opt"

[environments.prod]
registry = "team"
targets = ["edge"]
"""


def file_target(name, kind, files, *more):
    """A section for `extra` of make_project(); {root} is the sandbox's."""
    lines = [f"[targets.{name}]", f'kind = "{kind}"', f'files = ["{{root}}/{files}"]', *more]
    return "\n" + "\n".join(lines) + "\n"


def make_project(sandbox, folder="project", name="churn", version="1.4.0", extra=""):
    """Makes root/FOLDER: a git project with one package, a hash-pinned lock of one local wheel (tinydep 1.0, found
    through find-links), one model and mlship.toml, all committed. `extra` is appended to mlship.toml. No network is
    needed to build it. Its entry point `score` prints "NAME VERSION with tinydep 1.0". Returns the folder."""
    root = sandbox.root / folder
    module = name.replace("-", "_")
    wheel = write_wheel(root / "wheels", "tinydep", "1.0")
    write_file(root / "requirements.lock", f"tinydep==1.0 \\\n    --hash=sha256:{sha256_hex(wheel)}\n")
    write_file(root / "src" / module / "__init__.py", f'__version__ = "{version}"\n')
    write_file(root / "src" / module / "score.py", SCORE.format(name=name, version=version))
    write_safetensors(root / "models/classifier.safetensors", [float(c) for c in version.encode()])
    write_file(root / "mlship.toml", PROJECT_FILE.format(name=name, version=version, module=module) + extra)
    write_file(root / ".gitignore", "dist/\n.mlship/\n")
    write_file(root / "README.md", f"# {name}\n")
    sandbox.git(root, "init", "-q", "-b", "main")
    commit(sandbox, root, f"{name} {version}")
    return root


def set_version(sandbox, project, version):
    """Raises a make_project() project to `version` (mlship.toml, code and model change) and commits."""
    toml = project / "mlship.toml"
    old = toml.read_text().split('version = "', 1)[1].split('"', 1)[0]
    for path in (toml, *sorted((project / "src").rglob("*.py"))):
        text = path.read_text()
        write_file(path, text.replace(f'"{old}"', f'"{version}"').replace(f" {old} ", f" {version} "))
    write_safetensors(project / "models/classifier.safetensors", [float(c) for c in version.encode()])
    commit(sandbox, project, f"version {version}")


def commit(sandbox, folder, message):
    """git add -A and commit; returns the commit's id."""
    sandbox.git(folder, "add", "-A")
    sandbox.git(folder, "commit", "-q", "-m", message)
    return sandbox.git(folder, "rev-parse", "HEAD")


# ---------------------------------------------------------------- servers

def free_port():
    """A TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process on loopback, stopped by its own pid. `with Server(sandbox, argv, port):` waits until the port
    answers; its output is in `log`. Dies with an AssertionError that shows the log when it does not come up."""

    def __init__(self, sandbox, argv, port, env=None, wait=30):
        self.port = port
        self.log = sandbox.folder("logs") / f"{os.path.basename(str(argv[0]))}-{port}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(a) for a in argv], cwd=sandbox.root, env=sandbox.environment(env),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait_until_up(wait)
        except BaseException:
            self.stop()
            raise

    def _wait_until_up(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self.process.args} does not listen on {self.port}:\n{self.log.read_text()}")

    def stop(self):
        """SIGTERM, then SIGKILL after ten seconds; harmless when it has ended already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


DOCKER_REGISTRY_CONFIG = """\
version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {data}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
"""
REGISTRY_LOGIN = ("robot", "s3cret-Pass")
HTPASSWD = "robot:$2y$04$abcdefghijklmnopqrstuuHLbglnOOgd5a7UI4bLviJxHmYqSC39G\n"  # the cheapest bcrypt of it


def docker_registry(sandbox, password=False, certificate=None):
    """Starts Debian's docker-registry with an empty store in the sandbox; returns its Server. `port` tells where.
    password: only REGISTRY_LOGIN may do anything. certificate: (certificate file, key file) for TLS."""
    require_program("docker-registry")
    port = free_port()
    data = sandbox.folder(f"docker-registry-{port}/data")
    text = DOCKER_REGISTRY_CONFIG.format(data=data, port=port)
    if certificate:
        text += "  tls: {{certificate: {}, key: {}}}\n".format(*certificate)
    if password:
        users = write_file(data.parent / "htpasswd", HTPASSWD)
        text += f"auth:\n  htpasswd: {{realm: test, path: {users}}}\n"
    config = write_file(data.parent / "config.yml", text)
    return Server(sandbox, ["docker-registry", "serve", config], port)


# ---------------------------------------------------------------- folders

def snapshot(root):
    """{relative path: (kind, mode, uid, gid, content)} of everything below root and of root itself ("."). Content:
    the bytes of a file, the target of a link, None of a folder. Nothing is followed."""
    root = pathlib.Path(root)
    found = {".": _entry(root)}
    for path, folders, files in os.walk(root):
        for name in folders + files:
            full = pathlib.Path(path) / name
            found[str(full.relative_to(root))] = _entry(full)
    return found


def _entry(path):
    info = path.lstat()
    kind, content = "other", None
    if stat.S_ISREG(info.st_mode):
        kind, content = "file", path.read_bytes()
    elif stat.S_ISLNK(info.st_mode):
        kind, content = "link", os.readlink(path)
    elif stat.S_ISDIR(info.st_mode):
        kind = "folder"
    return kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, content


def differences(before, after):
    """Lines that say how two snapshots differ, [] when they are identical: "+ path", "- path",
    "~ path: mode 644 -> 600, content"."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            lines.append(f"- {path}")
        elif path not in before:
            lines.append(f"+ {path}")
        elif before[path] != after[path]:
            lines.append(f"~ {path}: {', '.join(_changes(before[path], after[path]))}")
    return lines


def _changes(old, new):
    names = ("kind", "mode", "uid", "gid", "content")
    for name, a, b in zip(names, old, new):
        if a != b:
            yield name if name == "content" else f"{name} {_shown(name, a)} -> {_shown(name, b)}"


def _shown(name, value):
    return f"{value:o}" if name == "mode" else str(value)


# ---------------------------------------------------------------- running the tests

def require_program(name):
    """Skips the test, loudly, when a program it needs is not installed."""
    if shutil.which(name) is None:
        raise unittest.SkipTest(f"{name} is not installed; scripts/setup test installs it")


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
OWN_MOUNTS = ["unshare", "--mount"]


def require_able(prefix):
    """Skips the test where the machine lets nobody run a program behind `prefix`: in a container without the right, or
    a root folder that other users may not enter."""
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise unittest.SkipTest(f"{' '.join(prefix)} does not work on this machine: {tried.stderr.strip()}")


def main():
    """Runs the calling module's unittest cases. Exit 0: all passed; 1: one failed; 77: passed, but one was skipped
    (each is listed at the end)."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    for case, reason in program.result.skipped:
        print(f"SKIPPED {case}: {reason}", file=sys.stderr)
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if program.result.skipped else 0)
