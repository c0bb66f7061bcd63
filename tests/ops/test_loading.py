"""Modules of ops are imported when one of their ops is looked up, and none is forgotten."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

from graphnn.ops import PUBLIC_NAMES, REGISTRY, families
from graphnn.ops._loading import Registry, modules_of
from places import ROOT
from tables import cases


def test_the_text_states_every_op_that_importing_registers():
    for module in pkgutil.iter_modules(families.__path__):
        import_module(f"{families.__name__}.{module.name}")
    ours = {name: op.__module__ for name, op in REGISTRY.items()}
    ours = {name: module for name, module in ours.items() if module.startswith(families.__name__)}
    assert ours == modules_of(families.__name__)


def imported(program: str) -> set[str]:
    code = (
        f"import sys, graphnn.ops\n{program}\nprint(*(n for n in sys.modules if '.families.' in n))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.rpartition(".")[2] for name in done.stdout.split()}


@cases("""
    program | expected=
    graphnn.ops.REGISTRY | set()
    list(graphnn.ops.REGISTRY), 'lstm' in graphnn.ops.REGISTRY | set()
    graphnn.ops.REGISTRY['relu'] | {"_elementwise", "activation"}
    graphnn.load('specs/gates/and.yaml') | {"_elementwise", "activation", "linear", "source"}
""")
def test_no_more_is_imported_than_looked_up(program, expected):
    assert imported(program) == expected


def test_names_that_a_spec_may_use():
    assert "relu" in PUBLIC_NAMES
    assert "batch_norm_training" not in PUBLIC_NAMES
    assert "nosuch" not in PUBLIC_NAMES
    assert len(PUBLIC_NAMES) == len([*PUBLIC_NAMES]) < len(REGISTRY)


def test_an_op_that_its_module_does_not_define_is_missing():
    registry = Registry()
    registry.expect({"ghost": "graphnn.ops.families.linear"})
    assert "ghost" in registry
    with pytest.raises(KeyError):
        registry["ghost"]
    assert registry.get("ghost") is None
    del registry["ghost"]
    assert len(registry) == 0
