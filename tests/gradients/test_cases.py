"""The table of different moves, on the example that the engine's README draws."""

import numpy as np

from graphnn.gradients.numerical.engine.cases import Cases


def test_equal_moves_of_a_row_are_one_case():
    pixels = np.array([[3.0, 0, 7, 3], [7, 7, 0, 0]])
    table = Cases.of(pixels[:, :, None], np.arange(2))
    assert table.samples.tolist() == [0, 0, 1]
    assert table.coefficients.tolist() == [[3, 7, 7]]
    assert table.group_of.tolist() == [0, 0, 1, 2, 3]
    assert table.case_of.tolist() == [0, 2, 2, 1, 0]


def test_what_cases_do_is_added_up_for_each_group():
    pixels = np.array([[3.0, 0, 7, 3], [7, 7, 0, 0]])
    table = Cases.of(pixels[:, :, None], np.arange(2))
    # Were the loss of a row the square of the move: by hand, a group's is the sum over its pixels.
    total = np.zeros((1, 4))
    table.add_up(table.coefficients**2, total)
    assert total.tolist() == [(pixels**2).sum(axis=0).tolist()]
