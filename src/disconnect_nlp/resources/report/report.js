"use strict";
(() => {
  const STEP = 25;
  const list = document.getElementById("passages");
  if (!list) return;
  const form = document.getElementById("filters");
  const [label, kind, order, search] = ["f-label", "f-kind", "f-order", "f-search"].map((id) => document.getElementById(id));
  const count = document.getElementById("f-count");
  const more = document.getElementById("f-more");
  const plain = (text) => text.normalize("NFC").toLowerCase().replaceAll("’", "'");
  const scores = (cell) => new Map(cell.split(" ").filter(Boolean).map((pair) => pair.split(":")).map(([id, score]) => [id, Number(score)]));
  const passages = [...list.children].map((node, place) => ({
    node, place,
    given: scores(node.dataset.given), doubt: scores(node.dataset.doubt),
    words: plain(node.querySelector("blockquote").textContent + " " + node.querySelector(".where").textContent),
    marks: [...node.querySelectorAll("mark")],
  }));
  const core = new Set(list.dataset.core.split(" "));
  let shown = STEP;

  const score = (passage) => {
    const all = new Map([...passage.given, ...passage.doubt]);
    return label.value ? (all.get(label.value) ?? 0) : Math.max(0, ...all.values());
  };
  const has = (sets) => sets.some((own) => (label.value ? own.has(label.value) : own.size > 0));
  const fits = (passage) => {
    const sure = new Map([...passage.given].filter(([id]) => !passage.doubt.has(id)));
    const sets = { any: [passage.given, passage.doubt], given: [passage.given], sure: [sure], doubt: [passage.doubt] }[kind.value];
    return has(sets) && passage.words.includes(plain(search.value.trim()));
  };
  // Without a label chosen, a text is marked for the types and signs, or if it has none, for all it has.
  const wanted = (passage) => {
    if (label.value) return (ids) => ids.includes(label.value);
    const own = [...passage.given.keys(), ...passage.doubt.keys()].filter((id) => core.has(id));
    return (ids) => own.length === 0 || ids.some((id) => core.has(id));
  };
  const ways = {
    high: (a, b) => score(b) - score(a) || a.place - b.place,
    low: (a, b) => score(a) - score(b) || a.place - b.place,
    table: (a, b) => a.place - b.place,
  };
  const update = () => {
    const found = passages.filter(fits).sort(ways[order.value]);
    const visible = new Set(found.slice(0, shown));
    for (const passage of passages) {
      passage.node.hidden = !visible.has(passage);
      for (const mark of passage.marks) {
        mark.classList.toggle("off", !wanted(passage)(mark.dataset.labels.split(" ")));
      }
    }
    list.append(...found.map((passage) => passage.node));
    count.textContent = `${found.length} of ${passages.length} passages` + (visible.size < found.length ? `, the first ${visible.size} shown` : "");
    more.hidden = visible.size >= found.length;
  };
  const restart = () => { shown = STEP; update(); };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const control of [label, kind, order]) control.addEventListener("change", restart);
  search.addEventListener("input", restart);
  more.addEventListener("click", () => {
    const before = shown;
    shown += STEP;
    update();
    list.children[before]?.focus();
  });
  for (const term of document.querySelectorAll("button.term")) {
    term.disabled = false;
    term.addEventListener("click", () => {
      label.value = term.dataset.label;
      search.value = term.dataset.term;
      restart();
      form.scrollIntoView();
      search.focus();
    });
  }
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((node) => { node.open = true; }));
  update();
})();
