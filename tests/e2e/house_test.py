"""The rules of the house: include directions, one adapter per library, sizes of files."""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(os.environ.get("MLSHIP_SOURCE", pathlib.Path(__file__).parents[2]))

# Which top folder may include which (ARCHITECTURE.md).
ALLOWED = {
    "core": {"core"},
    "packager": {"core", "packager"},
    "registry": {"core", "registry"},
    "deployers": {"core", "deployers"},
    "cli": {"core", "packager", "registry", "deployers", "cli"},
    "manual": {"core", "deployers", "cli", "manual"},
}
# What tests measure mlship against must not be made of mlship: these may include core and themselves.
INDEPENDENT = ("tests/support/databricks/", "tests/tools/databricks_workspace.cpp", "tests/unit/support_databricks/")
# Each library behind one source file or folder.
ADAPTERS = {
    r"curl/": ["core/host/http"],
    r"git2": ["core/host/git_", "core/host/git.cpp", "packager/git_tree.cpp"],
    r"yaml-cpp/": ["deployers/document/yaml"],
    r"archive(_entry)?\.h": ["packager/tar_reader"],
    r"toml\+\+": ["core/toml"],
    r"CLI/": ["cli/"],
    r"nlohmann/json\.hpp": ["core/json_library"],
    r"zlib\.h": ["packager/zip_", "packager/inflate"],
    r"utf8proc": ["packager/"],
}


def sources():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.h"], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout.split()
    return [path for path in listed if (ROOT / path).exists()]


def includes(path):
    return re.findall(r'#include [<"]([^">]+)[">]', (ROOT / path).read_text(encoding="utf-8"))


class House(unittest.TestCase):
    def test_include_direction(self):
        wrong = []
        for path in sources():
            allowed = ALLOWED.get(path.split("/")[0])
            for name in includes(path):
                if allowed is not None and name.split("/")[0] in ALLOWED and name.split("/")[0] not in allowed:
                    wrong.append(f"{path} includes {name}")
        self.assertEqual(wrong, [])

    def test_what_is_expected_is_not_computed_by_mlship(self):
        checked = [path for path in sources() if path.startswith(INDEPENDENT)]
        wrong = [f"{path} includes {name}" for path in checked for name in includes(path)
                 if name.split("/")[0] in ALLOWED.keys() - {"core"}]
        self.assertEqual(wrong, [])
        self.assertGreater(len(checked), 20)

    def test_one_adapter_per_library(self):
        wrong = []
        for path in sources():
            if path.startswith("tests/"):
                continue
            for name in includes(path):
                for library, homes in ADAPTERS.items():
                    if re.match(library, name) and not any(path.startswith(home) for home in homes):
                        wrong.append(f"{path} includes {name}")
        self.assertEqual(wrong, [])

    def test_a_type_name_means_one_type(self):
        # Two types of one name in one program are no error to the linker, and one gets the other's functions.
        homes = {}
        for path in sources():
            if not path.endswith(".h") or path.startswith(("tests/", "bench/")):
                continue
            space = []
            for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
                if opened := re.match(r"namespace ([\w:]+) \{", line):
                    space.append(opened[1])
                elif re.match(r"\}  // namespace", line):
                    space.pop()
                elif defined := re.match(r"(?:struct|class|enum class) (\w+)(?: [^;]*)? \{", line):
                    homes.setdefault("::".join([*space, defined[1]]), set()).add(path)
        self.assertEqual({name: paths for name, paths in homes.items() if len(paths) > 1}, {})
        self.assertGreater(len(homes), 100)

    def test_files_fit_a_page_or_six(self):
        long = [path for path in sources() if len((ROOT / path).read_text(encoding="utf-8").splitlines()) > 600]
        self.assertEqual(long, [])

    def test_the_rule_finds_a_forbidden_include(self):
        # The checks above can fail: the tables cover the folders and libraries that are there.
        self.assertGreater(len(sources()), 50)
        self.assertTrue(any(re.match(r"toml\+\+", name) for path in sources() for name in includes(path)))


if __name__ == "__main__":
    unittest.main()
