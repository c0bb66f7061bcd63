"""Chosen entries: what is taken, what is not, and what Ctrl-C leaves."""

import numpy as np
import pytest

import graphnn
from gradient_cases import digits
from graphnn.gradients.numerical import estimates
from graphnn.gradients.numerical.api import Interrupted
from graphnn.gradients.numerical.loop import Loop
from tables import cases

METHODS = ("probes", "loop", "complex")


def only_those(found, whole, places):
    """Values at `places` are those of the whole gradient; elsewhere there are none."""
    assert found.entries.tolist() == sorted(places)
    assert found.taken == len(places)
    taken = np.zeros(whole.value.size, dtype=bool)
    taken[places] = True
    taken = taken.reshape(whole.value.shape)
    assert found.value.shape == whole.value.shape
    # 1e-9 of the largest entry is what the methods agree to.
    limit = 1e-9 * np.abs(whole.value).max()
    np.testing.assert_allclose(found.value[taken], whole.value[taken], rtol=0, atol=limit)
    assert np.isfinite(found.error[taken]).all()
    assert np.isnan(found.value[~taken]).all()
    assert np.isnan(found.error[~taken]).all()
    assert not found.kink.any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "entries",
    [
        ["a1.weight[2,1]", "a2.bias[0]", "a1.weight[0,4]"],
        {"a1.weight": [(2, 1), (0, 4)], "a2.bias": 0},
        {"a1.weight": [(0, 4), (2, 1), (2, 1)], "a2.bias": (0,)},
    ],
)
def test_entries_by_name_and_by_index(method, entries):
    net, inputs = digits()
    whole = graphnn.numerical_gradient(net, inputs)
    found = graphnn.numerical_gradient(net, inputs, entries=entries, method=method)
    assert list(found) == ["a1.weight", "a2.bias"]
    only_those(found["a1.weight"], whole["a1.weight"], [2 * 5 + 1, 4])
    only_those(found["a2.bias"], whole["a2.bias"], [0])


def test_a_single_entry():
    net, inputs = digits()
    found = graphnn.numerical_gradient(net, inputs, entries="a2.weight[4,2]")
    whole = graphnn.numerical_gradient(net, inputs)
    assert list(found) == ["a2.weight"]
    only_those(found["a2.weight"], whole["a2.weight"], [14])


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_is_drawn_from_all_entries_by_its_seed(method):
    net, inputs = digits()
    whole = graphnn.numerical_gradient(net, inputs)
    drawn = []
    for seed in (0, 0, 1):
        found = graphnn.numerical_gradient(net, inputs, entries=20, seed=seed, method=method)
        assert sum(each.taken for each in found.values()) == 20
        for name, each in found.items():
            only_those(each, whole[name], each.entries.tolist())
        drawn.append({name: each.entries.tolist() for name, each in found.items()})
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_sample_is_fair():
    net, inputs = digits()
    counts = dict.fromkeys(net.parameters, 0)
    for seed in range(100):
        found = graphnn.numerical_gradient(
            net, inputs, entries=5, seed=seed, estimate=False, workers=1
        )
        for name, each in found.items():
            counts[name] += each.taken
    assert sum(counts.values()) == 500
    for name, array in net.parameters.items():
        # A hypergeometric count: within 5 standard deviations of its mean.
        share = array.size / 53
        assert abs(counts[name] - 500 * share) < 5 * np.sqrt(500 * share * (1 - share))


def test_a_sample_of_some_parameters_and_one_larger_than_there_are_entries():
    net, inputs = digits()
    found = graphnn.numerical_gradient(net, inputs, only=["a1.bias", "a2.bias"], entries=100)
    assert {name: each.taken for name, each in found.items()} == {"a1.bias": 5, "a2.bias": 3}


def test_what_is_not_chosen_is_not_computed(monkeypatch):
    net, inputs = digits()
    moved = []
    right = Loop.at
    monkeypatch.setattr(
        Loop, "at", lambda self, *which: moved.append(which[:2]) or right(self, *which)
    )
    graphnn.numerical_gradient(net, inputs, entries="a1.bias[3]", method="loop", estimate=False)
    assert moved == [("a1.bias", (3,))] * 2


def test_progress_counts_what_is_chosen():
    net, inputs = digits()
    seen = []
    graphnn.numerical_gradient(
        net, inputs, entries=7, method="loop", progress=lambda *so_far: seen.append(so_far)
    )
    assert seen == [(n, 7) for n in range(1, 8)]


def test_only_what_is_chosen_is_checked(monkeypatch):
    net, inputs = digits()
    wrong = graphnn.backprop(net, inputs)
    wrong["a1.weight"][2, 1] += 1
    hit = graphnn.check_gradients(net, inputs, gradients=wrong, entries="a1.weight[2,1]")
    miss = graphnn.check_gradients(net, inputs, gradients=wrong, entries="a1.weight[2,2]")
    assert (hit.counts["wrong backward"], sum(hit.counts.values())) == (1, 1)
    assert (miss.counts["agree"], sum(miss.counts.values())) == (1, 1)
    assert miss.parameters[0].worst.index == (2, 2)
    assert (miss.parameters[0].verdicts == -1).sum() == 29


