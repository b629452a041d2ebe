"""A package imports only from rows above its own, and packages of one row do not import each other."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "pytest_sentry_harness"
PACKAGE = "pytest_sentry_harness"
ROWS: list[set[str]] = [
    {"model", "errors", "clock"},
    {"protocol", "plan", "statistics"},
    {"ledger", "store"},
    {"injection", "monitor"},
    {"server", "targets", "load", "channels"},
    {"reconcile", "monitoring"},
    {"criteria"},
    {"report"},
    {"harness"},
    {"doctor"},
    {"pytest_plugin", "locust_ext", "cli", "testing"},
    {"reference"},
]
ROW = {name: number for number, names in enumerate(ROWS) for name in names}


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Line and top-level part of every import of this project that happens at run time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for branch in node.body
        for child in ast.walk(branch)
    }
    package = (PACKAGE, *path.relative_to(ROOT).parent.parts)
    found = []
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE and len(parts) > 1 and parts[1] in ROW:
                found.append((node.lineno, parts[1]))
    return found


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def test_every_package_has_a_row() -> None:
    """A new package must be given its place first."""
    present = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name != "__pycache__"}
    present |= {p.stem for p in ROOT.glob("*.py") if p.stem != "__init__"}
    assert present == set(ROW)


def test_imports_point_upwards() -> None:
    """The direction of imports holds for each module; at the top of the package nothing is imported."""
    wrong = []
    for path in modules():
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        row = ROW.get(own, 0)
        wrong += [
            f"{path.relative_to(ROOT)}:{line} imports {other} (row {ROW[other]}) from {own} (row {row})"
            for line, other in imports_of(path)
            if other != own and ROW[other] >= row
        ]
    assert wrong == []
