'use strict';
(() => {
  const one = (selector) => document.querySelector(selector);
  const make = (kind, text, parent) => {
    const element = document.createElement(kind);
    element.textContent = text;
    parent?.append(element);
    return element;
  };
  const frame = one('iframe');
  let state = { version: 0, picture: 0 };
  let lines = new Map();

  const showLine = (file, line) => {
    const item = lines.get(`${file}:${line}`);
    for (const each of document.querySelectorAll('.chosen')) each.classList.remove('chosen');
    item?.classList.add('chosen');
    item?.scrollIntoView({ block: 'center' });
  };
  const showNode = (node) => {
    const rows = [...frame.contentDocument?.querySelectorAll('tr[data-node]') ?? []];
    rows.find((row) => row.dataset.node === node)?.click();
  };
  frame.addEventListener('load', () => {
    frame.contentDocument.addEventListener('chosen', ({ detail }) => {
      if (state.places[detail]) showLine(...state.places[detail]);
    });
  });

  const write = () => {
    const texts = one('#texts');
    const { scrollTop } = texts;
    texts.replaceChildren();
    lines = new Map();
    for (const [file, text] of Object.entries(state.texts)) {
      make('h2', file, texts);
      const list = make('ol', '', texts);
      text.split('\n').forEach((words, at) => lines.set(`${file}:${at + 1}`, make('li', words, list)));
    }
    texts.scrollTop = scrollTop;
  };
  const redraw = (next) => {
    const drawn = next.picture !== state.picture;
    const edited = JSON.stringify(next.texts) !== JSON.stringify(state.texts);
    state = next;
    if (edited) write();
    for (const each of document.querySelectorAll('.faulty')) each.classList.remove('faulty');
    const faults = one('#faults');
    faults.replaceChildren();
    for (const fault of state.faults) {
      const place = fault.line ? `${fault.file}:${fault.line}:${fault.column} ` : '';
      const words = `${place}${fault.severity}[${fault.code}]: ${fault.message}`;
      const button = make('button', words, make('li', '', faults));
      button.className = fault.severity;
      if (fault.help) make('small', fault.help, button);
      lines.get(`${fault.file}:${fault.line}`)?.classList.add('faulty');
      button.addEventListener('click', () => {
        showLine(fault.file, fault.line);
        if (fault.node) showNode(fault.node);
      });
    }
    const counted = ['error', 'warning'].flatMap((kind) => {
      const count = state.faults.filter((fault) => fault.severity === kind).length;
      return count ? `${count} ${kind}${count > 1 ? 's' : ''}` : [];
    });
    const broken = state.faults.some((fault) => fault.severity === 'error');
    const old = state.picture && broken ? '; the last good picture is shown' : '';
    one('#status').textContent = `${counted.join(', ') || 'fine'}${old}`;
    if (drawn) frame.contentWindow.location.replace(`/picture?${state.picture}`);
  };
  const follow = async () => {
    for (;;) {
      try {
        const answer = await fetch(`/state?after=${state.version}`);
        const next = await answer.json();
        if (next.version !== state.version) redraw(next);
      } catch {
        one('#status').textContent = 'the server has ended';
        await new Promise((done) => setTimeout(done, 1000));
      }
    }
  };
  follow();
})();
