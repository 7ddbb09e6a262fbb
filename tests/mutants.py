"""Mutation testing: how many small faults in a module its quick tests find, of a sample drawn by a seed.

python tests/mutants.py [--count N] [--seed S] [module ...]

Each mutant changes one node of the module's syntax tree in a copy of the project, and runs the module's tests and
doctests until the first failure. A mutant that passes them all is printed. mutmut (3.8) mutates no code outside of
functions and no properties, which is where a family's parameters and lengths are declared; cosmic-ray (8.7) edits the
working tree in place, draws no sample, and starts an interpreter for every mutant, which must import the frameworks
anew. Here each is a fork of a process that has imported them already. A mutant that never ends counts as found, and is
printed: on a busy machine a slow one reads the same. Needs Linux or macOS.
"""

import argparse
import ast
import contextlib
import importlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = {  # module: pytest's arguments, and what to import beforehand
    "schedules": (
        ["library/test_schedules.py", "library/test_golden.py"],
        ["numpy", "hypothesis.strategies", "matplotlib.pyplot"],
    ),
    "plateau": (["library/test_plateau.py"], ["numpy", "hypothesis.strategies", "torch", "keras"]),
    "finder": (["library/test_finder.py", "-m", "not slow"], ["numpy", "hypothesis.strategies", "matplotlib.pyplot"]),
    "interop": (["library/test_interop.py"], ["hypothesis.strategies", "torch", "keras"]),
    "torch": (["library/test_torch.py"], ["hypothesis.strategies", "torch._dynamo", "torch._inductor.compile_fx"]),
    "keras": (["library/test_keras.py", "-m", "not slow"], ["hypothesis.strategies", "torch", "keras"]),
    "_keras_callbacks": (["library/test_backends.py", "-m", "not slow"], ["hypothesis.strategies", "keras"]),
    "_torch_range": (["library/test_range_torch.py"], ["torch"]),
    "_keras_range": (["library/test_range_keras.py"], ["keras"]),
    "_snapshot": (["library/test_range_torch.py", "library/test_range_keras.py"], ["torch", "keras"]),
    "course/words": (["course/test_words.py"], ["hypothesis.strategies", "scipy.stats"]),
    "course/samples": (["course/test_samples.py", "course/test_rules.py"], ["scipy.stats"]),
    "course/plan": (["course/test_plan.py"], ["scipy.stats"]),
    "course/stats": (["course/test_stats.py"], ["scipy.stats"]),
    "course/rules": (["course/test_rules.py"], ["scipy.stats"]),
    "course/store": (["course/test_store.py", "-m", "not slow"], ["filelock", "psutil"]),
    "course/study": (
        ["course/test_store.py", "course/test_study.py", "course/test_plan.py", "-m", "not slow"],
        ["torch", "keras", "scipy.stats"],
    ),
    "course/prediction/law": (
        ["course/test_prediction.py"],
        ["scipy.stats", "scipy.optimize", "hypothesis.strategies"],
    ),
    "course/prediction/bound": (
        ["course/test_prediction.py"],
        ["scipy.stats", "scipy.optimize", "hypothesis.strategies"],
    ),
    "course/prediction/least_squares": (
        ["course/test_prediction.py"],
        ["scipy.stats", "scipy.optimize", "hypothesis.strategies"],
    ),
    "course/data": (["course/test_data.py", "-m", "not slow"], ["numpy", "pooch", "sklearn.datasets"]),
}
SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mod,
    ast.Mod: ast.FloorDiv, ast.USub: ast.UAdd,
}  # fmt: skip
PAIRS = [("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("any", "all"), ("floor", "ceil")]
RENAMED = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}


def of_node(node: ast.AST) -> Iterator[tuple[str, object]]:
    """(name of the field, new value) of each mutant of one node. Strings are left alone."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield "ops", [*ops[:i], SWAPPED[type(op)](), *ops[i + 1 :]]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) | ast.UnaryOp(op=op) if type(op) in SWAPPED:
            yield "op", SWAPPED[type(op)]()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "operand", ast.UnaryOp(ast.Not(), operand)
        case ast.Constant(value=bool() as flag):
            yield "value", not flag
        case ast.Constant(value=int() as number):
            yield "value", number + 1
        case ast.Constant(value=float() as number):
            yield "value", 2 * number or 1.0
        case ast.Name(id=name) if name in RENAMED:
            yield "id", RENAMED[name]
        case ast.Attribute(attr=name) if name in RENAMED:
            yield "attr", RENAMED[name]
        case ast.Expr(value=ast.Call()):
            yield "value", ast.Constant(None)  # the call is left out
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) if not isinstance(test, ast.Compare):
            yield "test", ast.UnaryOp(ast.Not(), test)


def outcome(copy: Path, arguments: list[str], cpu_seconds: int) -> str:
    """What the tests did on the copy, in a fork: "passed", "failed" or "ran too long", by CPU time or ten times it."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        too_long = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGKILL, signal.SIGXCPU)
        return "passed" if status == 0 else "ran too long" if too_long else "failed"
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        signal.alarm(10 * cpu_seconds)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *arguments])))
    finally:
        os._exit(1)


