"""Mutation testing: faults planted one at a time, each of which a fixed set of tests must find.

A process imports graphnn and collects the tests once, and records which test runs which line. For
each fault it forks: the child gives the functions their changed code and runs the tests that reach
the changed line, the fastest and those that have found most first, until one fails. A test that
first finds a fault must then pass without it, after the same tests, or it is left out. What imports
have run is, unless that finds it, changed before graphnn is imported, in a separate process.
Cases are drawn from a fixed seed and are not shrunk. A fault that no test finds survives: either a
test is missing, or it is not a fault.

    python benchmarks/mutation.py graphnn/spec/sizes.py graphnn/graph
    python benchmarks/mutation.py --sample 400      # of all modules together; --seed 1 takes others
    python benchmarks/mutation.py graphnn/spec/sizes.py:41 --tests tests/spec

By room it prints how many of the sample were found and, with a confidence of 95 %, at least which
part of all faults the tests find (Clopper and Pearson).
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import math
import os
import pickle
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, partial
from importlib import import_module
from itertools import accumulate, islice, pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TypeVar

import pytest
from coverage import Coverage
from faults import ROOT, Fault, compiled, faults, parse
from hypothesis import Phase, settings
from scipy.stats import binomtest

ENOUGH = 0.95  # of the faults must be found
TIMEOUT = 600  # seconds on a busy machine, after which a fault counts as found
ANEW = 10  # times `--most` for whole files, as what imports run is looked for
MEMORY = 4 << 30  # bytes more than before the fault
HEAVY = ["numpy", "pydantic", "networkx", "yaml", "safetensors", "torch"]

ROOMS = ["ops", "graph", "spec", "execution", "gradients"]
TESTS = ["tests"]
T = TypeVar("T")
FOUND, SURVIVED, ELSEWHERE = 1, 0, 3  # how a child exits; elsewhere: not in this process
OPTIONS = [
    *("-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow and not browser"),
    # pytest would import all modules of a package with a plugin itself, to rewrite assertions.
    *("--assert=plain", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--hypothesis-seed=0"),
]


@dataclass
class Result:
    """What became of a fault, and the test that found it."""

    fault: Fault
    found: bool
    tests: int
    by: str = ""

    def __str__(self) -> str:
        reach = f"{self.tests} tests run the line" if self.tests else "no test runs the line"
        return f"{self.fault}\n  {reach}"


@dataclass(eq=False)  # plugins are hashed
class Hunt:
    """A plugin that, in the place of running the collected tests, looks for faults with them."""

    chosen: list[Fault]
    jobs: int
    most: float  # seconds of tests for a fault
    say: Callable[[str], None]
    cover: Coverage  # of what the imports run
    results: list[Result] = field(default_factory=list)
    left: list[Fault] = field(default_factory=list)
    files: dict[str, list[str]] = field(default_factory=dict)
    imported: dict[str, set[int]] = field(default_factory=dict)  # lines that run before any test
    _report: Callable[[Any], None] | None = None
    _trusted: set[int] = field(default_factory=set)  # tests that fail for nothing but a fault

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Any) -> None:
        """Neither shrink what fails nor keep it."""
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutation", settings(), phases=phases, database=None)
        settings.load_profile("mutation")

    def pytest_collectreport(self, report: Any) -> None:
        """Show which tests cannot be read."""
        if report.failed:
            self.say(f"cannot be collected: {report.nodeid}\n{report.longreprtext}")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """End a child at its first failure."""
        if self._report is not None:
            self._report(report)

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Show what goes wrong here."""
        self.say(str(excrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Look for each of the faults."""
        paths = sorted({fault.path for fault in self.chosen})
        for path in paths:
            import_module(_name(path))
        self.cover.stop()
        ran = self.cover.get_data()
        self.imported = {path: {*(ran.lines(str(ROOT / path)) or ())} for path in paths}
        start = time.perf_counter()
        reach = _in_child(lambda: self._reach(session, paths))
        self.say(f"{len(session.items)} tests mapped in {time.perf_counter() - start:.0f} s")
        for test in reach.failed:
            self.say(f"fails without a fault, and is left out: {session.items[test].nodeid}")
        self.files = {path: _files(session, reach, path, ANEW * self.most) for path in paths}
        live = _functions(paths)
        self._hunt(session, reach, live)
        return True

    def _reach(self, session: Any, paths: Sequence[str]) -> Reach:
        """Run all tests, and record which runs which line."""
        files = {str(ROOT / path): path for path in paths}
        cover = Coverage(data_file=None, config_file=False, include=[*files])
        # Tests of a few files may run no line of a module after it was imported.
        cover.set_option("run:disable_warnings", ["no-data-collected"])
        seconds, failed = [], set()

        def report(report: Any) -> None:
            if report.failed:
                failed.add(len(seconds))

        self._report = report
        cover.start()
        caches = _caches()
        for item, following in _with_next(session.items):
            _clear(caches)
            cover.switch_context(str(len(seconds)))
            start = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds.append(time.process_time() - start)
        cover.stop()
        lines = {
            path: {
                line: {int(each) for each in contexts if each}
                for line, contexts in cover.get_data().contexts_by_lineno(file).items()
            }
            for file, path in files.items()
        }
        return Reach(lines, seconds, failed)

    def _hunt(self, session: Any, reach: Reach, live: Live) -> None:
        kills: Counter[int] = Counter()
        waiting = [*reversed(self.chosen)]

        def tasks() -> Iterator[tuple[tuple[Fault, list[int], Path], Callable[[], int]]]:
            while waiting:
                fault = waiting.pop()
                tests = reach.of(fault)
                tests.sort(key=lambda test: reach.seconds[test] / (1 + kills[test]) ** 2)
                spent = accumulate(reach.seconds[test] for test in tests)
                tests = [test for test, sum_ in zip(tests, spent, strict=True) if sum_ < self.most]
                if not fault.inside:
                    self.left.append(fault)
                elif not tests:
                    self._note(Result(fault, found=False, tests=0))
                else:
                    work = Path(tempfile.mkdtemp(prefix="graphnn-mutation-"))
                    plant = partial(live.plant, fault)
                    look = partial(self._look, session, reach, plant, tests, work)
                    yield (fault, tests, work), look

        def ended() -> Iterator[tuple[tuple[Fault, list[int], Path], int]]:
            while waiting:  # some are put back
                yield from _at_once(tasks(), self.jobs)

        for (fault, tests, work), status in ended():
            by = "a limit of time or memory"
            found = work / "found"
            test = int(found.read_text("ascii")) if found.exists() else None
            shutil.rmtree(work, ignore_errors=True)
            if test is not None and not self._trusts(session, reach, tests, test):
                reach.failed.add(test)
                waiting.append(fault)
                continue
            if test is not None:
                kills[test] += 1
                by = session.items[test].nodeid
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == ELSEWHERE:
                self.left.append(fault)
            else:
                self._note(Result(fault, status != SURVIVED, len(tests), by))

    def _trusts(self, session: Any, reach: Reach, tests: list[int], test: int) -> bool:
        """Whether a test that found a fault passes without it, after the same tests."""
        if test in self._trusted:
            return True
        before = tests[: tests.index(test) + 1]
        work = Path(tempfile.mkdtemp(prefix="graphnn-mutation-"))
        child = _fork(partial(self._look, session, reach, None, before, work))
        _, status = os.waitpid(child, 0)
        shutil.rmtree(work, ignore_errors=True)
        if status == SURVIVED:
            self._trusted.add(test)
        else:
            self.say(f"fails without a fault here, and is left out: {session.items[test].nodeid}")
        return status == SURVIVED

    def _note(self, result: Result) -> None:
        fault = result.fault
        if not result.found and self.imported[fault.path] & {*fault.lines}:
            self.left.append(fault)
            return
        self.results.append(result)
        if not result.found:
            self.say(str(result))

    def _look(
        self,
        session: Any,
        reach: Reach,
        plant: Callable[[], bool] | None,
        tests: list[int],
        work: Path,
    ) -> int:
        """Run tests in a child, with a fault if there is one to plant."""
        if plant is not None and not plant():
            return ELSEWHERE
        session.config._tmp_path_factory._basetemp = work  # what tests share is made anew
        running = -1

        def report(report: Any) -> None:
            if report.failed:
                (work / "found").write_text(str(running), "ascii")
                os._exit(FOUND)

        self._report = report
        _limit_memory()
        caches = _caches()
        for test, following in _with_next(tests):
            running = test
            _clear(caches)
            _limit_time(reach.seconds[test])
            session.items[test].config.hook.pytest_runtest_protocol(
                item=session.items[test],
                nextitem=None if following is None else session.items[following],
            )
        return SURVIVED


@dataclass
class Reach:
    """Which tests run which lines, how long each takes, and which fail without a fault."""

    lines: dict[str, dict[int, set[int]]]
    seconds: list[float]
    failed: set[int]

    def of(self, fault: Fault) -> list[int]:
        """The tests that run the statement of a fault."""
        lines = self.lines[fault.path]
        return sorted(set().union(*(lines.get(line, ()) for line in fault.lines)) - self.failed)


@dataclass
class Live:
    """The functions of some modules, by their code."""

    functions: dict[CodeType, list[FunctionType]]
    codes: dict[str, CodeType]

    def plant(self, fault: Fault) -> bool:
        """Give the functions changed code; False where that is not possible."""
        with suppress(ValueError):  # another number of free variables
            return self._swap(self.codes[fault.path], fault.plant()[0])
        return False

    def _swap(self, old: CodeType, new: CodeType) -> bool:
        if old == new:
            return False
        functions = self.functions.get(old, [])
        for function in functions:
            function.__code__ = new
        inner, changed = _inner(old), _inner(new)
        pairs = zip(inner, changed, strict=True) if len(inner) == len(changed) else []
        return any([bool(functions), *(self._swap(*pair) for pair in pairs)])


def _files(session: Any, reach: Reach, path: str, most: float) -> list[str]:
    """Files of tests that run a module, those with most such tests first, for so many seconds."""
    file_of = [item.nodeid.partition("::")[0] for item in session.items]
    seconds: defaultdict[str, float] = defaultdict(float)
    for file, spent in zip(file_of, reach.seconds, strict=True):
        seconds[file] += spent
    tests = {test for line in reach.lines[path].values() for test in line}
    files = [file for file, _ in Counter(file_of[test] for test in tests).most_common()]
    spent = accumulate(seconds[file] for file in files)
    return [file for file, sum_ in zip(files, spent, strict=True) if sum_ < most] or files[:1]


def _functions(paths: Iterable[str]) -> Live:
    codes = {path: compiled(parse(path), path) for path in paths}
    files = {str(ROOT / path) for path in paths}
    found = defaultdict(list)
    for each in _objects(FunctionType):
        if each.__code__.co_filename in files:
            found[each.__code__].append(each)
    return Live(found, codes)


def _caches() -> list[Any]:
    """Those of functions, by which one test would leave out lines that another has run."""
    found = _objects(_lru_cache_wrapper)
    return [each for each in found if str(each.__module__).startswith("graphnn")]


def _objects(kind: type[T]) -> list[T]:
    """All there are of a type, those too that the tests' conftest.py froze."""
    gc.unfreeze()
    found = [each for each in gc.get_objects() if type(each) is kind]
    gc.freeze()
    return found


def _clear(caches: Iterable[Any]) -> None:
    for each in caches:
        each.cache_clear()


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _with_next(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return pairwise([*items, None])


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit_time(seconds: float) -> None:
    """Let a test take so much longer than without a fault that something does not end."""
    last = int(time.process_time() + 5 + 20 * seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))


def _fork(work: Callable[[], int]) -> int:
    """The process that does some work; it ends with the code returned, 1 after an exception."""
    child = os.fork()
    if child:
        return child
    code = FOUND
    try:
        os.setsid()
        signal.alarm(TIMEOUT)
        code = work()
    finally:
        os._exit(code)


def _at_once(tasks: Iterable[tuple[T, Callable[[], int]]], jobs: int) -> Iterator[tuple[T, int]]:
    """Each task with how its process ended, as they end; a task is asked for when it can start."""
    waiting, running = iter(tasks), dict[int, T]()
    while True:
        for task, work in islice(waiting, jobs - len(running)):
            running[_fork(work)] = task
        if not running:
            return
        child, status = os.wait()
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests have started
        yield running.pop(child), status


def _in_child(work: Callable[[], Any]) -> Any:
    """What some work returns that is done in a separate process."""
    with tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if not child:
            try:
                done = work(), ""
            except BaseException:
                done = None, traceback.format_exc()
            Path(file.name).write_bytes(pickle.dumps(done))
            os._exit(0)
        os.waitpid(child, 0)
        result, error = pickle.load(file)
    if error:
        raise RuntimeError(error)
    return result


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code in the place of a module's."""

    def __init__(self, fault: Fault) -> None:
        self._code, *_ = fault.plant()
        self._name = _name(fault.path)

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != self._name:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None
        found.loader = self
        return found

    def exec_module(self, module: Any) -> None:
        exec(self._code, module.__dict__)


def _name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _pytest(arguments: Sequence[str], *plugins: object) -> int:
    """Run pytest here, in silence."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    return int(pytest.main([*OPTIONS, *arguments], plugins=[*plugins]))


def _look_anew(fault: Fault, files: Sequence[str]) -> int:
    """Import graphnn with a fault, in a child, and run all tests of some files."""
    sys.meta_path.insert(0, _Finder(fault))
    return int(_pytest(["-x", *files]) != 0)


def hunt(chosen: list[Fault], tests: Sequence[str], jobs: int, most: float) -> list[Result]:
    """What becomes of the faults."""
    out = os.fdopen(os.dup(1), "w")

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    def warm() -> Hunt:
        files = sorted({str(ROOT / fault.path) for fault in chosen})
        cover = Coverage(data_file=None, config_file=False, include=files)
        cover.start()
        hunt = Hunt(chosen, jobs, most, say, cover)
        if _pytest(tests, hunt):
            raise RuntimeError("the tests cannot be run")
        return hunt.results, hunt.left, hunt.files

    results, left, reaching = _in_child(warm)
    files = {fault.path: reaching[fault.path] or tests for fault in left}
    anew = ((fault, partial(_look_anew, fault, files[fault.path])) for fault in left)
    for fault, status in _at_once(anew, jobs):
        count = len(files[fault.path])
        results.append(Result(fault, status != 0, count, "a test after another import"))
        if status == 0:
            say(f"{fault}\n  {count} files of tests run the module")
    return results


def _summary(results: Sequence[Result]) -> Iterator[str]:
    rooms = defaultdict(list)
    for result in results:
        rooms[result.fault.path.split("/")[1]].append(result)
    for room, own in [*rooms.items(), ("all", results)]:
        found = sum(result.found for result in own)
        least = binomtest(found, len(own), alternative="greater").proportion_ci().low
        line = f"{found} of {len(own)} faults found: {found / len(own):.1%}, at least {least:.1%}"
        yield f"{room}: {line}"
    yield "found most:"
    finders = Counter(result.by for result in results if result.found)
    yield from (f"{count:5} {test}" for test, count in finders.most_common(10))


def _chosen(given: Sequence[str], sample: int | None, seed: int) -> list[Fault]:
    found = []
    for name in given:
        path, _, line = name.partition(":")
        files = sorted((ROOT / path).rglob("*.py")) if (ROOT / path).is_dir() else [ROOT / path]
        every = [each for file in files for each in faults(str(file.relative_to(ROOT)))]
        found += [fault for fault in every if not line or fault.line == int(line)]
    random.Random(seed).shuffle(found)
    return found[:sample]


def main() -> int:
    """Plant faults in modules and print those that survive."""
    # The tests are those of this checkout, and so is what they test.
    for name in ("GRAPHNN_INSTALLED", "PYTEST_ADDOPTS"):
        os.environ.pop(name, None)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    rooms = [f"graphnn/{room}" for room in ROOMS]
    parser.add_argument("modules", nargs="*", default=rooms, metavar="PATH[:LINE]")
    parser.add_argument("--sample", type=int, metavar="N", help="faults of all, at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH")
    parser.add_argument(
        "--most", type=float, default=math.inf, metavar="SECONDS", help="of tests for a fault"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    given = parser.parse_args()
    if given.quick:
        given.modules, given.sample = ["graphnn/ops/_declaration.py"], 3
        given.tests = ["tests/ops/test_declaration.py"]
    named = [re.sub(r":\d+$|::.*", "", each) for each in (*given.modules, *given.tests)]
    if missing := [path for path in named if not (ROOT / path).exists()]:
        parser.error(f"there is no {', no '.join(missing)}")
    for name in HEAVY:
        with suppress(ImportError):
            import_module(name)
    start = time.perf_counter()
    if not (chosen := _chosen(given.modules, given.sample, given.seed)):
        parser.error("these lines leave no fault to plant")
    results = hunt(chosen, given.tests, given.jobs, given.most)
    print(*_summary(results), f"{time.perf_counter() - start:.0f} s", sep="\n")
    found = sum(result.found for result in results)
    return 0 if found >= ENOUGH * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
