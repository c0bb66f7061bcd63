"""Processes of our own that share the work: the same numbers, and nothing left behind."""

import gc
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphnn
from gradient_cases import digits, images, parts
from graphnn.diagnostics import RunError
from graphnn.gradients.numerical.engine import processes
from graphnn.gradients.numerical.engine.arena import Arena
from graphnn.gradients.numerical.engine.base_pass import BasePass
from graphnn.gradients.numerical.engine.pool import WORTH
from graphnn.gradients.numerical.engine.processes import ByProcesses
from graphnn.gradients.numerical.objective import Objective
from stub_engine import Stub
from waiting import PATIENCE, until

# Each starts a Python, so that most of them are slow.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads are used here")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Small networks are shared too, in small pieces, by pools that no other test has used."""
    monkeypatch.setattr(processes, "_pools", processes._Pools())
    monkeypatch.setattr(processes, "ALONE", -1.0)
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._WORK", 180)
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._CURVED", 20)


def started(net, count=1, *, alone=True):
    """A pool for `net` whose workers are up; `alone` they do all, without this process."""
    pool = processes._pools.borrow(net, count, WORTH)
    pool.grow((count - 1) * WORTH)
    until(lambda: pool.begun() == set(range(count)))
    if alone:
        pool.take = lambda: None
    pool.lock.release()
    return pool


def share(net, tasks):
    return list(ByProcesses(net, Stub(), 2, 1).results(tasks))


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, estimate in wanted.items():
        for ours, theirs in zip(parts(found[name]), parts(estimate), strict=True):
            np.testing.assert_array_equal(ours, theirs)


CONVOLVED = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 2, 6, 6]}
  t:    {op: input, shape: [batch, 3]}
  c:    {op: conv2d, inputs: x, filters: 3, kernel: 3}
  r:    {op: relu, inputs: c}
  p:    {op: max_pool, inputs: r, kernel: 2}
  f:    {op: flatten, inputs: p}
  y:    {op: affine, inputs: f, units: 3}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""


def convolved():
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(7, 2, 6, 6)), "t": rng.normal(size=(7, 3))}
    return graphnn.loads(CONVOLVED), inputs


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"entries": 7}, marks=pytest.mark.slow),
        pytest.param({"method": "complex", "only": "y.bias"}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "make", [lambda: digits(20), pytest.param(images, marks=pytest.mark.slow), convolved]
)
def test_the_numbers_are_those_of_one_worker(make, options):
    net, inputs = make()
    if "y.bias" not in net.parameters:
        options = {name: value for name, value in options.items() if name != "only"}
    started(net)
    found = graphnn.numerical_gradient(net, inputs, workers=2, **options)
    same(found, graphnn.numerical_gradient(net, inputs, workers=1, **options))
    assert not processes._pools._refused


def test_arrays_lie_in_the_workers_memory_as_here():
    net, inputs = convolved()
    base = BasePass(Objective(net, inputs, net.losses(), "run", 0), complex=False)
    assert not all(value.flags.c_contiguous for value in base.values)
    sent = pickle.loads(pickle.dumps(base))
    for ours, theirs in (
        *zip(base.values, sent.values, strict=True),
        *((base.branches[slot], sent.branches[slot]) for slot in base.branches),
    ):
        np.testing.assert_array_equal(theirs, ours)
        assert theirs.strides == ours.strides


@pytest.mark.slow
def test_workers_run_on_other_cores_than_this_process():
    net, inputs = digits(20)
    cores = os.sched_getaffinity(0)
    here = min(cores)
    os.sched_setaffinity(0, {here})
    try:
        pool = started(net)
        (process,) = pool._processes
        graphnn.numerical_gradient(net, inputs, workers=2)
        assert os.sched_getaffinity(process.pid) == {here}  # there is no other
        os.sched_setaffinity(0, cores)
        pool._core = -1
        graphnn.numerical_gradient(net, inputs, workers=2)
        assert os.sched_getaffinity(process.pid) == cores - {pool._core} or len(cores) == 1
    finally:
        os.sched_setaffinity(0, cores)


def test_new_parameters_and_rows_are_seen():
    net, inputs = digits(20)
    started(net)
    for rows in (20, 3, 11):
        net.parameters["a1.weight"][...] += 0.1
        some = {name: array[:rows] for name, array in inputs.items()}
        found = graphnn.numerical_gradient(net, some, workers=2)
        same(found, graphnn.numerical_gradient(net, some, workers=1))


@pytest.mark.slow
def test_workers_share_a_queue_with_this_process():
    net, _ = digits()
    started(net, 2, alone=False)
    found = list(ByProcesses(net, Stub(), 3, 1).results(["arrivals"] * 100))
    assert len(found) == 100
    by = {worker for worker, _ in found}
    assert os.getpid() in by
    assert len(by) > 1
    assert {count for worker, count in found if worker != os.getpid()} == {1}


@pytest.mark.slow
def test_workers_hold_blas_to_one_thread():
    net, _ = digits()
    started(net)
    ((*threads,), square) = share(net, ["count", "square"])
    assert set(threads) == {1}
    assert square == np.inf


