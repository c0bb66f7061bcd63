"""The training of a spec as torch code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from graphnn.diagnostics import RunError
from graphnn.graph import Graph, Node
from graphnn.interchange.code.layout import laid_out
from graphnn.interchange.code.names import Names
from graphnn.ops.code import call, changed, shown
from graphnn.spec.training_records import TrainSpec
from graphnn.training import Optimizer, find

# What torch takes where nothing is given.
_USUAL: dict[str, Any] = {"weight_decay": 0.0, "eps": 1e-8, "alpha": 0.99, "betas": (0.9, 0.999)}
_USUAL_OF = {"AdamW": {"weight_decay": 0.01}, "Adagrad": {"eps": 1e-10}}
# What `main` reads and assigns.
_USED = (
    *("np", "nn", "torch", "DataLoader", "Network", "TensorDataset", "WEIGHTS", "load_weights"),
    *("arrays", "batches", "data", "epoch", "loss", "model", "optimizer", "rows", "schedule"),
)
_Scheduled = Literal["", "step", "epoch"]
_CALLED = {"learning_rate": "lr", "epsilon": "eps"}


def training(graph: Graph, losses: Iterable[str]) -> str:
    """A function `main` that trains as the spec says.

    Raises
    ------
    TrainingError
        The optimizer, or its schedule, is at fault.
    RunError
        Torch has none like it.
    """
    train = graph.spec.train
    assert train is not None
    found = find(train.optimizer)
    dtype = f"torch.{graph.spec.dtype}"
    needed = graph.upstream(losses)
    inputs = [node for node in graph.inputs if node.name in needed]
    total = f"{train.epochs} * len(batches)" if inputs else str(train.epochs)
    schedule, every = _schedule(found.schedule.model_dump(), total)
    lines = [
        "def main(rows):" if inputs else "def main():",
        *_about(train, bool(inputs)),
        f"    torch.manual_seed({train.seed})",
        *(_batches(inputs, dtype, train.batch_size) if inputs else []),
        f"    model = Network().to({dtype})",
        "    load_weights(model)",
        f"    optimizer = {_optimizer(found)}",
        *([f"    schedule = {schedule}"] if schedule else []),
        "    model.train()",
        *_epochs(train.epochs, _arguments(inputs), found.clip_norm, every),
        '    torch.save(model.state_dict(), WEIGHTS.with_suffix(".pt"))',
        "",
        "",
        'if __name__ == "__main__":',
        f"    main({'sys.argv[1]' if inputs else ''})",
    ]
    return "\n".join(map(laid_out, lines))


def _about(train: TrainSpec, has_rows: bool) -> list[str]:
    """The docstring of `main`, with what of the training is left out."""
    what = f"Train{' on the arrays in an .npz file, one for each input' if has_rows else ''}."
    absent = {
        "accumulate": train.accumulate > 1,
        "augment": train.augment is not None,
        "early_stopping": train.early_stopping is not None,
        "keep": train.keep != "last",
    }
    if not any(absent.values()):
        return [f'    """{what}"""']
    left = ", ".join(f"'{key}'" for key, is_so in absent.items() if is_so)
    return [f'    """{what}', "", f"    It leaves out {left} of the spec's training.", '    """']


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
    names = Names(_USED)
    return [names[node.name] for node in inputs]


def _epochs(
    epochs: int, arguments: list[str], clip: float | None, scheduled: _Scheduled
) -> list[str]:
    """The loop of training; an epoch is one step where there is nothing to read."""
    given = ", ".join(arguments)
    step = ["optimizer.zero_grad()", f"loss = model.loss({given})", "loss.backward()"]
    if clip is not None:
        step.append(f"nn.utils.clip_grad_norm_(model.parameters(), {shown(clip)})")
    step.append("optimizer.step()")
    if scheduled == "step" or (scheduled and not arguments):
        step.append("schedule.step()")
    if not arguments:
        lines = [f"    for _ in range({epochs}):", *(f"        {each}" for each in step)]
        return [*lines, '    print(f"loss {loss.item():.4g}")']
    return [
        f"    for epoch in range(1, {epochs + 1}):",
        f"        for {f'({given},)' if len(arguments) == 1 else given} in batches:",
        *(f"            {each}" for each in step),
        *(["        schedule.step()"] if scheduled == "epoch" else []),
        '        print(f"epoch {epoch}: loss {loss.item():.4g}")',
    ]


def _optimizer(found: Optimizer) -> str:
    given = found.model_dump(exclude={"schedule", "clip_norm"})
    name = given.pop("name")
    if not found.torch_name:
        raise RunError.of("not-in-code", f"torch has no optimizer like '{name}'")
    usual = _USUAL | _USUAL_OF.get(found.torch_name, {})
    options = {_CALLED.get(key, key): value for key, value in given.items()}
    betas = options.pop("beta1", 0.9), options.pop("beta2", 0.999)
    # `call` writes equal numbers as one, and whole ones without a point, which torch refuses.
    pair = None if betas == usual["betas"] else f"betas={betas}"
    if name == "nesterov" and options["momentum"]:  # which torch refuses without
        options["nesterov"] = True
    kept = changed(options, usual)
    return call(f"torch.optim.{found.torch_name}", "model.parameters()", pair, **kept)


def _schedule(given: Mapping[str, Any], steps: str) -> tuple[str, _Scheduled]:
    """The schedule and what it follows, in a training of so many steps; empty for a constant rate.

    Raises
    ------
    RunError
        None of torch's follows it.
    """
    if given["warm_up"]:
        raise RunError.of("not-in-code", "a schedule with 'warm_up' is not written as torch code")
    if given["name"] == "cosine":
        start = "torch.optim.lr_scheduler.CosineAnnealingLR"
        floor = given["floor"]
        low = f'{shown(floor)} * optimizer.defaults["lr"]' if floor else None
        return call(start, "optimizer", steps, low), "step"
    if given["name"] == "step":
        every = given["every"]
        if not every.is_integer():
            message = f"a schedule whose 'every' is {every:g} is not written as torch code"
            raise RunError.of("not-in-code", message)
        start = "torch.optim.lr_scheduler.StepLR"
        return call(start, "optimizer", shown(every), gamma=given["factor"]), "epoch"
    return "", ""
