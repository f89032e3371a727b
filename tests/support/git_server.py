"""A real git server on loopback: lighttpd in front of git http-backend, basic authentication, TLS on request."""

import pathlib
import subprocess

import e2e

USER, PASSWORD = "u", "p"
TLS = """
server.modules += ("mod_openssl")
ssl.engine = "enable"
ssl.pemfile = "@ROOT@/server.pem"
"""


def make_repository(sandbox, path):
    """A bare repository that takes pushes over HTTP and, like the hosted ones, only fast-forward ones."""
    sandbox.run(["git", "init", "-q", "--bare", "-b", "main", path])
    for name in ("http.receivepack", "receive.denyNonFastForwards", "receive.denyDeletes"):
        sandbox.run(["git", "-C", path, "config", name, "true"])
    return pathlib.Path(path)


class GitServer(e2e.Server):
    """`root`/repos/ledger.git at `url`. `ca`: the certificate to trust, with tls=True."""

    def __init__(self, sandbox, tls=False):
        for program in ("lighttpd", "htpasswd", "openssl"):
            e2e.require_program(program)
        self.root = sandbox.folder(f"git-server-{'tls' if tls else 'plain'}")
        (self.root / "repos").mkdir()
        (self.root / "empty").mkdir()
        self.repository = make_repository(sandbox, self.root / "repos/ledger.git")
        sandbox.run(["htpasswd", "-bc", self.root / "htpasswd", USER, PASSWORD])
        sandbox.run(["htpasswd", "-b", self.root / "htpasswd", "readonly", "r"])
        port = e2e.free_port()
        self.host = f"127.0.0.1:{port}"
        self.protocol = "https" if tls else "http"
        self.url = f"{self.protocol}://{self.host}/git/ledger.git"
        self.ca = self.root / "server.crt"
        text = (e2e.source_folder() / "tests/support/git-server.conf").read_text() + (TLS if tls else "")
        core = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
        for name, value in {"ROOT": self.root, "PORT": port, "CORE": core}.items():
            text = text.replace(f"@{name}@", str(value))
        if tls:
            self._certificate(sandbox)
        e2e.write_file(self.root / "lighttpd.conf", text)
        self.hook("post-update", f'echo "$@" >> {self.root}/pushes\n')
        super().__init__(sandbox, ["lighttpd", "-D", "-f", self.root / "lighttpd.conf"], port)

    def _certificate(self, sandbox):
        sandbox.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                     "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.root / "key.pem",
                     "-out", self.ca])
        e2e.write_file(self.root / "server.pem", (self.root / "key.pem").read_text() + self.ca.read_text(), 0o600)

    def hook(self, name, script):
        """Installs a hook of the repository; an empty script removes it."""
        path = self.repository / "hooks" / name
        if script:
            e2e.write_file(path, "#!/bin/sh\n" + script, 0o755)
        else:
            path.unlink()

    def pushes(self):
        """What each push so far has changed, one list of references for each: the server's own hook keeps count."""
        log = self.root / "pushes"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def remember_password(home, server, user=USER, password=PASSWORD):
    """Puts the password where git's own `store` helper finds it."""
    e2e.write_file(home / ".gitconfig", "[credential]\n\thelper = store\n")
    e2e.write_file(home / ".git-credentials", f"{server.protocol}://{user}:{password}@{server.host}\n", 0o600)
