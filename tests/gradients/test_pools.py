"""How work is handed to a pool, without processes: its workers here take turns with this thread."""

from __future__ import annotations

import importlib.util
import os
import pickle
import socket
import sys
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from gradient_cases import digits
from graphnn.gradients.numerical.engine import processes, serving
from graphnn.gradients.numerical.engine.arena import Arena
from graphnn.gradients.numerical.engine.pool import WORTH, Pool
from graphnn.gradients.numerical.engine.processes import ByProcesses
from graphnn.gradients.numerical.engine.serving import HELLO, LARGEST, Answer, Order, _Worker
from stub_engine import Named
from waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads are used here")

POOLS = processes._pools


class NoProcess:
    """In the place of a worker's process."""

    pid = -1
    returncode = None

    def poll(self):
        return self.returncode

    def kill(self):
        self.returncode = -9

    def wait(self):
        assert self.returncode == -9


class Here(Pool):
    """A pool whose workers answer in this process, three tasks each time that it waits."""

    def __init__(self, count):
        self.workers = []
        self.answered = 0
        super().__init__(count)

    def _start(self):
        worker = len(self._results)
        self._results.append(Arena())
        self._descriptors.append(self._results[worker].descriptor)
        own = Arena(self._results[worker].descriptor)
        self.workers.append(_Worker(worker, Arena(self._arena.descriptor), own))
        self._processes.append(NoProcess())
        self._begun.add(worker)
        self._core = -1

    def take(self):
        return None

    def wait(self):
        orders = [order for _ in range(3) if (order := Pool.take(self)) is not None]
        assert orders
        for order in orders:
            self.answered += 1
            answer = self.workers[self.answered % len(self.workers)].answer(order)
            self._far.send(pickle.dumps(answer))


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (sys, "platform", "win32"),
        (sys, "platform", "darwin"),
        (sys, "frozen", True),
        (os, "memfd_create", None),
        (os, "pidfd_open", None),
    ],
)
def test_where_processes_can_be_started(module, name, value, monkeypatch):
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)

    def available():
        spec = importlib.util.spec_from_file_location("anew", processes.__file__)
        anew = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(anew)
        return anew.AVAILABLE

    assert available() is (sys.platform == "linux")
    if value is None:
        monkeypatch.delattr(module, name, raising=False)
    else:
        monkeypatch.setattr(module, name, value, raising=False)
    assert not available()


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(processes, "_pools", processes._Pools())
    monkeypatch.setattr(processes, "Pool", Here)
    monkeypatch.setattr(processes, "ALONE", -1.0)
    monkeypatch.setattr(Named, "read", 0)


def started(net, count=1):
    pool = processes._pools.borrow(net, count, WORTH)
    pool.grow(count * WORTH)
    pool.lock.release()
    return pool


def shared(net, tasks, name="first", workers=2):
    """Results of tasks that are known to be worth a pool from the first one on."""
    processes._pools.seconds_a_probe[net] = 1.0
    return list(ByProcesses(net, Named(name), workers, 1).results(tasks))


def test_workers_do_all_tasks_in_order_and_read_each_engine_once():
    net, _ = digits()
    started(net, 2)
    for name in ("first", "second"):
        Named.read = 0
        tasks = [f"task {n}" for n in range(30)]
        assert shared(net, tasks, name, 3) == [(name, task, False) for task in tasks]
        assert Named.read == 2  # by either worker, though both engines lie at the same place
    assert net not in processes._pools._refused


def test_memory_of_results_that_were_taken_is_used_again():
    net, _ = digits()
    pool = started(net)
    sizes = [1 << 17, 3, 1 << 16] * 20
    processes._pools.seconds_a_probe[net] = 1.0
    found = zip(sizes, ByProcesses(net, Named("first"), 2, 1).results(sizes), strict=True)
    for size, array in found:
        np.testing.assert_array_equal(array, np.full(size, size))
    assert pool._results[0].number == pool.answered  # all were released
    # Of 30 MiB, those of the tasks under way are held at a time.
    assert os.fstat(pool._results[0].descriptor).st_size <= 8 << 20


def test_memory_beyond_some_megabytes_is_given_back():
    net, _ = digits()
    pool = started(net)
    processes._pools.seconds_a_probe[net] = 1.0
    results = ByProcesses(net, Named("first"), 2, 1).results([5 << 20])
    (file,) = {arena.descriptor for arena in pool._results}
    next(results)
    assert os.fstat(file).st_blocks * 512 > 40 << 20
    assert not [*results]
    assert os.fstat(file).st_blocks * 512 <= 32 << 20


def test_what_fails_in_a_worker_alone_is_done_here():
    net, _ = digits()
    pool = started(net)
    found = shared(net, ["a", "fails there", "b"])
    assert found == [("first", "a", False), ("first", "fails there", True), ("first", "b", False)]
    assert net not in processes._pools._refused
    # What failed has no result to release.
    assert pool._results[0].number == 2