def score(module: str, copy: Path, count: int, seed: int) -> tuple[int, int]:
    """(killed, tried) of one module; prints the survivors."""
    file = copy / "lrlib" / f"{module}.py"
    text = file.read_text()
    lines, tree = text.splitlines(), ast.parse(text)
    arguments = [f"tests/{a}" if a.endswith(".py") else a for a in TESTS[module][0]]
    arguments += ["--doctest-modules", str(file.relative_to(copy))]
    for name in TESTS[module][1]:
        importlib.import_module(name)
    start = os.times().children_user
    if outcome(copy, arguments, 600) != "passed":
        raise SystemExit(f"{module}: its tests fail on the unchanged module")
    limit = int(3 * (os.times().children_user - start) + 10)
    file.write_text("raise RuntimeError\n" + text)
    if outcome(copy, arguments, limit) == "passed":
        raise SystemExit(f"{module}: its tests do not run on the copy")
    every = [(node, name, new) for node in ast.walk(tree) for name, new in of_node(node)]
    drawn = random.Random(seed).sample(every, min(count, len(every)))
    killed = 0
    for node, name, new in drawn:
        old = getattr(node, name)
        before = ast.unparse(node)
        setattr(node, name, new)
        file.write_text(ast.unparse(tree))
        found = outcome(copy, arguments, limit)
        if found != "failed":
            where = f"{module}.py:{node.lineno}:{node.col_offset + 1}"
            print(f"{found}  {where}  {before} → {ast.unparse(node)}")
            print("         ", lines[node.lineno - 1].strip(), flush=True)
        killed += found != "passed"
        setattr(node, name, old)
    file.write_text(text)
    return killed, len(drawn)


def main() -> None:
    # Bytecode is valid by its source's length and second: two mutants of one length in one second would be one.
    sys.dont_write_bytecode = True
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}; all by default")
    parser.add_argument("--count", type=int, default=40, help="mutants a module (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    options = parser.parse_args()
    if unknown := sorted(set(options.modules) - set(TESTS)):
        parser.error(f"no module is named {', '.join(unknown)}: choose from {', '.join(TESTS)}")
    if options.count < 1:
        parser.error(f"--count is 1 or more, got {options.count}")
    ignored = shutil.ignore_patterns(
        ".git",
        ".venv*",
        "released",
        "grading",
        "_build",
        "vendor",
        "node_modules",
        "__pycache__",
        "*_cache",
        "*.egg-info",
    )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=ignored)
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        with contextlib.redirect_stdout(io.StringIO()):  # as each fork will: plugins, and how the frameworks are set up
            pytest.main(["--collect-only", "tests/conftest.py"])
        for module in options.modules or TESTS:
            killed, tried = score(module, copy, options.count, options.seed)
            print(f"{module}: {killed} of {tried} killed, {killed / tried:.0%}", flush=True)


if __name__ == "__main__":
    main()
