"""The rules of the house that no linter knows: sizes, names, mirrored tests, public names, locks, leaks."""

import ast
import importlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "replayers")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
LOCKS = ("requirements.lock", "requirements-dev.lock")

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """Every Python file in these folders of the project, sorted, relative to its root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


CODE = python_files(*PACKAGES, "scenarios")
MODULES = [path for path in python_files(*PACKAGES) if not path.name.startswith("_")]
EVERYTHING = python_files(*PACKAGES, "scenarios", "tests")


@cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of a file of the project."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones too."""
    return (node for node in ast.walk(syntax(path)) if isinstance(node, type_of_function))


def lines_of_code(function: Function) -> int:
    """The lines of a function from its `def` on, without its docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def parameters(function: Function) -> int:
    """The parameters of a function beside self and cls."""
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return len([name for name in names if name not in {"self", "cls"}])


def test_no_file_is_longer_than_the_limit() -> None:
    """A file has one job, so it ends before 600 lines."""
    lengths = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in EVERYTHING}
    assert {path: n for path, n in lengths.items() if n > MAX_FILE_LINES} == {}


def shared_generators(path: Path) -> list[str]:
    """The names that the top level of a file binds to a generator of random numbers."""
    makers = {"default_rng", "Generator", "RandomState", "Random"}
    return [
        ast.unparse(node.targets[0])
        for node in syntax(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2] in makers
    ]


def test_no_module_holds_a_generator_that_tests_draw_from() -> None:
    """What a test draws does not depend on which tests drew before it."""
    found = {str(path): shared_generators(path) for path in EVERYTHING}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_function_is_longer_than_the_limit() -> None:
    """A function fits on a screen: at most 60 lines, its docstring not counted."""
    lengths = {
        f"{path}:{f.lineno} {f.name}": lines_of_code(f) for path in EVERYTHING for f in functions(path)
    }
    assert {place: n for place, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


def test_no_function_takes_more_parameters_than_the_limit() -> None:
    """What needs more than six parameters is a struct."""
    counts = {f"{path}:{f.lineno} {f.name}": parameters(f) for path in CODE for f in functions(path)}
    assert {place: n for place, n in counts.items() if n > MAX_PARAMETERS} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is named after what it holds; utils, helpers, common and manager hold anything."""
    named = {str(path): {*path.parent.parts, path.stem.strip("_")} for path in EVERYTHING}
    assert {path for path, names in named.items() if names & VAGUE_NAMES} == set()


def expected_test(module: Path) -> str:
    """The name of a module's own unit test: test_join.py for join.py, test_gates_x.py for gates/x.py."""
    parts = module.with_suffix("").parts
    return f"test_{'_'.join(parts[1:] if parts[0] == 'harness' else parts)}.py"


def test_every_module_has_its_own_unit_test() -> None:
    """tests/unit mirrors the modules, a file each; a private module is tested through its neighbours."""
    present = {path.name for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    missing = {str(module): expected_test(module) for module in MODULES}
    assert {module: test for module, test in missing.items() if test not in present} == {}


def undocumented(path: Path) -> list[str]:
    """The public classes, functions and methods of a file that have no docstring."""
    found: list[str] = []

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(
                node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                found.append(f"{prefix}{node.name}")
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")

    visit(syntax(path).body, f"{path}: ")
    return found


def test_everything_public_has_a_docstring() -> None:
    """Each public class, function and method of the two packages says what holds."""
    assert [name for path in python_files(*PACKAGES) for name in undocumented(path)] == []


def public_names(tree: ast.Module) -> set[str]:
    """The public names that the top level of a module defines or re-exports with a `from` import of ours."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize(
    "path",
    [path for path in python_files(*PACKAGES) if "__all__" in (ROOT / path).read_text(encoding="utf-8")],
    ids=str,
)
def test_the_public_names_of_a_module_are_those_it_has(path: Path) -> None:
    """Every name in `__all__` exists, and a package's leaves out no name that it defines or re-exports."""
    dotted = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(dotted)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    if path.name == "__init__.py":
        assert public_names(syntax(path)) - set(module.__all__) == set()


def test_every_silenced_rule_gives_its_reason() -> None:
    """A noqa names its rule and says why, after two dashes."""
    mark = re.compile(r"#\s*noqa")
    reasoned = re.compile(r"# noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*\s+-- \S")
    places = [
        f"{path}:{number}"
        for path in EVERYTHING
        if path.name != Path(__file__).name
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        if mark.search(line) and not reasoned.search(line)
    ]
    assert places == []


def locked(name: str) -> list[str]:
    """The logical lines of a lock file: one requirement each, with its hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pinned(name: str) -> dict[str, str]:
    """The versions that a lock file installs on this interpreter, by project."""
    requirements = [Requirement(re.sub(r"\s+--hash=\S+", "", line)) for line in locked(name)]
    here = {r.name: r for r in requirements if r.marker is None or r.marker.evaluate()}
    return {project: str(r.specifier).removeprefix("==") for project, r in here.items()}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_pinned_hashed_requirements_and_nothing_else(name: str) -> None:
    """No lock names an index, a folder or an address, and each requirement is one version with its hashes."""
    line = re.compile(r"[a-z0-9-]+==[\w.]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [text for text in locked(name) if not line.fullmatch(text)] == []
    assert locked(name)


@pytest.mark.parametrize(
    ("lock", "table"),
    [
        pytest.param("requirements.lock", "run", id="to run"),
        pytest.param("requirements-dev.lock", "run", id="to run, in the development set"),
        pytest.param("requirements-dev.lock", "dev", id="to develop"),
    ],
)
def test_a_lock_satisfies_what_the_project_declares(lock: str, table: str) -> None:
    """After a change of the dependencies the locks are written anew (make lock)."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = config["project"], config["dependency-groups"]
    declared = {
        "run": [*project["dependencies"], *project["optional-dependencies"]["serve"], *groups["build"]],
        "dev": groups["dev"],
    }[table]
    versions = pinned(lock)
    requirements = [Requirement(text) for text in declared]
    asked = [r for r in requirements if r.marker is None or r.marker.evaluate()]
    assert [str(r) for r in asked if not r.specifier.contains(versions.get(r.name, "0"))] == []


def test_both_locks_agree() -> None:
    """What runs is what was tested: the development set pins the same versions."""
    run, dev = (pinned(name) for name in LOCKS)
    assert run.items() <= dev.items()


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Each text file that git keeps, or would keep, with its content."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so what is tracked is unknown")
    listing = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in names.split("\0"):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode("utf-8", errors="replace")


def test_no_tracked_file_names_a_place_on_this_machine() -> None:
    """No file that git keeps holds the path of this checkout or of the home folder, or an index option."""
    places = [str(folder) for folder in (ROOT, Path.home()) if len(folder.parts) > 1]
    path = "|".join(rf"{re.escape(place)}(?![\w.-])" for place in places)
    option = "|".join(
        rf"--{name}\b" for name in ("index-url", "extra-index-url", "find-links", "trusted-host")
    )
    leak = re.compile(rf"(?<![\w.])(?:{path})|{option}")
    found = {name: match.group() for name, text in tracked_texts() if (match := leak.search(text))}
    assert found == {}


def test_make_help_lists_every_command() -> None:
    """Each phony target of the Makefile has its line of help."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[1:]
    assert sorted(re.findall(r"^([a-z-]+):.*## \S", text, flags=re.MULTILINE)) == sorted(phony)
