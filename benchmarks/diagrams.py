"""The same three networks drawn by other tools and by graphnn, as docs/diagrams.md compares them.

``python benchmarks/diagrams.py --output FOLDER`` writes a PNG for each tool and network, and prints
how large each picture is. The networks are specs of this repository; torchview, torchvista and
visualtorch draw the modules that ``graphnn export --style torch`` writes of them, Netron the ONNX
models, and Keras the same layers written below, whose parameters are counted. A tool that is not
there is skipped by its name: ``pip install selenium netron keras pydot torch==2.13.0 torchview
torchvista visualtorch``; pages are photographed by Debian's chromium and chromium-driver, and Keras
and torchview need graphviz.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import graphnn
from graphnn import interchange

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from chromium import chromium

SPECS = Path(__file__).resolve().parent.parent / "specs"
NETWORKS = {"mnist": (784,), "lenet5": (1, 28, 28), "residual_blocks": (1, 28, 28)}
WIDEST, COLOURS = 900, 64  # pixels of a picture, and colours
DRAWN = 5.0  # seconds after which a page is drawn
# Pixels that torchvista fills, whatever there is to draw.
HEIGHTS = {"mnist": 700, "lenet5": 1600, "residual_blocks": 2600}
BLOCK_STYLE = ("lenet5", "residual_blocks")  # networks of images


class MissingToolError(Exception):
    """A tool, or what it needs, is not installed."""


def need(*names: str, programs: tuple[str, ...] = ()) -> None:
    """Raise `MissingToolError` unless modules and programs are there."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise MissingToolError(name)
    for program in programs:
        if shutil.which(program) is None:
            raise MissingToolError(program)


def module(name: str, folder: Path) -> Any:
    """The network `name` as a module of torch, from the code that graphnn writes."""
    need("torch")
    net = graphnn.load(SPECS / f"{name}.yaml")
    interchange.export(net, folder / f"{name}.py", style="torch")
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name).Network().eval()
    finally:
        sys.path.remove(str(folder))


def graphviz_png(graph: Any) -> bytes:
    """The PNG that Graphviz's own dot makes."""
    need(programs=("dot",))
    made: bytes = graph.pipe(format="png")
    return made


def with_graphnn(name: str, _: Path) -> dict[str, bytes]:
    """The default style, and for images the one of oblique boxes."""
    net = graphnn.load(SPECS / f"{name}.yaml")
    found = {"": net.draw(direction="right").content("png")}
    if name in BLOCK_STYLE:
        found["_blocks"] = net.draw(style="blocks").content("png")
    else:
        found["_textbook"] = net.draw(style="textbook").content("png")
    return found


def with_torchview(name: str, folder: Path) -> dict[str, bytes]:
    """Graphs of torchview, with what is inside modules in frames."""
    need("torchview")
    from torchview import draw_graph

    options = {"expand_nested": True, "device": "cpu", "input_size": (1, *NETWORKS[name])}
    return {"": graphviz_png(draw_graph(module(name, folder), **options).visual_graph)}


def with_torchvista(name: str, folder: Path) -> dict[str, bytes]:
    """The page of torchvista, with all modules open, as Chromium shows it."""
    need("torchvista", "torch", "selenium", programs=("chromium", "chromedriver"))
    import torch
    from torchvista import trace_model

    path = folder / f"{name}.html"
    net, size = module(name, folder), (1, *NETWORKS[name])
    options = {
        **{"collapse_modules_after_depth": 9, "show_module_attr_names": True},
        **{"height": HEIGHTS[name], "width": 1400},
    }
    with contextlib.redirect_stdout(io.StringIO()):
        trace_model(net, torch.zeros(size), export_path=str(path), **options)
    return {"": photographed(path.as_uri(), ["a[href*=torchvista]"])}


def with_visualtorch(name: str, folder: Path) -> dict[str, bytes]:
    """Pictures of visualtorch, in the style of volumes, or of nodes where there are no maps."""
    need("visualtorch")
    import visualtorch

    size = (1, *NETWORKS[name])
    options: dict[str, Any] = {"style": "graph", "show_dimension": True}
    if name in BLOCK_STYLE:
        options = {"style": "flow", "show_dimension": True, "legend": True, "scale_xy": 4}
    picture = visualtorch.render(module(name, folder), size, **options)
    file = io.BytesIO()
    picture.convert("RGB").save(file, "PNG")
    return {"": file.getvalue()}


def with_netron(name: str, folder: Path) -> dict[str, bytes]:
    """The page of Netron for the ONNX model, as Chromium shows it."""
    need("netron", "onnx", "selenium", programs=("chromium", "chromedriver"))
    import netron

    path = folder / f"{name}.onnx"
    interchange.export(graphnn.load(SPECS / f"{name}.yaml"), path)
    host, port = netron.start(str(path), address=("127.0.0.1", 8124), browse=False)
    try:
        hidden = ["#menu-button", "#toolbar"]
        return {"": photographed(f"http://{host}:{port}/", hidden, "#message-button")}
    finally:
        netron.stop((host, port))