@pytest.mark.slow
def test_results_larger_than_the_memory_so_far():
    net, _ = digits()
    pool = started(net)
    sizes = [1, 1 << 20, 3, 1 << 17] * 10
    for size, array in zip(sizes, ByProcesses(net, Stub(), 2, 1).results(sizes), strict=True):
        np.testing.assert_array_equal(array, np.arange(size))
    # Of 90 MiB, a few results at a time are kept.
    assert os.fstat(pool._results[0].descriptor).st_size <= 32 << 20


def test_processes_start_once_work_has_lasted():
    net, inputs = digits(20)
    assert processes._pools.borrow(net, 1, 0.9 * WORTH) is None
    pool = processes._pools.borrow(net, 1, 0.2 * WORTH)
    pool.lock.release()
    assert processes._pools.borrow(net, 1, 0.0) is pool
    assert processes._pools.borrow(net, 1, 0.0) is None  # somebody has it
    same(
        graphnn.numerical_gradient(net, inputs, workers=2),
        graphnn.numerical_gradient(net, inputs, workers=1),
    )
    pool.lock.release()


@pytest.mark.slow
def test_each_further_process_is_earned_by_work():
    net, _ = digits(20)
    pool = processes._pools.borrow(net, 5, WORTH)
    assert len(pool._processes) == 1
    pool.grow(0.6 * WORTH)
    assert len(pool._processes) == 1
    pool.grow(0.6 * WORTH)
    assert len(pool._processes) == 2
    until(lambda: pool.begun() == {0, 1})
    pool.grow(WORTH)  # by three
    assert len(pool._processes) == 5
    pool.grow(9 * WORTH)
    assert len(pool._processes) == 5
    pool.lock.release()


@pytest.mark.slow
def test_what_is_soon_done_is_not_shared(monkeypatch):
    net, inputs = digits(20)
    pool = started(net)
    monkeypatch.setattr(processes, "ALONE", 60.0)
    pool.share = None  # would fail
    assert graphnn.numerical_gradient(net, inputs, workers=2)


def descriptors():
    return sorted(Path("/proc/self/fd").iterdir())


@pytest.mark.slow
def test_a_network_takes_its_processes_along():
    gc.collect()
    before = descriptors()
    net, inputs = digits(20)
    started(net)
    graphnn.numerical_gradient(net, inputs, workers=2)
    other, _ = digits(20)
    pool = processes._pools.borrow(other, 1, 0.0)  # shares them
    pool.lock.release()
    (process,) = pool._processes
    del pool, net
    gc.collect()
    assert process.poll() is None
    del other
    gc.collect()
    assert process.poll() == -signal.SIGKILL
    assert descriptors() == before


@pytest.mark.slow
def test_a_worker_that_dies_is_an_error_and_the_next_gradient_has_others():
    net, inputs = digits(20)
    pool = started(net)
    with pytest.raises(RunError) as caught:
        share(net, ["count", "die", "count"])
    assert str(caught.value) == (
        "error[worker-died]: a worker process died before its task was done\n"
        "   = help: it may have been killed for want of memory; "
        "'max_memory' bounds what a task takes"
    )
    assert pool.dead() == {0}
    assert not pool.close.alive
    same(
        graphnn.numerical_gradient(net, inputs, workers=2),
        graphnn.numerical_gradient(net, inputs, workers=1),
    )
    assert started(net) is not pool
    graphnn.numerical_gradient(net, inputs, workers=2)


@pytest.mark.slow
def test_a_worker_that_dies_without_a_task_is_replaced():
    net, inputs = digits(20)
    pool = started(net)
    (process,) = pool._processes
    process.kill()
    process.wait()
    assert graphnn.numerical_gradient(net, inputs, workers=2)
    assert not pool.close.alive
    assert started(net) is not pool


@pytest.mark.slow
def test_an_error_of_a_worker_is_raised_here():
    net, _ = digits()
    started(net)
    with pytest.raises(RunError) as caught:
        share(net, ["count", "fail", "count"])
    assert str(caught.value) == "error[bad-value]: the task failed"


@pytest.mark.slow
def test_what_fails_in_a_worker_alone_is_done_here():
    net, _ = digits()
    started(net)
    assert share(net, ["child fails", "child fails"]) == [os.getpid()] * 2


class Interrupt(BaseException):
    """Stands for Ctrl-C, which would end the tests."""


@pytest.mark.slow
def test_an_interrupt_ends_the_processes():
    net, inputs = digits(20)
    pool = started(net)
    (process,) = pool._processes

    def progress(done, total):
        raise Interrupt

    with pytest.raises(Interrupt):
        graphnn.numerical_gradient(net, inputs, workers=2, progress=progress)
    assert process.poll() == -signal.SIGKILL
    assert started(net) is not pool


