# Helpers for the golden cases. What they print goes nowhere: a case shows mlship alone.

quiet() { "$@" >/dev/null 2>&1; }

# project NAME VERSION [TOML]: ./NAME, a committed git project whose lock holds one local wheel; makes it the folder to
# work in. TOML is appended to mlship.toml.
project() {
  python3 - "$1" "$2" "${3:-}" <<'PY'
import os, pathlib, sys
sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
class Here:
    root = pathlib.Path.cwd()
    def git(self, folder, *args):
        import subprocess
        return subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True, text=True).stdout.strip()
e2e.make_project(Here(), sys.argv[1], sys.argv[1], sys.argv[2], sys.argv[3])
PY
  cd "$1"
}

# version NEW: raises the project's version, code and model with it, and commits.
version() {
  python3 - "$1" <<'PY'
import os, pathlib, sys
sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
class Here:
    def git(self, folder, *args):
        import subprocess
        return subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True, text=True).stdout.strip()
e2e.set_version(Here(), pathlib.Path.cwd(), sys.argv[1])
PY
}

# published NAME VERSION [TOML]: a project whose version is built and in the registry.
published() {
  project "$@"
  quiet mlship build
  quiet mlship publish
}

# fleet: ../cron.d with two crontabs that refer to churn 1.2.0 under ../opt.
fleet() {
  mkdir -p ../cron.d ../opt/churn/1.2.0/bin
  printf '# nightly, was /opt/churn/1.1.0\n5 2 * * * root %s/churn/1.2.0/bin/score today.csv\n' "$(realpath ../opt)" >../cron.d/churn
  printf '30 * * * * root %s/churn/1.2.0/bin/score hourly.csv\n' "$(realpath ../opt)" >../cron.d/hourly
}
EDGE='
[targets.edge]
kind = "cron"
files = ["../cron.d/*"]
install-root = "../opt"
'