def with_keras(name: str, folder: Path) -> dict[str, bytes]:
    """``plot_model`` with all that it can show."""
    need("keras", "pydot", programs=("dot",))
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    model = KERAS[name](keras)
    spec = graphnn.load(SPECS / f"{name}.yaml").graph
    if model.count_params() != sum(each.size for each in spec.parameters.values()):
        raise ValueError(f"the Keras model of {name} is another network")
    path = folder / f"{name}.png"
    keras.utils.plot_model(
        model,
        path,
        show_shapes=True,
        show_layer_names=True,
        show_layer_activations=True,
        expand_nested=True,
        dpi=96,
    )
    return {"": path.read_bytes()}


def keras_mnist(keras: Any) -> Any:
    """specs/mnist.yaml."""
    x = keras.Input((784,), name="x")
    z = keras.layers.Dense(50, "sigmoid", name="a1")(x)
    return keras.Model(x, keras.layers.Dense(10, "softmax", name="a2")(z))


def keras_lenet5(keras: Any) -> Any:
    """specs/lenet5.yaml."""
    layers = keras.layers
    x = keras.Input((28, 28, 1), name="x")
    y = layers.Conv2D(6, 5, padding="same", activation="tanh", name="c1")(x)
    y = layers.AveragePooling2D(2, name="s2")(y)
    y = layers.Conv2D(16, 5, activation="tanh", name="c3")(y)
    y = layers.AveragePooling2D(2, name="s4")(y)
    y = layers.Flatten(name="f")(layers.Conv2D(120, 5, activation="tanh", name="c5")(y))
    y = layers.Dense(84, "tanh", name="a6")(y)
    return keras.Model(x, layers.Dense(10, "softmax", name="a7")(y))


def keras_residual_blocks(keras: Any) -> Any:
    """specs/residual_blocks.yaml."""
    layers = keras.layers

    def normalized(x: Any, filters: int, stride: int = 1, kernel: int = 3) -> Any:
        options = {"padding": "same", "use_bias": False}
        return layers.BatchNormalization()(layers.Conv2D(filters, kernel, stride, **options)(x))

    def block(x: Any, filters: int, stride: int = 1) -> Any:
        y = layers.ReLU()(normalized(x, filters, stride))
        y = normalized(y, filters)
        fit = normalized(x, filters, stride, 1) if stride > 1 else x
        return layers.ReLU()(layers.Add()([y, fit]))

    x = keras.Input((28, 28, 1), name="x")
    y = block(layers.ReLU()(normalized(x, 16, 2)), 16)
    y = layers.GlobalAveragePooling2D(name="m")(block(block(y, 32, 2), 32))
    return keras.Model(x, layers.Dense(10, "softmax", name="a")(y))


KERAS: dict[str, Callable[[Any], Any]] = {
    "mnist": keras_mnist,
    "lenet5": keras_lenet5,
    "residual_blocks": keras_residual_blocks,
}
TOOLS: dict[str, Callable[[str, Path], dict[str, bytes]]] = {
    "netron": with_netron,
    "keras": with_keras,
    "torchview": with_torchview,
    "torchvista": with_torchvista,
    "visualtorch": with_visualtorch,
    "graphnn": with_graphnn,
}


def photographed(address: str, hidden: Sequence[str], button: str = "") -> bytes:
    """What Chromium shows of a page in a large window.

    Parameters
    ----------
    address : str
    hidden : sequence of str
        Selectors of what is not part of the picture.
    button : str
        Selector of what has to be clicked first.
    """
    with chromium() as browser:
        browser.set_window_size(1600, 3400)
        browser.get(address)
        time.sleep(DRAWN)
        if button:
            browser.find_element("css selector", button).click()
            time.sleep(DRAWN)
        script = "for (const each of document.querySelectorAll(arguments[0])) each.remove()"
        browser.execute_script(script, ",".join(hidden))
        made: bytes = browser.get_screenshot_as_png()
    return made


def small(picture: bytes) -> bytes:
    """`picture` without its margins, at most `WIDEST` wide, in few colours."""
    from PIL import Image, ImageChops, ImageOps

    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    for _ in range(2):  # the page, and what the picture on it stands on
        ground = Image.new("RGB", whole.size, whole.getpixel((1, 1)))
        whole = whole.crop(ImageChops.difference(whole, ground).getbbox())
    if whole.width > WIDEST:
        size = WIDEST, round(whole.height * WIDEST / whole.width)
        whole = whole.resize(size, Image.Resampling.LANCZOS)
    whole = ImageOps.expand(whole, 6, "white")
    file = io.BytesIO()
    whole.quantize(COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """Write the pictures, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="only see that it runs: one network")
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # of the tools
    for tool in given.tools:
        for name in list(NETWORKS)[: 1 if given.quick else None]:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = TOOLS[tool](name, Path(folder))
                except MissingToolError as missing:
                    print(f"{tool}: skipped, there is no {missing}")
                    break
            sys.modules.pop(name, None)  # the module of torch
            for style, picture in found.items():
                path = given.output / f"{name}_{tool}{style}.png"
                path.write_bytes(small(picture))
                print(f"{tool}: {path.name}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
