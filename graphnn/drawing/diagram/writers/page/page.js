'use strict';
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { frames, inside } = JSON.parse(one('#structure').textContent);
  const viewport = one('#view');
  const layers = all('.layer');
  const select = one('#depths select');
  const rows = new Map(all('tbody tr').map((row) => [row.dataset.node, row]));
  const texts = [...rows.values()].map((row) =>
    [...row.cells].slice(0, 4).map((cell) => cell.textContent).join(' ').toLowerCase());
  const base = layers.at(-1);
  const byNode = new WeakMap(); // of a layer: the last part of each node
  const lit = new Map(); // by class: what a part needs to have it
  const parts = new WeakMap(); // of a layer: what can be drawn or not, and where it is
  const [MARGIN, BEYOND] = [16, 300]; // pixels: around the picture, and drawn beside the window
  const isFrame = (node) => Object.hasOwn(frames, node);
  const around = (node) => {
    const chain = [];
    let frame = isFrame(node) ? frames[node] : inside[node];
    for (; frame; frame = frames[frame]) chain.push(frame);
    return chain;
  };
  const depth = (frame) => around(frame).length;
  const stateOf = (layer) => layer.dataset.depth === undefined ? null
    : new Set(Object.keys(frames).filter((frame) => depth(frame) >= Number(layer.dataset.depth)));
  const outermost = (set) => set && new Set([...set].filter((frame) =>
    !around(frame).some((each) => set.has(each))));
  let shown = layers.find((layer) => !layer.hidden);
  shown.hidden = true;
  document.documentElement.className = '';
  let closed = stateOf(shown); // the folded frames; null where boxes stand for runs
  let folded = outermost(closed);
  let chosen = '';
  let marked = '';
  let scale = 0;

  // Zoom and pan: the picture has a size, and the element around it scrolls.
  const picture = () => one('svg', shown);
  const resize = (wanted, x = viewport.clientWidth / 2, y = viewport.clientHeight / 2) => {
    const before = scale;
    scale = Math.min(Math.max(wanted, 0.02), 8);
    const { width, height } = picture().viewBox.baseVal;
    const left = viewport.scrollLeft + x;
    const top = viewport.scrollTop + y;
    Object.assign(picture().style, { width: `${width * scale}px`, height: `${height * scale}px` });
    picture().classList.toggle('far', scale < 0.3);
    const goal = before ? [left * scale / before - x, top * scale / before - y] : [0, 0];
    cull(goal);
    viewport.scrollTo(...goal);
    if (!one('[tabindex="0"]', picture())) {
      const first = partsOf(shown).find((part) => part.node && !isFrame(part.node));
      if (first) {
        made(first);
        first.group.setAttribute('tabindex', '0');
      }
    }
  };
  const fit = () => {
    const { width, height } = picture().viewBox.baseVal;
    const room = [viewport.clientWidth - 34, viewport.clientHeight - 34];
    const whole = Math.min(room[0] / width, room[1] / height);
    const legible = Math.min(0.6, Math.max(room[0] / width, room[1] / height));
    resize(Math.min(4 / 3, Math.max(whole, legible)));
  };

  // What is outside the window is not drawn, so that a large picture takes no longer than a small.
  const numbers = (text) => text.match(/-?[\d.]+/g).map(Number);
  const pairs = (list) => list.flatMap((_, at) => at % 2 ? [] : [[list[at], list[at + 1]]]);
  const hull = (points) => {
    const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
  };
  const rectangle = (shape) => {
    const value = (name) => Number(shape.getAttribute(name));
    if (shape.tagName === 'rect') return ['x', 'y', 'width', 'height'].map(value);
    if (shape.tagName === 'polygon') return hull(pairs(numbers(shape.getAttribute('points'))));
    if (shape.tagName === 'path') return hull(pairs(numbers(shape.getAttribute('d'))));
    return null;
  };
  const partsOf = (layer) => {
    if (!parts.has(layer)) {
      parts.set(layer, all(':scope > g, :scope > a', one('svg', layer)).map((element) => {
        const group = element.tagName === 'a' ? element.firstElementChild : element;
        const { node, from, to } = group.dataset;
        const points = from && pairs(numbers(group.firstElementChild.getAttribute('d')));
        const place = points ? hull(points) : rectangle(group.firstElementChild);
        return { element, group, node, from, to, points, place, outline: isOutline(node, group) };
      }));
    }
    return parts.get(layer);
  };
  // The element of a part, which is made when it is first needed.
  const made = (part) => {
    if (!part.element) {
      part.element = part.make();
      part.group = part.element.tagName === 'a' ? part.element.firstElementChild : part.element;
      for (const [name, wanted] of lit) part.group.classList.toggle(name, Boolean(wanted(part)));
    }
    return part.element;
  };
  const cull = ([left, top]) => {
    const { width } = picture().viewBox.baseVal;
    const aside = Math.max(MARGIN, (viewport.clientWidth - width * scale) / 2);
    const window_ = [
      (left - aside - BEYOND) / scale, (top - MARGIN - BEYOND) / scale,
      (left - aside + viewport.clientWidth + BEYOND) / scale,
      (top - MARGIN + viewport.clientHeight + BEYOND) / scale,
    ];
    const svg = picture();
    let next = null;
    for (const part of partsOf(shown).toReversed()) {
      const on = !part.place || (
        part.place[0] < window_[2] && part.place[0] + part.place[2] > window_[0] &&
        part.place[1] < window_[3] && part.place[1] + part.place[3] > window_[1]
      );
      if (!on) {
        part.element?.remove();
        continue;
      }
      if (!made(part).parentNode) svg.insertBefore(part.element, next);
      if (!part.prepared) prepare(part);
      next = part.element;
    }
  };
  const complete = (layer) => one('svg', layer).append(...partsOf(layer).map(made));

  const show = (layer) => {
    const last = shown;
    shown = layer;
    resize(scale);
    if (layer !== last) {
      last.hidden = true;
      if (last.dataset.made) last.remove();
    }
    shown.hidden = false;
    select.value = layers.indexOf(layer);
    mark();
  };

  // What is in the picture can be focused: one stop for the tabulator, arrows lead along lines.
  const prepare = (part) => {
    const { node, group } = part;
    part.prepared = true;
    if (!node || part.outline) return;
    const folds = isFrame(node);
    if (!group.hasAttribute('tabindex')) group.setAttribute('tabindex', '-1');
    group.setAttribute('role', folds ? 'button' : 'img');
    if (folds) group.setAttribute('aria-expanded', String(!isFolded(node)));
    group.setAttribute('aria-label', label(node));
  };
  // A frame is drawn in two groups, the outline below all lines and the heading above.
  const isOutline = (node, group) =>
    isFrame(node) && group.childElementCount === 1 && group.firstElementChild.tagName === 'rect';
  const isFolded = (frame) => folded?.has(frame) ?? false;
  const label = (node) => {
    const row = rows.get(node);
    return row ? [...row.cells].slice(0, 3).map((cell) => cell.textContent).join(', ') : node;
  };

  // Facts of one node, from its row of the table.
  const choose = (node, scroll = false) => {
    chosen = node;
    mark();
    const about = one('#about');
    about.hidden = !node;
    about.replaceChildren();
    if (!node) return;
    const add = (kind, text) => {
      const element = about.appendChild(document.createElement(kind));
      element.textContent = text;
      return element;
    };
    const row = rows.get(node);
    add('h2', row ? `${node}  ${row.cells[1].textContent}` : node);
    if (row) {
      add('code', row.cells[2].textContent);
      add('p', [...row.cells[3].childNodes].map((each) => each.data ?? '\n').join(''));
      add('code', row.cells[4].textContent);
      const term = all('dt').find((each) => each.textContent === row.cells[1].textContent);
      if (term && !isFrame(node)) add('p', term.nextElementSibling.textContent);
      if (scroll) row.scrollIntoView({ block: 'nearest' });
    }
    if (isFrame(node)) {
      const button = add('button', isFolded(node) || !folded ? 'Unfold' : 'Fold');
      button.addEventListener('click', () => toggle(node));
    }
  };
  const light = (name, wanted) => {
    for (const each of all(`.${name}`)) each.classList.remove(name);
    lit.set(name, wanted);
    for (const part of partsOf(shown)) part.group?.classList.toggle(name, Boolean(wanted(part)));
  };
  const mark = () => {
    rows.get(marked)?.removeAttribute('aria-selected');
    marked = chosen;
    rows.get(marked)?.setAttribute('aria-selected', 'true');
    const there = chosen && visible(chosen);
    light('chosen', (part) => there && part.node === there);
    light('near', (part) => there && (part.from === there || part.to === there));
  };
  const partOf = (node) => {
    const known = byNode.get(shown) ??
      new Map(partsOf(shown).filter((part) => part.node).map((part) => [part.node, part]));
    byNode.set(shown, known);
    return known.get(node);
  };
  const visible = (node) => [node, ...around(node)].find(partOf);
  const center = (node) => {
    const { place } = partOf(node);
    const { width } = picture().viewBox.baseVal;
    const aside = Math.max(MARGIN, (viewport.clientWidth - width * scale) / 2);
    const middle = [place[0] + place[2] / 2, place[1] + place[3] / 2].map((value) => value * scale);
    const goal = [
      aside + middle[0] - viewport.clientWidth / 2,
      MARGIN + middle[1] - viewport.clientHeight / 2,
    ];
    cull(goal);
    viewport.scrollTo(...goal);
  };
  const focus = (node) => {
    const part = partOf(node);
    if (!made(part).isConnected) center(node);
    part.group.focus();
  };

  // Folding: the layout made for a depth where there is one, else the whole picture drawn together.
  const same = (set) => set && set.size === folded.size && [...set].every((f) => folded.has(f));
  const open = (layer, state = stateOf(layer)) => {
    closed = state;
    folded = outermost(closed);
    show(layer ?? layers.find((each) => same(outermost(stateOf(each)))) ?? drawnTogether());
  };
  const toggle = (frame) => {
    if (!closed) return open(base);
    const next = new Set(closed);
    if (!next.delete(frame)) next.add(frame);
    open(null, next);
    choose(frame);
    focus(frame);
  };

  let places = null; // of every box and frame of the whole picture

  // A map of one axis in which what `spare` lists is shortened by its factors.
  const shortened = (spare) => (value) => spare.reduce((moved, [start, end, factor]) =>
    moved - (Math.min(Math.max(value, start), end) - start) * (1 - factor), value);
  // Parts of a frame's extent beside which nothing else stands.
  const free = (start, end, others) => {
    const parts = [];
    for (const [from, to] of [...others, [end, end]].sort((a, b) => a[0] - b[0])) {
      if (from > start) parts.push([start, Math.min(from, end)]);
      start = Math.max(start, to);
      if (start >= end) break;
    }
    return parts;
  };
  const drawnTogether = () => {
    const whole = one('svg', base);
    places ??= new Map(partsOf(base).filter((part) => part.node && part.place).toReversed()
      .map((part) => [part.node, part.place]));
    const hiddenBy = (node) => [node, ...around(node)].find((each) => folded.has(each));
    const boxes = new Map([...folded].map((frame) => [frame, summary(frame)]));
    const maps = [0, 1].map((axis) => shortened([...folded].flatMap((frame) => {
      const place = places.get(frame);
      const [start, long] = [place[axis], place[axis + 2]];
      const parents = new Set(around(frame));
      const others = [...places].filter(([node]) =>
        node !== frame && !parents.has(node) && !around(node).includes(frame)
      ).map(([, other]) => [other[axis], other[axis] + other[axis + 2]]);
      const parts = free(start, start + long, others);
      const room = parts.reduce((sum, [a, b]) => sum + b - a, 0);
      const spare = Math.max(0, long - boxes.get(frame).place[axis + 2]);
      return parts.map(([a, b]) => [a, b, 1 - Math.min(1, spare / room)]);
    })));
    const moved = ([x, y]) => [maps[0](x), maps[1](y)];
    const parted = new Set(partsOf(base).map((part) => part.element));
    const svg = whole.cloneNode(false);
    for (const each of whole.children) if (!parted.has(each)) svg.append(each.cloneNode(true));
    const stands = new Map();
    const summaries = [...boxes].map(([frame, { group, place, node }]) => {
      const [x, y, width, height] = places.get(frame);
      const [from, to] = [moved([x, y]), moved([x + width, y + height])];
      const goal = [(from[0] + to[0] - place[2]) / 2, (from[1] + to[1] - place[3]) / 2];
      const box = [...goal, place[2], place[3]];
      stands.set(frame, box);
      const make = () => {
        const copy = group.cloneNode(true);
        shift(copy, goal[0] - place[0], goal[1] - place[1]);
        return copy;
      };
      return { node, place: box, make };
    });
    const lines = movedLines(hiddenBy, moved, stands);
    const drawn = partsOf(base).flatMap((part) => {
      if (part.from) return lines.get(part) ?? [];
      if (part.node) return hiddenBy(part.node) ? [] : movedNode(part, moved);
      return { place: part.place, make: () => part.element.cloneNode(true) };
    }).concat(summaries);
    moveTexts(svg, moved);
    const { width, height } = whole.viewBox.baseVal;
    svg.setAttribute('viewBox', `0 0 ${moved([width, height]).join(' ')}`);
    const layer = document.createElement('div');
    layer.className = 'layer';
    layer.dataset.made = 'yes';
    layer.hidden = true; // until what is outside the window is left out
    layer.append(svg);
    viewport.append(layer);
    parts.set(layer, drawn);
    return layer;
  };
  const summary = (frame) => {
    const layer = layers.find((each) => Number(each.dataset.depth) === depth(frame));
    return partsOf(layer).find((part) => part.node === frame);
  };
  const shift = (group, dx, dy) => group.setAttribute('transform', `translate(${dx} ${dy})`);
  const movedNode = (part, moved) => {
    const [x, y, width, height] = part.place;
    const [[left, top], [right, bottom]] = [moved([x, y]), moved([x + width, y + height])];
    const make = () => {
      const copy = part.element.cloneNode(true);
      const group = copy.tagName === 'a' ? copy.firstElementChild : copy;
      shift(group, left - x, top - y);
      if (part.outline) {
        group.firstElementChild.setAttribute('width', right - left);
        group.firstElementChild.setAttribute('height', bottom - top);
      }
      return copy;
    };
    const size = part.outline ? [right - left, bottom - top] : [width, height];
    return { node: part.node, outline: part.outline, place: [left, top, ...size], make };
  };
  const movedLines = (hiddenBy, moved, stands) => {
    const known = new Set();
    const found = new Map();
    for (const part of partsOf(base).filter((each) => each.from)) {
      const ends = [part.from, part.to];
      const boxes = ends.map((node) => hiddenBy(node) ?? node);
      const key = boxes.join('\n');
      const joins = boxes.some((box, at) => box !== ends[at]);
      if (boxes[0] === boxes[1] || (known.has(key) && joins)) continue;
      known.add(key);
      const points = joins
        ? joined(part.points.map(moved), stands.get(boxes[0]), stands.get(boxes[1]))
        : part.points.map(moved);
      const make = () => {
        const line = part.element.cloneNode(true);
        const corners = pairs(numbers(one('polygon', line).getAttribute('points')));
        const tip = joins ? head(points) : corners.map(moved);
        one('polygon', line).setAttribute('points', tip.join(' '));
        one('path', line).setAttribute('d', `M${points[0].join(' ')}C${points.slice(1).flat().join(' ')}`);
        [line.dataset.from, line.dataset.to] = boxes;
        return line;
      };
      found.set(part, { from: boxes[0], to: boxes[1], place: hull(points), make });
    }
    return found;
  };
  const moveTexts = (svg, moved) => {
    for (const text of all(':scope > text', svg)) {
      const at = ['x', 'y'].map((name) => Number(text.getAttribute(name)));
      const within = ([x, y, width, height]) =>
        x < at[0] && at[0] < x + width && y < at[1] && at[1] < y + height;
      if ([...folded].some((frame) => within(places.get(frame)))) text.remove();
      else moved(at).forEach((value, axis) => text.setAttribute(['x', 'y'][axis], value));
    }
  };
  // A line from or to a box that stands for a frame, at the side that faces the other end.
  const joined = (points, source, target) => {
    const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];
    const ends = [source ? middle(source) : points[0], target ? middle(target) : points.at(-1)];
    const upright = [source, target].every((box, at) =>
      !box || Math.abs(ends[1 - at][1] - ends[at][1]) > box[3] / 2);
    const axis = upright ? 1 : 0;
    const sign = Math.sign(ends[1][axis] - ends[0][axis]);
    if (source) ends[0][axis] += sign * source[axis + 2] / 2;
    if (target) ends[1][axis] -= sign * target[axis + 2] / 2;
    const bend = (ends[1][axis] - ends[0][axis]) / 2;
    const near = ends.map((end, at) => end.map((v, k) => k === axis ? v + (at ? -bend : bend) : v));
    return [ends[0], near[0], near[1], ends[1]];
  };
  const head = (points) => {
    const [[x, y], [bx, by]] = [points.at(-1), points.at(-2)];
    const long = Math.hypot(x - bx, y - by) || 1;
    const [ux, uy] = [(x - bx) / long, (y - by) / long];
    const [fx, fy] = [x - 5.5 * ux, y - 5.5 * uy];
    return [[x, y], [fx - 2.4 * uy, fy + 2.4 * ux], [fx + 2.4 * uy, fy - 2.4 * ux]];
  };

  // Events.
  viewport.addEventListener('scroll', () => cull([viewport.scrollLeft, viewport.scrollTop]));
  window.addEventListener('resize', () => cull([viewport.scrollLeft, viewport.scrollTop]));
  window.addEventListener('beforeprint', () => {
    complete(shown);
  });
  const nodeOf = (event) => event.target.closest?.('svg [data-node]')?.dataset.node;
  let drag = null;
  viewport.addEventListener('pointerdown', (event) => {
    if (event.button === 0 && event.pointerType === 'mouse') {
      drag = { x: event.clientX, y: event.clientY, moved: false };
    }
  });
  window.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    viewport.classList.add('dragged');
    viewport.scrollBy(-dx, -dy);
  });
  window.addEventListener('pointerup', () => {
    viewport.classList.remove('dragged');
    setTimeout(() => { drag = null; });
  });
  viewport.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const room = viewport.getBoundingClientRect();
    resize(scale * 1.0015 ** -event.deltaY, event.clientX - room.x, event.clientY - room.y);
  }, { passive: false });
  viewport.addEventListener('click', (event) => {
    if (drag?.moved) return event.preventDefault();
    const node = nodeOf(event);
    if (!node) return choose('');
    event.preventDefault();
    if (isFrame(node)) toggle(node);
    else choose(node, true);
    document.dispatchEvent(new CustomEvent('chosen', { detail: node }));
  });
  viewport.addEventListener('pointerover', (event) => {
    const node = nodeOf(event);
    if (node && !drag && node !== chosen) choose(node);
  });
  viewport.addEventListener('focusin', (event) => {
    const node = nodeOf(event);
    if (!node) return;
    one('[tabindex="0"]', picture())?.setAttribute('tabindex', '-1');
    event.target.closest('[data-node]').setAttribute('tabindex', '0');
    if (node !== chosen) choose(node);
  });
  viewport.addEventListener('keydown', (event) => {
    if (event.key === '+' || event.key === '-') return resize(scale * (event.key === '+' ? 1.25 : 0.8));
    const node = nodeOf(event);
    if (!node) return;
    if ((event.key === 'Enter' || event.key === ' ') && isFrame(node)) {
      event.preventDefault();
      return toggle(node);
    }
    const to = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!to) return;
    event.preventDefault();
    const [from, end] = to > 0 ? ['from', 'to'] : ['to', 'from'];
    const line = partsOf(shown).find((part) => part[from] === node);
    const stops = partsOf(shown).filter((part) => part.node && !part.outline);
    const here = stops.findIndex((part) => part.node === node);
    const next = line ? line[end] : stops[here + to]?.node;
    if (next) focus(next);
  });
  one('tbody').addEventListener('click', (event) => {
    const node = event.target.closest('tr')?.dataset.node;
    if (!node) return;
    const there = visible(node);
    choose(node);
    if (there) center(there);
  });
  one('#search').addEventListener('input', (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    const found = new Set();
    let count = 0;
    [...rows].forEach(([node, row], at) => {
      const is = texts[at].includes(wanted);
      if (row.hidden === is) row.hidden = !is;
      if (!is || !wanted) return;
      count += 1;
      found.add(visible(node));
    });
    light('match', (part) => part.node && found.has(part.node));
    one('#found').textContent = wanted ? `${count} found` : '';
  });
  one('#search').addEventListener('keydown', (event) => {
    const row = [...rows.values()].find((each) => !each.hidden);
    if (event.key === 'Enter' && row) row.click();
  });
  one('#tools').addEventListener('click', (event) => {
    const kind = event.target.dataset.zoom;
    if (kind === 'fit') fit();
    else if (kind) resize(scale * (kind === '+' ? 1.25 : 0.8));
  });

  for (const [at, layer] of layers.entries()) {
    const name = layer === base ? 'all' : layer.dataset.depth ?? 'overview';
    select.add(new Option(name, at));
  }
  select.add(new Option('some', -1));
  select.lastChild.hidden = true;
  one('#depths').hidden = layers.length < 2;
  select.addEventListener('change', () => {
    open(layers[select.value]);
  });
  document.body.classList.add('live');
  one('#tools').hidden = false;
  select.value = layers.indexOf(shown);
  for (const layer of layers) one('svg', layer).setAttribute('role', 'group');
  fit();
  shown.hidden = false;
})();
