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

# units: ../system with a timer, what it starts and a service, which refer to churn 1.2.0 under ../opt.
units() {
  local opt
  mkdir -p ../system ../opt/churn/1.2.0/bin
  opt=$(realpath ../opt)
  install -m 755 /bin/true ../opt/churn/1.2.0/bin/score
  printf '[Timer]\nOnCalendar=daily\n' >../system/score.timer
  printf '[Service]\n# was 1.1.0\nExecStart=%s/churn/1.2.0/bin/score --today\n' "$opt" >../system/score.service
  printf '[Service]\nExecStart=-%s/churn/1.2.0/bin/score --serve\n' "$opt" >../system/api.service
}
UNITS='
[targets.units]
kind = "systemd"
files = ["../system/*"]
install-root = "../opt"
'

# stack: ../compose.yaml with two services that refer to churn 1.2.0 under ../opt.
stack() {
  mkdir -p ../opt/churn/1.2.0
  cat >../compose.yaml <<YAML
services:
  api: &api            # was churn==1.1.0
    image: 'python:3.11'
    volumes: ["$(realpath ../opt)/churn/1.2.0:/app:ro"]
  batch:
    <<: *api
    environment:
      PIN: churn==1.2.0
      TAG: churn==\${TAG}
YAML
}
STACK='
[targets.stack]
kind = "compose"
files = ["../compose.yaml"]
install-root = "../opt"
trust-pins = true
'

# artifact KIND NAME VERSION [FOLDER]: the wheel, egg or jar that another build tool would leave in FOLDER (dist).
artifact() {
  python3 - "$@" <<'PY'
import os, sys
sys.path.insert(0, os.path.join(os.environ["MLSHIP_SOURCE"], "tests", "support"))
import e2e
kind, name, version = sys.argv[1:4]
getattr(e2e, "write_" + kind)((sys.argv[4:] or ["dist"])[0], name, version)
PY
}
