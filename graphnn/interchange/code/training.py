"""The training of a spec as torch code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphnn.diagnostics import RunError
from graphnn.graph import Graph, Node
from graphnn.interchange.code.layout import laid_out
from graphnn.ops.code import call, shown
from graphnn.spec.values import plain

_OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "adagrad": ("Adagrad", {"learning_rate": 0.1}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.1}),
    "adam": ("Adam", {"learning_rate": 0.001}),
    "adamw": ("AdamW", {"learning_rate": 0.001}),
}
_CALLED = {"learning_rate": "lr", "epsilon": "eps"}


def training(graph: Graph, losses: Iterable[str]) -> str:
    """A function `main` that trains as the spec says."""
    train = graph.spec.train
    assert train is not None
    options = {key: plain(value.value) for key, value in train.optimizer.options.entries.items()}
    rate = options.pop("schedule", None)
    clip = options.pop("clip_norm", None)
    optimizer = _optimizer(str(train.optimizer.name.value), options)
    schedule = _schedule(rate, train.epochs)
    dtype = f"torch.{graph.spec.dtype}"
    needed = graph.upstream(losses)
    inputs = [node for node in graph.inputs if node.name in needed]
    lines = [
        "def main(rows):" if inputs else "def main():",
        f'    """Train{" on the arrays in an .npz file, one for each input" if inputs else ""}."""',
        f"    torch.manual_seed({train.seed})",
        *(_batches(inputs, dtype, train.batch_size) if inputs else []),
        f"    model = Network().to({dtype})",
        "    load_weights(model)",
        f"    optimizer = {optimizer}",
        *([f"    schedule = {schedule}"] if schedule else []),
        "    model.train()",
        *_epochs(train.epochs, _arguments(inputs), clip, scheduled=bool(schedule)),
        '    torch.save(model.state_dict(), WEIGHTS.with_suffix(".pt"))',
        "",
        "",
        'if __name__ == "__main__":',
        f"    main({'sys.argv[1]' if inputs else ''})",
    ]
    return "\n".join(map(laid_out, lines))


def _batches(inputs: list[Node], dtype: str, size: int) -> list[str]:
    """The batches of the rows that a file holds."""
    lines = ["    arrays = np.load(rows)", "    data = TensorDataset("]
    for node in inputs:
        kind = dtype if node.kind == "float" else "torch.int64"
        lines.append(f'        torch.from_numpy(arrays["{node.name}"]).to({kind}),')
    return [*lines, "    )", f"    batches = DataLoader(data, batch_size={size}, shuffle=True)"]


def _arguments(inputs: list[Node]) -> list[str]:
    """Variables for a batch of each input; numbered ones where there are many."""
    if len(inputs) > 9:
        return [f"v{n}" for n in range(len(inputs))]
    return [_variable(node.name) for node in inputs]


def _epochs(epochs: int, arguments: list[str], clip: Any, *, scheduled: bool) -> list[str]:
    """The loop of training; an epoch is one step where there is nothing to read."""
    given = ", ".join(arguments)
    step = ["optimizer.zero_grad()", f"loss = model.loss({given})", "loss.backward()"]
    if clip is not None:
        step.append(f"nn.utils.clip_grad_norm_(model.parameters(), {shown(clip)})")
    step.append("optimizer.step()")
    after = ["        schedule.step()"] if scheduled else []
    if not arguments:
        lines = [f"    for _ in range({epochs}):", *(f"        {each}" for each in step), *after]
        return [*lines, '    print(f"loss {loss.item():.4g}")']
    return [
        f"    for epoch in range(1, {epochs + 1}):",
        f"        for {f'({given},)' if len(arguments) == 1 else given} in batches:",
        *(f"            {each}" for each in step),
        *after,
        '        print(f"epoch {epoch}: loss {loss.item():.4g}")',
    ]


def _variable(name: str) -> str:
    from graphnn.interchange.code.names import Names

    return Names(["model", "optimizer", "schedule", "data", "batches", "epoch", "loss", "np"])[name]


def _optimizer(name: str, options: Mapping[str, Any]) -> str:
    if name not in _OPTIMIZERS:
        raise RunError.of("not-in-code", f"torch has no optimizer like '{name}'")
    torch_name, usual = _OPTIMIZERS[name]
    given = {**usual, **options}
    if name in ("adam", "adamw") and {"beta1", "beta2"} & given.keys():
        given["betas"] = (given.pop("beta1", 0.9), given.pop("beta2", 0.999))
    if name == "nesterov":
        given["nesterov"] = True
    kept = {_CALLED.get(key, key): value for key, value in given.items() if value is not None}
    return call(f"torch.optim.{torch_name}", "model.parameters()", **kept)


def _schedule(given: Any, epochs: int) -> str:
    """The schedule, stepped once an epoch; empty for a constant rate."""
    if given is None:
        return ""
    name, options = (given, {}) if isinstance(given, str) else next(iter(given.items()))
    options = dict(options or {})
    if options.get("warm_up"):
        raise RunError.of("not-in-code", "a schedule with 'warm_up' is not written as torch code")
    if name == "cosine":
        start = "torch.optim.lr_scheduler.CosineAnnealingLR"
        floor = options.get("floor")
        low = f'{shown(floor)} * optimizer.defaults["lr"]' if floor else None
        return call(start, "optimizer", epochs, low)
    if name == "step":
        every = options["every"]
        factor = options.get("factor", 0.1)
        return call("torch.optim.lr_scheduler.StepLR", "optimizer", shown(every), gamma=factor)
    return ""
