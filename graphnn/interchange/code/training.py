"""The training of a spec as torch code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from graphnn.diagnostics import RunError
from graphnn.graph import Graph, Node
from graphnn.interchange.code.layout import laid_out
from graphnn.interchange.code.names import Names
from graphnn.ops.code import call, changed, shown
from graphnn.spec.training_records import TrainSpec
from graphnn.training import Optimizer, Schedule, find

# What torch takes where nothing is given.
_USUAL: dict[str, Any] = {"weight_decay": 0.0, "eps": 1e-8, "alpha": 0.99, "betas": (0.9, 0.999)}
_USUAL_OF = {"AdamW": {"weight_decay": 0.01}, "Adagrad": {"eps": 1e-10}}
# What `main` reads and assigns.
_USED = (
    *("np", "nn", "torch", "DataLoader", "Network", "TensorDataset", "WEIGHTS", "load_weights"),
    *("arrays", "batches", "data", "epoch", "loss", "model", "number", "optimizer", "parameter"),
    *("rows", "scale", "schedule", "steps", "summed"),
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
        Torch has no such optimizer.
    """
    train = graph.spec.train
    assert train is not None
    found = find(train.optimizer)
    dtype = f"torch.{graph.spec.dtype}"
    needed = graph.upstream(losses)
    inputs = [node for node in graph.inputs if node.name in needed]
    together = train.accumulate if inputs else 1
    steps = f"-(-len(batches) // {together})" if together > 1 else "len(batches)"
    schedule, every = _schedule(found.schedule, train.epochs, steps if inputs else "1")
    lines = [
        "def main(rows):" if inputs else "def main():",
        *_about(train, bool(inputs)),
        f"    torch.manual_seed({train.seed})",
        *(_batches(inputs, dtype, train.batch_size) if inputs else []),
        f"    model = Network().to({dtype})",
        "    load_weights(model)",
        f"    optimizer = {_optimizer(found)}",
        *schedule,
        "    model.train()",
        *_epochs(train.epochs, _arguments(inputs), found.clip_norm, every, together),
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
    epochs: int, arguments: list[str], clip: float | None, scheduled: _Scheduled, together: int
) -> list[str]:
    """The loop of training; an epoch is one step where there is nothing to read."""
    given = ", ".join(arguments)
    step = ["optimizer.step()"]
    if clip is not None:
        step.insert(0, f"nn.utils.clip_grad_norm_(model.parameters(), {shown(clip)})")
    if scheduled == "step" or (scheduled and not arguments):
        step.append("schedule.step()")
    if together > 1:
        return _groups(epochs, arguments, step, scheduled, together)
    step = ["optimizer.zero_grad()", f"loss = model.loss({given})", "loss.backward()", *step]
    if not arguments:
        lines = [f"    for _ in range({epochs}):", *(f"        {each}" for each in step)]
        return [*lines, '    print(f"loss {loss.item():.4g}")']
    return [
        f"    for epoch in range(1, {epochs + 1}):",
        f"        for {_unpacked(arguments)} in batches:",
        *(f"            {each}" for each in step),
        *_end_of_epoch(scheduled),
    ]


def _groups(
    epochs: int, arguments: list[str], step: list[str], scheduled: _Scheduled, together: int
) -> list[str]:
    """The loop where a step takes the mean gradient over the rows of several batches."""
    return [
        "    optimizer.zero_grad()",
        f"    for epoch in range(1, {epochs + 1}):",
        "        summed = 0",
        f"        for number, {_unpacked(arguments, inner=True)} in enumerate(batches, 1):",
        f"            loss = model.loss({', '.join(arguments)})",
        f"            (len({arguments[0]}) * loss).backward()",
        f"            summed += len({arguments[0]})",
        f"            if number % {together} and number < len(batches):",
        "                continue",
        "            for parameter in model.parameters():",
        "                if parameter.grad is not None:",
        "                    parameter.grad /= summed",
        *(f"            {each}" for each in step),
        "            optimizer.zero_grad()",
        "            summed = 0",
        *_end_of_epoch(scheduled),
    ]


def _unpacked(arguments: list[str], *, inner: bool = False) -> str:
    """What a loop over batches assigns."""
    if len(arguments) == 1:
        return f"({arguments[0]},)"
    return f"({', '.join(arguments)})" if inner else ", ".join(arguments)


def _end_of_epoch(scheduled: _Scheduled) -> list[str]:
    return [
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


def _schedule(schedule: Schedule, epochs: int, steps: str) -> tuple[list[str], _Scheduled]:
    """Lines that make the schedule, and what it follows, in a training of so many steps an epoch.

    Torch's names are used where it has the rule; none, of a constant rate.
    """
    given = schedule.model_dump()
    name, start = given["name"], "    schedule = torch.optim.lr_scheduler."
    if given["warm_up"]:
        return _scaled(schedule, epochs, steps), "step"
    if name == "cosine":
        low = f'{shown(given["floor"])} * optimizer.defaults["lr"]' if given["floor"] else None
        total = str(epochs) if steps == "1" else f"{epochs} * {steps}"
        return [start + call("CosineAnnealingLR", "optimizer", total, low)], "step"
    if name == "step" and given["every"].is_integer():
        made = call("StepLR", "optimizer", shown(given["every"]), gamma=given["factor"])
        return [start + made], "epoch"
    return ([], "") if name == "constant" else (_scaled(schedule, epochs, steps), "step")


def _scaled(schedule: Schedule, epochs: int, steps: str) -> list[str]:
    """A schedule as a function of the step."""
    start = schedule.warm_up
    rises = [
        f"        if step + 1 < {shown(start)} * steps:",
        f"            return (step + 1) / ({shown(start)} * steps)",
    ]
    level = schedule.to_code(epochs)
    return [
        f"    steps = {steps}  # of an epoch",
        "",
        "    def scale(step):",
        '        """What the learning rate is multiplied by."""',
        *(rises if start else []),
        *(["        epoch = step / steps"] if "epoch" in level else []),
        f"        return {level}",
        "",
        "    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, scale)",
    ]
