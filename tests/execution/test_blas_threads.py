"""BLAS held to one thread, and set free again."""

from __future__ import annotations

from graphnn.execution._blas_threads import OneBlasThread


class Controller:
    """Stands for threadpoolctl's, and notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def limit(self, limits: int, user_api: str) -> Controller:
        self.calls.append(f"limit {user_api} to {limits}")
        return self

    def restore_original_limits(self) -> None:
        self.calls.append("restore")


def test_the_limit_is_set_by_the_first_and_lifted_by_the_last():
    one, controller = OneBlasThread(), Controller()
    vars(one)["_controller"] = controller
    with one:
        with one:
            assert controller.calls == ["limit blas to 1"]
        assert controller.calls == ["limit blas to 1"]
    assert controller.calls == ["limit blas to 1", "restore"]
    with one:
        pass
    assert controller.calls[2:] == ["limit blas to 1", "restore"]