def test_an_engine_that_workers_cannot_read_is_not_sent_again():
    net, _ = digits()
    started(net)
    for read in (1, 0):
        Named.read = 0
        assert shared(net, ["a", "b"], "unreadable") == [
            ("unreadable", "a", True),
            ("unreadable", "b", True),
        ]
        assert Named.read == read
    assert processes._pools.borrow(net, 1, 9 * WORTH) is None


def test_an_engine_that_cannot_be_sent_is_asked_for_once():
    net, _ = digits()
    pool = started(net)
    asked = []

    def unpicklable(engine):
        asked.append(engine)
        raise TypeError

    pool.share = unpicklable
    for _ in range(2):
        assert shared(net, ["a", "b"]) == [("first", "a", True), ("first", "b", True)]
    assert len(asked) == 1


def test_each_further_worker_is_earned_by_work():
    pool = Here(5)
    for seconds, count in ((0.3, 1), (0.2, 2), (0.25, 2), (0.1, 3), (1.0, 5), (9.0, 5)):
        pool.grow(seconds * WORTH)  # times the workers and this process
        assert len(pool.workers) == count


def test_a_task_too_large_for_a_message_is_done_here():
    net, _ = digits()
    started(net)
    large = "x" * LARGEST
    assert shared(net, ["a", large, "b"]) == [
        ("first", "a", False),
        ("first", large, True),
        ("first", "b", False),
    ]


def test_tasks_for_which_the_queue_has_no_room_are_done_here():
    net, _ = digits()
    pool = started(net)
    pool._queue.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least that Linux gives
    tasks = [f"{n}" * 900 for n in range(100)]
    found = shared(net, tasks)
    assert [task for _, task, _ in found] == tasks
    assert {here for _, _, here in found} == {True, False}


def test_tasks_wait_for_what_is_under_way():
    """No more tasks are cut than are soon begun, so that an interrupt leaves few."""
    net, _ = digits()
    started(net, 2)
    taken = []
    tasks = (taken.append(n) or f"{n}" for n in range(100))
    processes._pools.seconds_a_probe[net] = 1.0
    results = ByProcesses(net, Named("first"), 3, 1).results(tasks)
    for done in range(1, 50):
        next(results)
        assert len(taken) <= done + 3 * processes._AHEAD
    results.close()


def test_a_pool_is_closed_where_tasks_are_left_under_way():
    net, _ = digits()
    pool = started(net)
    processes._pools.seconds_a_probe[net] = 1.0
    results = ByProcesses(net, Named("first"), 2, 1).results(["a"] * 30)
    next(results)
    results.close()
    assert not pool.close.alive
    assert not pool.lock.locked()
    # It is not that workers cannot start here: others are started.
    assert started(net) is not pool