@pytest.mark.parametrize(
    "fault", ["unpicklable", pytest.param("unreadable", marks=pytest.mark.slow)]
)
def test_a_network_that_cannot_be_sent_is_worked_on_here(monkeypatch, fault):
    net, inputs = digits(20)
    pool = started(net)
    asked = []
    share = pool.share
    pool.share = lambda value: asked.append(0) or share(Unsent(fault))
    for _ in range(2):
        same(
            graphnn.numerical_gradient(net, inputs, workers=2),
            graphnn.numerical_gradient(net, inputs, workers=1),
        )
    assert asked == [0]
    assert not pool.dead()


class Unsent:
    """What cannot be pickled, or be read by a worker."""

    def __init__(self, fault):
        self.fault = fault

    def __reduce__(self):
        if self.fault == "unpicklable":
            raise TypeError("cannot be pickled")
        return int, ("no number",)


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false"])
def test_without_a_python_the_work_is_done_here(monkeypatch, executable):
    pools = processes._pools
    monkeypatch.setattr(sys, "executable", executable)
    net, inputs = digits(20)
    pool = pools.borrow(net, 1, WORTH)
    if pool is not None:
        until(pool.dead)
        pool.lock.release()
    same(
        graphnn.numerical_gradient(net, inputs, workers=2),
        graphnn.numerical_gradient(net, inputs, workers=1),
    )
    assert pools.borrow(net, 1, WORTH) is None
    assert not pools._by_count


STARTED = """
import os, signal, sys, time, warnings
import numpy as np
from pathlib import Path
from gradient_cases import digits
import graphnn
from graphnn.gradients.numerical.engine import by_channel, processes
processes.ALONE = -1.0
by_channel._CURVED = 20
net, inputs = digits(20)
pool = processes._pools.borrow(net, 2, processes.WORTH)
pool.grow(processes.WORTH)
while len(pool.begun()) < 2:
    time.sleep(0.01)
pool.lock.release()
def gradient(workers=3):
    return graphnn.numerical_gradient(net, inputs, workers=workers)["a1.weight"].value
wanted = gradient(1)
assert (gradient() == wanted).all()
print(*(process.pid for process in pool._processes), flush=True)
"""


def program(tmp_path, text):
    """A program whose pool has worked; its process, and those of the pool."""
    file = tmp_path / "program.py"
    file.write_text(STARTED + text)
    path = os.pathsep.join(map(str, sys.path))
    process = subprocess.Popen(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def gone(pid):
    """Whether a process has ended, though nobody may have waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


ENDS = {
    "the program ends": ("", 0, ""),
    "an error": ("sys.exit('enough')", 1, "enough\n"),
    "a network without references": ("del net, pool", 0, ""),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    "a fork that ends first": (
        """
warnings.simplefilter("ignore")
child = os.fork()
if not child:
    assert (gradient() == wanted).all()
    assert not processes._pools._by_count
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
pool.take = lambda: None
assert (gradient() == wanted).all()
assert not pool.dead()
""",
        0,
        "",
    ),
    "a fork that lives on": (
        """
warnings.simplefilter("ignore")
if not os.fork():
    os.close(1)
    os.close(2)
    time.sleep(10)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
""",
        -signal.SIGKILL,
        "",
    ),
    "an engine of the program itself": (
        """
class Own:
    def carry_out(self, task):
        return task + 1
pool.take = lambda: None  # workers are asked for every task
shared = processes.ByProcesses(net, Own(), 3, 1)
for _ in range(2):
    assert list(shared.results(range(20))) == list(range(1, 21))
assert net in processes._pools._refused
assert not pool.dead()
""",
        0,
        "",
    ),
    "Ctrl-C": (
        """
signal.setitimer(signal.ITIMER_REAL, 0.2)
signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGINT))
try:
    while True:
        gradient()
except KeyboardInterrupt:  # between two gradients, too, when nothing was reached
    print("interrupted")
assert (gradient() == wanted).all()
""",
        0,
        "",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", ENDS)
def test_processes_end_with_the_program(tmp_path, how):
    text, code, said = ENDS[how]
    process, pids = program(tmp_path, text)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (code, said)
    assert len(pids) == 2
    for pid in pids:
        until(lambda pid=pid: gone(pid))
    assert out == ("interrupted\n" if how == "Ctrl-C" else "")


@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans()), max_size=30))
def test_an_arena_keeps_what_is_not_yet_taken(steps):
    ours = Arena()
    theirs = Arena(os.dup(ours.descriptor))
    kept = deque()
    try:
        for size, take in steps:
            value = {"array": np.full(size, len(kept)), "size": size}
            kept.append((ours.put(value, [span for span, _ in kept]), value))
            if take:
                kept.popleft()
            for span, wanted in kept:
                found = theirs.get(span)
                np.testing.assert_array_equal(found["array"], wanted["array"])
                assert found["size"] == wanted["size"]
        if kept:
            most = sum(max(64, 8 * size + 700) for size, _ in steps)
            assert max(span.stop for span, _ in kept) <= most
    finally:
        os.close(ours.descriptor)
        os.close(theirs.descriptor)
