"""The work shared by an executor's workers, and by threads: the same numbers, bit for bit."""

import math
import multiprocessing
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import graphnn
from gradient_cases import digits, parts
from graphnn.diagnostics import RunError
from graphnn.execution import one_blas_thread
from graphnn.gradients.numerical import api
from graphnn.gradients.numerical.engine import workers
from graphnn.gradients.numerical.engine.probes import Engine
from graphnn.gradients.numerical.engine.workers import Shared
from stub_engine import Stub


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def many_pieces(monkeypatch):
    """Small pieces, so that a small network has many; workers are given them."""
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._WORK", 180)
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._CURVED", 1)


def network():
    """A network with entries of both ways: by channel, and, behind what couples rows, by rows."""
    net, inputs = digits(20)
    text = """
    graphnn: 1
    nodes:
      x:    {op: input, shape: [batch, 6]}
      t:    {op: input, shape: [batch, 3]}
      a:    {op: affine, inputs: x, units: 5}
      r:    {op: relu, inputs: a}
      m:    {op: mean, inputs: r, axis: 0, keepdims: true}
      d:    {op: subtract, inputs: [r, m]}
      y:    {op: affine, inputs: d, units: 3}
      loss: {op: mean_squared_error, inputs: [y, t]}
    """
    coupled = graphnn.loads(text)
    targets = np.random.default_rng(0).normal(size=(20, 3))
    return (net, inputs), (coupled, {"x": inputs["x"], "t": targets})


def assert_same_as_alone(executor, **options):
    for net, inputs in network():
        ours = graphnn.numerical_gradient(net, inputs, executor=executor, **options)
        theirs = graphnn.numerical_gradient(net, inputs, workers=1)
        for name, estimate in ours.items():
            for part, wanted in zip(parts(estimate), parts(theirs[name]), strict=True):
                np.testing.assert_array_equal(part, wanted)


class Recorder(Executor):
    """Hands everything on, and keeps what was handed on."""

    def __init__(self, pool):
        self.pool = pool
        self.futures: list[Future] = []
        self.parcels: list[bool] = []
        self.tokens: set[str] = set()

    def submit(self, work, token, parcel, task):
        self.parcels.append(parcel is not None)
        self.tokens.add(token)
        self.futures.append(self.pool.submit(work, token, parcel, task))
        return self.futures[-1]


def test_processes_give_what_one_worker_gives(processes, many_pieces):
    assert_same_as_alone(processes)
    assert_same_as_alone(processes, workers=7)


def test_any_threads_of_the_caller_do_too(many_pieces):
    with ThreadPoolExecutor(3) as pool:
        assert_same_as_alone(pool)


def test_threads_join_where_work_lasts(many_pieces, monkeypatch):
    monkeypatch.setattr(api, "AVAILABLE", False)  # processes of our own
    by: set[int] = set()
    carry_out = Engine.carry_out

    def recorded(engine, task):
        by.add(threading.get_ident())
        return carry_out(engine, task)

    monkeypatch.setattr(Engine, "carry_out", recorded)
    net, inputs = digits(20)
    for lasting, own in ((math.inf, True), (0.0, False)):
        by.clear()
        monkeypatch.setattr(api, "ALONE", lasting)
        graphnn.numerical_gradient(net, inputs, workers=2)
        assert (by == {threading.get_ident()}) is own


