"""The page of a diagram in Chromium: read, searched, folded, by mouse and keyboard."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import graphnn
from chromium import chromium
from places import SPECS

pytestmark = pytest.mark.browser

BLOCKS = SPECS / "residual_blocks.yaml"
# The last group of a node: of a frame, its heading.
CLICK = """
const shown = document.querySelector('.layer:not([hidden])');
const found = [...shown.querySelectorAll('[data-node]')];
found.filter((each) => each.dataset.node === arguments[0]).at(-1)
  .dispatchEvent(new MouseEvent('click', {bubbles: true}));
"""
BOXES = """
window.dispatchEvent(new Event('beforeprint'));
const shown = document.querySelector('.layer:not([hidden])');
return Object.fromEntries([...shown.querySelectorAll('[data-node]')].reverse().map((group) => {
  const box = group.firstElementChild.getBoundingClientRect();
  return [group.dataset.node, [box.x, box.y, box.width, box.height]];
}));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        found.set_window_size(1400, 900)
        yield found


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page of a spec; no page writes to the console."""

    def page(path: Path = BLOCKS, **options: Any) -> Any:
        graphnn.load(path).draw(tmp_path / "net.html", **options)
        browser.get((tmp_path / "net.html").as_uri())
        return browser

    yield page
    assert browser.get_log("browser") == []


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def boxes(browser: Any) -> dict[str, list[float]]:
    found: dict[str, list[float]] = browser.execute_script(BOXES)
    return found


def overlap(a: list[float], b: list[float]) -> bool:
    return all(a[at] < b[at] + b[at + 2] and b[at] < a[at] + a[at + 2] for at in (0, 1))


def test_a_page_loads_nothing_and_runs_no_script_but_its_own(opened: Callable[..., Any]):
    browser = opened()
    requests = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        each["params"]["request"]["url"]
        for each in requests
        if each["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in asked if not url.startswith("data:")} == {browser.current_url}
    browser.execute_script(
        "const script = document.createElement('script');"
        "script.textContent = 'document.title = 1'; document.body.append(script);"
    )
    assert browser.title == "residual network in blocks"
    (entry,) = browser.get_log("browser")
    assert "Content Security Policy" in entry["message"]


def test_long_names_keep_to_the_width_of_a_phone(browser: Any, tmp_path: Path):
    name = "a_name_that_nobody_can_break" * 3
    net = graphnn.loads(f"graphnn: 1\nnodes: {{{name}: {{op: input, shape: []}}}}")
    net.draw(tmp_path / "net.html")
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.get((tmp_path / "net.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_is_read_where_scripts_are_off(tmp_path: Path):
    graphnn.load(BLOCKS).draw(tmp_path / "net.html")
    with chromium(scripts=False) as browser:
        browser.get((tmp_path / "net.html").as_uri())
        (picture,) = [
            each
            for each in browser.find_elements("css selector", ".layer svg")
            if each.is_displayed()
        ]
        assert "global_average_pool" in picture.text
        row = one(browser, "tr[data-node='b1.1.first.c']").text
        for words in ("conv2d", "[batch, 16, 14, 14]", "weight", "16×16×3×3", "convolution.yaml:"):
            assert words in row
        assert not one(browser, "#tools").is_displayed()


def test_a_block_folds_and_unfolds(opened: Callable[..., Any]):
    browser = opened()
    before = boxes(browser)
    browser.execute_script(CLICK, "b1.1")
    after = boxes(browser)
    assert before.keys() - after.keys() == {each for each in before if each.startswith("b1.1.")}
    assert after["b1.1"][3] < before["b1.1"][3] / 3
    frames = ("start", "b2", "b2.first", "b2.second", "b3.1", "b3.1.first", "b3.1.second")
    for a, b in combinations(after.keys() - set(frames), 2):
        assert not overlap(after[a], after[b]), (a, b)
    # What comes later moves up, in one piece.
    assert after["m"][1] < before["m"][1] - 100
    gap = before["loss"][1] - before["m"][1]
    assert after["loss"][1] - after["m"][1] == pytest.approx(gap, abs=0.1)
    lines = browser.find_elements("css selector", ".layer:not([hidden]) [data-to='b1.1']")
    assert [line.get_attribute("data-from") for line in lines] == ["z"]
    browser.execute_script(CLICK, "b1.1")
    restored = boxes(browser)
    assert restored.keys() == before.keys()


def test_all_blocks_of_a_depth_have_a_layout_made_for_them(opened: Callable[..., Any]):
    from selenium.webdriver.support.ui import Select

    browser = opened()
    for block in ("start", "b1.1", "b2", "b3.1"):
        browser.execute_script(CLICK, block)
    layer = one(browser, ".layer:not([hidden])")
    assert layer.get_attribute("data-depth") == "0"
    assert one(browser, "#depths select").get_attribute("value") == "0"
    browser.execute_script(CLICK, "b2")  # what was open inside is open again
    assert "b2.first.c" in boxes(browser)
    for depth in ("all", "0"):
        Select(one(browser, "#depths select")).select_by_visible_text(depth)
    browser.execute_script(CLICK, "b2")  # one block after the other
    assert {"b2.first", "b2.second"} < boxes(browser).keys()
    assert "b2.first.c" not in boxes(browser)


@pytest.mark.parametrize("direction", ["down", "right"])
def test_texts_stay_in_their_boxes_in_what_is_folded(opened: Callable[..., Any], direction: str):
    browser = opened(direction=direction)
    browser.execute_script(CLICK, "b2")
    outside = browser.execute_script(
        """
        window.dispatchEvent(new Event('beforeprint'));
        const shown = document.querySelector('.layer:not([hidden])');
        return [...shown.querySelectorAll('[data-node] text')].filter((text) => {
          const place = text.getBoundingClientRect();
          return ![...text.parentNode.querySelectorAll('rect, polygon')].some((box) => {
            const room = box.getBoundingClientRect();
            return room.x <= place.x + 0.2 && place.right <= room.right + 0.2 &&
              room.y <= place.y + 0.2 && place.bottom <= room.bottom + 0.2;
          });
        }).map((text) => text.textContent);
        """
    )
    assert outside == []


def test_search_lists_and_marks_what_is_found(opened: Callable[..., Any]):
    browser = opened()
    field = one(browser, "#search")
    field.send_keys("AFFINE")
    rows = [row for row in browser.find_elements("css selector", "tbody tr") if row.is_displayed()]
    assert [row.get_attribute("data-node") for row in rows] == ["a"]
    assert one(browser, "#found").text == "1 found"
    field.send_keys("\ue007")  # Enter
    assert "320" in one(browser, "#about").text
    assert one(browser, ".chosen").get_attribute("data-node") == "a"
    assert one(browser, ".chosen").is_displayed()


def test_facts_of_a_node_have_its_documentation_and_line(opened: Callable[..., Any]):
    browser = opened()
    browser.execute_script("document.querySelector('tr[data-node=\"a\"]').click()")
    said = one(browser, "#about").text
    for words in ("a affine", "[batch, 10]", "weight", "320", "residual_blocks.yaml:", "y = x W"):
        assert words in said


def test_the_table_of_facts_is_one_for_screen_readers(opened: Callable[..., Any]):
    browser = opened(depth=9)
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = Counter(node["role"]["value"] for node in tree if not node["ignored"])
    rows = browser.find_elements("css selector", "tbody tr")
    assert (roles["table"], roles["row"], roles["rowheader"]) == (1, len(rows) + 1, len(rows))


def test_rows_that_are_not_seen_are_not_laid_out(browser: Any, tmp_path: Path):
    chain(200).draw(depth=9).save(tmp_path / "net.html")
    browser.get((tmp_path / "net.html").as_uri())
    seen = browser.execute_script(
        "return [...document.querySelectorAll('tbody th')]"
        ".map((cell) => cell.checkVisibility({contentVisibilityAuto: true}))"
    )
    assert seen[0]
    assert not seen[-1]
    field = one(browser, "#search")
    field.send_keys("n199", "\ue007")
    assert "n199" in one(browser, "#about").text
    field.clear()
    field.send_keys(" ")
    browser.execute_script("document.querySelector('tbody tr:last-child').scrollIntoView()")
    assert one(browser, "tbody tr:last-child th").text == "n199"


def test_the_keyboard_walks_along_lines_and_folds(opened: Callable[..., Any]):
    browser = opened()
    active = lambda: browser.switch_to.active_element  # noqa: E731
    browser.execute_script("document.querySelector('[data-node][tabindex=\"0\"]').focus()")
    assert active().accessible_name == "x, input, [batch, 1, 28, 28]"
    active().send_keys("\ue015")  # down
    assert active().get_attribute("data-node") == "start.c"
    assert one(browser, "#about h2").text == "start.c conv2d"
    active().send_keys("\ue013")  # up
    assert active().get_attribute("data-node") == "x"
    browser.execute_script(
        "[...document.querySelectorAll('[aria-expanded]')]"
        ".find((each) => each.dataset.node === 'b1.1').focus()"
    )
    assert active().aria_role == "button"
    active().send_keys(" ")
    assert active().get_attribute("data-node") == "b1.1"
    assert active().get_attribute("aria-expanded") == "false"


def test_zoom_keeps_what_is_in_the_middle(opened: Callable[..., Any]):
    browser = opened()
    browser.execute_script("document.querySelector('tr[data-node=\"a\"]').click()")
    middle = "const box = document.querySelector('.chosen').getBoundingClientRect();" + (
        "const room = document.querySelector('#view').getBoundingClientRect();"
        "return box.y + box.height / 2 - room.y - room.height / 2"
    )
    before = browser.execute_script(middle)
    for _ in range(3):
        one(browser, "[data-zoom='+']").click()
    assert abs(browser.execute_script(middle)) <= 2.5 * abs(before) + 30


@pytest.mark.parametrize(("scheme", "paper"), [("light", "255, 255, 255"), ("dark", "20, 22, 26")])
def test_a_page_is_light_or_dark_as_the_reader_is(
    opened: Callable[..., Any], scheme: str, paper: str
):
    browser = opened()
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    colour = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    assert browser.execute_script(colour, "body", "backgroundColor") == f"rgb({paper})"
    sheet = ".layer:not([hidden]) svg > rect"
    assert browser.execute_script(colour, sheet, "fill") == f"rgb({paper})"


def chain(length: int) -> graphnn.Network:
    nodes: dict[str, Any] = {"n0": {"op": "input", "shape": ["batch", 8]}}
    for at in range(1, length):
        kind = {"op": "affine", "units": 8} if at % 2 else {"op": "relu"}
        nodes[f"n{at}"] = {**kind, "inputs": f"n{at - 1}"}
    return graphnn.loads({"graphnn": 1, "nodes": nodes})


@pytest.mark.parametrize(("length", "most"), [(10, 300_000), (1000, 3_000_000)])
def test_pages_are_small(length: int, most: int):
    assert len(chain(length).draw().content("html")) <= most