@cases(r"""
    options= | expected
    {"entries": "a1.weight[6,0]"}
        | error[unknown-entry]: 'a1.weight[6,0]' is not an entry of 'a1.weight', whose shape is [6,
        5]
        \n   = help: such as a1.weight[5,4]
    {"entries": {"a1.weight": [3]}}
        | error[unknown-entry]: 'a1.weight[3]' is not an entry of 'a1.weight', whose shape is [6, 5]
        \n   = help: such as a1.weight[5,4]
    {"entries": {"a1.wieght": 3}}
        | error[unknown-parameter]: the network has no parameter 'a1.wieght'
        \n   = help: did you mean 'a1.weight'?
    {"entries": 0} | error[bad-entries]: a sample has at least 1 entry, not 0
    {"entries": "a1.bias[0]", "only": ["a2.bias", "a2.weight"]}
        | error[unknown-entry]: an entry of 'a1.bias' is selected, but 'only' allows a2.bias,
        a2.weight
""")
def test_entries_that_are_not_there(options, expected):
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, inputs, **options)
    assert str(caught.value) == expected


def stop_at(count):
    def progress(done, total):
        if done >= count:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_keeps_what_was_reached():
    net, inputs = digits()
    whole = graphnn.numerical_gradient(net, inputs, method="loop")
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, method="loop", progress=stop_at(47))
    stop = caught.value
    assert str(stop) == "47 of 53 entries were computed"
    assert {name: found.taken for name, found in stop.estimates.items()} == {
        "a1.weight": 30,
        "a1.bias": 5,
        "a2.weight": 12,
    }
    np.testing.assert_array_equal(stop.estimates["a1.weight"].value, whole["a1.weight"].value)
    only_those(stop.estimates["a2.weight"], whole["a2.weight"], list(range(12)))


@pytest.mark.parametrize("method", ["probes", "complex"])
def test_ctrl_c_keeps_the_parameters_that_were_done(method):
    net, inputs = digits()
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, method=method, progress=stop_at(36))
    taken = {name: found.taken for name, found in caught.value.estimates.items()}
    assert taken == {"a1.weight": 30, "a1.bias": 5, "a2.weight": 15}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [35, 53])
def test_ctrl_c_at_the_end_of_a_parameter_stops_all_the_same(method, count):
    net, inputs = digits()
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, method=method, progress=stop_at(count))
    assert str(caught.value) == f"{count} of 53 entries were computed"


def stop_after(pieces):
    """Ctrl-C once so many pieces of the work have arrived."""
    calls = []

    def progress(done, total):
        calls.append(done)
        if len(calls) == pieces:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("method", ["probes", "complex"])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("pieces", [1, 2, 5, 6, 11])
def test_ctrl_c_keeps_the_entries_whose_pieces_arrived(monkeypatch, method, workers, pieces):
    # Six groups of entries by one, each in two pieces of two rows of the batch.
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._CURVED", 120)
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_channel._BLOCK", 1)
    options = {"method": method, "workers": workers, "max_memory": 1, "only": ["a1.weight"]}
    net, inputs = digits()
    whole = graphnn.numerical_gradient(net, inputs, **options)["a1.weight"]
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, progress=stop_after(pieces), **options)
    groups = pieces // 2
    assert caught.value.done == 5 * groups
    if not groups:
        assert caught.value.estimates == {}
        return
    found = caught.value.estimates["a1.weight"]
    assert found.entries.tolist() == list(range(5 * groups))
    np.testing.assert_array_equal(found.value[:groups], whole.value[:groups])
    only_those(found, whole, found.entries.tolist())


@pytest.mark.parametrize(
    ("chosen", "left"), [(None, [0, 1, 2, 3, 4, 5]), ([(0, 4), (1, 1), (3, 2), (5, 0)], [4])]
)
def test_ctrl_c_keeps_the_entries_that_rows_have_done(monkeypatch, chosen, left):
    # Two probes of four rows make a piece.
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_rows.ROWS", 8)
    monkeypatch.setattr(
        "graphnn.gradients.numerical.engine.probes.ByChannel.fit", lambda *arguments: None
    )
    options = {} if chosen is None else {"entries": {"a1.weight": chosen}}
    net, inputs = digits()
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, progress=stop_after(3), **options)
    whole = graphnn.numerical_gradient(net, inputs, only=["a1.weight"])["a1.weight"]
    only_those(caught.value.estimates["a1.weight"], whole, left)


def test_ctrl_c_among_a_few_entries_of_many(monkeypatch):
    # Fewer than one of 64 entries: a way of their own, two of them a piece.
    monkeypatch.setattr("graphnn.gradients.numerical.engine.by_rows.ROWS", 8)
    monkeypatch.setattr("graphnn.gradients.numerical.engine.probes._FEW", 2)
    net, inputs = digits()
    entries = {"a1.weight": [(0, 4), (1, 1), (3, 2), (5, 0)]}
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs, progress=stop_after(1), entries=entries)
    whole = graphnn.numerical_gradient(net, inputs, only=["a1.weight"])["a1.weight"]
    only_those(caught.value.estimates["a1.weight"], whole, [4, 6])


def test_a_check_that_is_stopped_reports_on_what_was_reached():
    net, inputs = digits()
    with pytest.raises(Interrupted) as caught:
        graphnn.check_gradients(net, inputs, method="loop", progress=stop_at(33))
    assert caught.value.report.counts["agree"] == 33
    assert [found.name for found in caught.value.report.parameters] == ["a1.weight", "a1.bias"]


def test_ctrl_c_while_errors_are_estimated_keeps_what_was_done(monkeypatch):
    right = estimates.rounding
    calls = []

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return right(*arguments)

    monkeypatch.setattr(estimates, "rounding", stop)
    net, inputs = digits()
    with pytest.raises(Interrupted) as caught:
        graphnn.numerical_gradient(net, inputs)
    assert list(caught.value.estimates) == ["a1.weight", "a1.bias"]
    assert (caught.value.done, caught.value.total) == (35, 53)