class Clock:
    """Seconds that pass with each task, and with nothing else."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(processes, "perf_counter", lambda: self.now)

    def carry_out(self, task):
        self.now += task
        return task


@pytest.mark.parametrize("probes", [8, 1, 0])
@pytest.mark.parametrize(("pool", "workers"), [(False, 3), (True, 3), (True, 2)])
def test_the_time_of_a_probe_is_that_of_all_workers(pool, workers, probes, monkeypatch):
    net, _ = digits()
    clock, grown = Clock(monkeypatch), []
    if pool:
        made = started(net, workers - 1)
        made.take = lambda: Pool.take(made)  # this thread does all
        made.share = lambda engine: made._arena.put(0)
        made.grow = grown.append
    else:
        monkeypatch.setattr(processes, "ALONE", 99.0)
    tasks = [0.5, 0.25, 0.25]
    assert list(ByProcesses(net, clock, workers, probes).results(tasks)) == tasks
    # One second was spent on all probes, by all of the workers or by one.
    expected = (workers if pool else 1) / max(probes, 1)
    assert processes._pools.seconds_a_probe[net] == expected
    assert sum(grown) == (1.0 if pool else 0.0)


def test_a_pool_is_asked_for_again_with_what_was_done_alone_since(monkeypatch):
    net, _ = digits()
    clock, asked = Clock(monkeypatch), []
    monkeypatch.setattr(processes, "ALONE", 1.0)
    monkeypatch.setattr(
        processes._pools, "borrow", lambda net, count, seconds: asked.append((count, seconds))
    )
    tasks = [0.75, 0.5, 0.25, 0.5]
    assert list(ByProcesses(net, clock, 4, 2).results(tasks)) == tasks
    assert asked == [(3, 1.25), (3, 0.25), (3, 0.5)]
    # Its two seconds are known: the next gradient asks at once.
    asked.clear()
    assert list(ByProcesses(net, clock, 4, 2).results([0.5])) == [0.5]
    assert asked == [(3, 0.0)]


class Dying(Here):
    """A pool of which it is said which workers are dead, and which ever worked."""

    def __init__(self, count):
        self.gone = set()
        super().__init__(count)

    def dead(self):
        return self.gone

    def begun(self):
        return self._begun


@pytest.mark.parametrize(
    ("gone", "begun", "again"),
    [
        ({0}, {0, 1}, True),  # killed, after it worked
        ({0, 1}, {0, 1}, True),
        ({0}, {1}, False),  # one that dies as it starts does so each time
        ({0, 1}, {1}, False),
        ({0}, set(), False),
    ],
)
def test_workers_that_die_are_replaced_if_they_ever_worked(gone, begun, again, monkeypatch):
    monkeypatch.setattr(processes, "Pool", Dying)
    net, _ = digits()
    pool = started(net, 2)
    pool.gone, pool._begun = gone, begun
    other = processes._pools.borrow(net, 2, WORTH)
    assert not pool.close.alive
    assert other is not pool
    assert (other is not None) is again


def test_a_pool_that_was_closed_is_replaced_whatever_its_workers_did(monkeypatch):
    monkeypatch.setattr(processes, "Pool", Dying)
    net, _ = digits()
    pool = started(net, 2)
    pool.gone, pool._begun = {0, 1}, {0}  # one was still starting
    pool.close()
    assert processes._pools.borrow(net, 2, WORTH) is not None


def test_seconds_of_all_networks_earn_a_pool_once():
    first, other = digits()[0], digits()[0]
    pools = processes._pools
    assert pools.borrow(first, 1, 0.6 * WORTH) is None
    pool = pools.borrow(other, 1, 0.6 * WORTH)
    assert pool is not None
    # Another count needs another pool, for which as much has to be done anew.
    assert pools.borrow(first, 2, 0.9 * WORTH) is None
    assert pools.borrow(first, 2, 0.1 * WORTH) not in (None, pool)
    pool.lock.release()
    assert pools.borrow(first, 1, 0.0) is pool


def test_where_no_pool_can_be_had_none_is_tried_again(monkeypatch):
    tried = []

    def lacking(count):
        tried.append(count)
        raise OSError

    monkeypatch.setattr(processes, "Pool", lacking)
    net, _ = digits()
    assert [processes._pools.borrow(net, 1, WORTH) for _ in range(2)] == [None, None]
    assert tried == [1]


def test_a_pool_lasts_as_long_as_a_network_that_it_worked_for():
    net, _ = digits()
    started(net)
    assert [*processes._pools._by_count] == [1]
    del net
    assert not processes._pools._by_count


def test_what_is_forgotten_is_closed_and_its_processes_are_not_ended():
    """They are those of the process that forked."""
    pools = processes._Pools()
    net, _ = digits()
    pool = pools.borrow(net, 2, WORTH)
    held = [os.dup(descriptor) for descriptor in pool._descriptors]
    pools.forget()
    assert pools.borrow(net, 2, 0.5 * WORTH) is None
    assert not pool.close.alive
    assert [process.returncode for process in pool._processes] == [0]
    assert pool._queue.fileno() == pool._far.fileno() == -1
    for descriptor in held:
        os.close(descriptor)


def test_a_worker_serves_until_its_queue_is_closed(monkeypatch):
    ended, imported = [], []
    monkeypatch.setattr(serving, "os", SimpleNamespace(_exit=ended.append))

    def import_module(name):
        imported.append(name)
        if name == "gone":
            raise ImportError(name)

    monkeypatch.setattr(serving, "import_module", import_module)
    queue, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs, own = Arena(), Arena()
    at = theirs.put(Named("first"))
    given = 3, far.detach(), theirs.descriptor, own.descriptor, ["gone", "graphnn.ops"]
    worker = threading.Thread(target=serving.serve, args=given, daemon=True)
    worker.start()
    queue.settimeout(PATIENCE)
    assert pickle.loads(queue.recv(LARGEST)) == Answer(3, HELLO, None, True)
    assert imported == ["gone", "graphnn.ops"]
    for number, task in ((7, "a"), (4, "b")):
        queue.send(pickle.dumps(Order(number, 0, at, task)))
        answer = pickle.loads(queue.recv(LARGEST))
        assert answer[:2] == (3, number)
        assert own.get(answer.result) == ("first", task, False)
    assert not ended
    queue.close()
    worker.join(PATIENCE)
    assert ended == [0]
    os.close(theirs.descriptor)
    os.close(own.descriptor)


def test_a_fork_lets_go_of_pools():
    # That of the module, to which forks were announced when it was imported.
    pool = POOLS._by_count[99] = Here(99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other threads there may be do not matter to the child
        child = os.fork()
    if not child:
        os._exit(7 if not POOLS._by_count and not pool.close.alive else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert POOLS._by_count[99] is pool
    assert pool.close.alive