class Lasting:
    """An engine whose tasks are how many seconds they last."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(workers, "perf_counter", lambda: self.now)

    def carry_out(self, task):
        self.now += task
        return task


class AtOnce(Executor):
    """Carries out each task as it is given, and keeps it."""

    def __init__(self):
        self.tasks = []

    def submit(self, work, token, parcel, task):
        self.tasks.append(task)
        future = Future()
        future.set_result(work(token, parcel, task))
        return future


@pytest.mark.parametrize(("alone", "by_pool"), [(1.0, 2), (0.7, 3), (9.0, 0), (0.0, 4)])
def test_the_pool_is_given_what_is_left_after_so_many_seconds(alone, by_pool, monkeypatch):
    tasks, pool = [0.75, 0.5, 0.25, 0.5], AtOnce()
    with Shared(Lasting(monkeypatch), pool, 2, alone) as shared:
        assert list(shared.results(tasks)) == tasks
    assert pool.tasks == tasks[len(tasks) - by_pool :]


def test_workers_begin_with_the_next_parameter_before_one_is_done():
    net, inputs = digits(20)
    first = First()

    def progress(done, total):
        raise Interrupt

    with pytest.raises(Interrupt):
        graphnn.numerical_gradient(net, inputs, executor=first, workers=2, progress=progress)
    assert first.names == list(net.parameters)[:4]  # a task each
    assert [future.cancelled() for future in first.futures] == [False, True, True, True]


@pytest.mark.slow
def test_dask_gives_what_one_worker_gives(many_pieces):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        # Processes, so that tasks and networks are pickled, as they are between machines.
        distributed.LocalCluster(processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        recorder = Recorder(client.get_executor())
        assert_same_as_alone(recorder, workers=2)
    assert len(recorder.tokens) == 2  # a network each
    assert any(recorder.parcels)


def test_threads_need_no_copy_of_the_network(many_pieces):
    net, inputs = digits(20)
    with ThreadPoolExecutor(2) as pool:
        recorder = Recorder(pool)
        graphnn.numerical_gradient(net, inputs, executor=recorder)
    assert len(recorder.parcels) > 10
    assert not any(recorder.parcels)


class Interrupt(BaseException):
    """Stands for Ctrl-C, which would end the tests."""


class First(Executor):
    """Carries out the first task, and leaves the others for later."""

    def __init__(self):
        self.futures: list[Future] = []
        self.names: list[str] = []

    def submit(self, work, *arguments):
        self.futures.append(Future())
        self.names.append(arguments[-1].name)
        if len(self.futures) == 1:
            self.futures[0].set_result(work(*arguments))
        return self.futures[-1]


@pytest.mark.parametrize("error", [Interrupt, ValueError])
def test_an_interrupt_ends_what_waits(many_pieces, error):
    net, inputs = digits(20)
    first = First()

    def progress(done, total):
        raise error

    with pytest.raises(error):
        graphnn.numerical_gradient(net, inputs, executor=first, workers=4, progress=progress)
    assert len(first.futures) == 8
    assert [future.cancelled() for future in first.futures] == [False, *[True] * 7]


def test_processes_serve_after_an_interrupt(processes, many_pieces):
    def progress(done, total):
        raise Interrupt

    net, inputs = digits(20)
    with pytest.raises(Interrupt):
        graphnn.numerical_gradient(net, inputs, executor=processes, progress=progress)
    assert_same_as_alone(processes)


def share(engine, tasks, pool, width):
    with Shared(engine, pool, width) as shared:
        return list(shared.results(tasks))


def test_the_network_goes_to_a_worker_once():
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawn) as pool:
        found = share(Stub(), ["arrivals"] * 100, pool, 4)
    assert len(found) == 100
    assert {count for _, count in found} == {1}


class Workers(Executor):
    """Workers in this process that take turns, each with a memory of its own."""

    def __init__(self, count, monkeypatch):
        self.memories = [workers.OrderedDict() for _ in range(count)]
        self.monkeypatch = monkeypatch
        self.parcels: list[list[str]] = [[] for _ in range(count)]  # tokens, by worker
        self.tasks: list[list[str]] = [[] for _ in range(count)]  # parameters, by worker

    def submit(self, work, token, parcel, task):
        turn = sum(map(len, self.tasks)) % len(self.tasks)
        self.tasks[turn].append(task.name)
        if parcel is not None:
            self.parcels[turn].append(token)
        future = Future()
        with self.monkeypatch.context() as patch:
            patch.setattr(workers, "_own", {})
            patch.setattr(workers, "_sent", self.memories[turn])
            patch.setattr(workers.os, "getpid", lambda: turn)
            future.set_result(work(token, parcel, task))
        return future


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_gradient_sends_one_parcel_to_each_worker(count, many_pieces, monkeypatch):
    net, inputs = digits(20)
    workers = Workers(count, monkeypatch)
    found = graphnn.numerical_gradient(net, inputs, executor=workers, workers=count)
    assert {name for tasks in workers.tasks for name in tasks} == set(net.parameters)
    assert [len(parcels) for parcels in workers.parcels] == [1] * count
    for name, theirs in graphnn.numerical_gradient(net, inputs, workers=1).items():
        np.testing.assert_array_equal(found[name].value, theirs.value)
    # The next gradient is of another network, as far as they know.
    graphnn.numerical_gradient(net, inputs, executor=workers, workers=count)
    assert [len(set(parcels)) for parcels in workers.parcels] == [2] * count


def test_processes_are_sent_few_parcels_for_all_parameters(processes, many_pieces):
    net, inputs = digits(20)
    recorder = Recorder(processes)
    graphnn.numerical_gradient(net, inputs, executor=recorder, workers=2)
    assert len(recorder.tokens) == 1
    # One each, and more where a worker took what was meant for the other, which is up to chance:
    # `test_one_gradient_sends_one_parcel_to_each_worker` has workers that take turns.
    assert 1 <= sum(recorder.parcels) < len(recorder.parcels) / 2
    assert len(recorder.parcels) - sum(recorder.parcels) >= 12


def test_workers_hold_blas_to_one_thread(processes):
    (found,) = share(Stub(), ["count"], processes, 1)
    assert found
    assert set(found) == {1}
    assert share(Stub(), ["square"], processes, 1) == [np.inf]


def blas_threads():
    """Threads of the BLAS that was loaded with NumPy; another test may have loaded a second one."""
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    ours = [each for each in libraries if "numpy" in each["filepath"]] or libraries
    return [each["num_threads"] for each in ours]


def test_blas_gets_its_threads_back():
    before = blas_threads()
    with one_blas_thread:
        with one_blas_thread:
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("own", [True, False])
def test_an_error_in_a_worker_reaches_the_caller(processes, own):
    with pytest.raises(RunError) as caught:
        share(Stub(), ["count", "fail", "count"], processes if own else None, 2)
    assert str(caught.value) == "error[bad-value]: the task failed"


def test_a_worker_that_dies_is_reported():
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn) as pool, pytest.raises(RunError) as caught:
        share(Stub(), ["die"], pool, 1)
    assert str(caught.value) == (
        "error[worker-died]: a worker of the executor died before its task was done\n"
        "   = help: it may have been killed for want of memory; "
        "'max_memory' bounds what a task takes"
    )


def test_a_worker_keeps_two_networks_and_no_more():
    parcels = [workers.pickle.dumps(Stub()) for _ in range(3)]
    try:
        for number, parcel in enumerate(parcels):
            assert workers._find(str(number), None) is None
            assert isinstance(workers._find(str(number), parcel), Stub)
        assert list(workers._sent) == ["1", "2"]
    finally:
        workers._sent.clear()


def test_nothing_of_a_run_stays_behind():
    net, inputs = digits(20)
    with ThreadPoolExecutor(2) as pool:
        graphnn.numerical_gradient(net, inputs, executor=pool)
    assert not workers._own
    assert not workers._sent
