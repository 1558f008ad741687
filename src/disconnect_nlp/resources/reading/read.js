// The reading view. Texts come in pieces cut by the server and become text nodes: never markup, never offsets.
//
// Every change is sent at once, one request at a time, always the newest state; the server has it on disk before it
// answers. Nothing is kept in the browser's own storage: it would hold private words, and belongs to a port that is
// another one at the next start. Leaving the page sends what waits, and asks first if the server does not answer.

const $ = (id) => document.getElementById(id);
const NOTE_PAUSE = 250; // ms without a key press after which a note is sent
const WINDOW = crypto.randomUUID();
const RETRY = 2000; // ms between tries while the server does not answer

let words, passage, names;
let history = []; // of this passage, for undo
let waiting = null; // the state that is to be sent next
let turn = 0; // counts what this window has to say, so that the server knows an older word from a newer one
let failing = false;
let sending = null; // promise of the request on its way
let noteTimer = 0;
let did = ""; // what is to be announced once it is saved
let keysOn = localStorage.getItem("keys") !== "off";

function make(tag, text = "", attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.error), { status: answer.status });
  return content;
}

function say(text, alarm = false) {
  $("saved").textContent = text;
  $("saved").classList.toggle("alarm", alarm);
}

// --- moving ---------------------------------------------------------------------------------------------------------

function wanted() {
  const asked = { show: $("show").value };
  if ($("label").value) Object.assign(asked, { by: $("by").value }, $("label").value === "*" ? {} : { label: $("label").value });
  if ($("query").value.trim()) asked.query = $("query").value.trim();
  return asked;
}

async function go(where, at = passage ? passage.row : 0) {
  await flush();
  if (waiting) return; // not saved: stay, the message says why
  let found;
  try {
    found = await ask(`/api/passage?${new URLSearchParams({ at, go: where, ...wanted() })}`);
  } catch (error) {
    say(error.status ? error.message : "No answer from disconnect-nlp. Is it still running?", true);
    return;
  }
  count(found.counts);
  if (!found.matching) {
    passage = null;
    empty();
  } else if (found.passage) {
    show(found.passage, found);
  } else {
    $("position").textContent = where === "next" ? "That was the last one." : "That was the first one.";
  }
}

function count(counts) {
  const begun = counts.begun ? `, ${counts.begun} begun` : "";
  $("progress").textContent = `${counts.read} of ${counts.all} read${begun}`;
}

function empty() {
  $("position").textContent = "No passage matches.";
  $("heading").textContent = "No passage matches. Change the filters.";
  for (const id of ["text", "evidence", "context"]) $(id).replaceChildren();
  $("warning").hidden = true;
  for (const control of controls()) control.disabled = true;
}

const controls = () => [$("note"), $("done"), $("undo"), ...document.querySelectorAll("#labels input, #labels select")];

function show(next, { rank, matching }) {
  if (!passage || passage.key !== next.key) history = [];
  passage = next;
  location.replace(`#row=${passage.row}`);
  for (const control of controls()) control.disabled = false;
  $("position").textContent = `${rank} of ${matching}`;
  $("context").replaceChildren(...passage.context.flatMap(([name, value], n) => [n ? " · " : "", make("b", name), ` ${value}`]));
  $("text").replaceChildren(...passage.pieces.map(piece));
  $("warning").hidden = !passage.unfit_evidence;
  $("warning").textContent = "Some evidence does not fit this text. It was changed after labelling: label it again.";
  $("why").hidden = words.blind;
  $("note").value = passage.note;
  for (const row of document.querySelectorAll(".label")) describe(row);
  for (const group of document.querySelectorAll("#labels details")) group.open = Boolean(group.querySelector(".given, .near, .doubt, .disputed")) || group.dataset.core === "true";
  refresh();
  const busy = document.activeElement.closest("nav, form, .actions");
  if (!busy) $("passage").focus({ preventScroll: true });
  $("passage").parentElement.scrollTop = 0;
  $("passage").scrollIntoView({ block: "nearest" });
}

function piece([text, numbers]) {
  if (!numbers.length) return document.createTextNode(text);
  const items = numbers.map((n) => passage.evidence[n]);
  const mark = make("mark", text, { "data-labels": items.map((item) => item.label).join(" "), title: items.map(title).join("; ") });
  mark.classList.toggle("against", items.every(against));
  return mark;
}

const against = (item) => item.counts === false || item.weight < 0;
const status = (item) => (item.status && item.status !== "affirmed" ? ` (${item.status})` : "");
const title = (item) => names[item.label] + status(item);

function listEvidence() {
  const given = (id) => passage.labels.includes(id);
  const ids = [...new Set(passage.evidence.map((item) => item.label))].sort((a, b) => given(b) - given(a));
  const lines = ids.map((id) => {
    const line = make("li", "", { class: given(id) ? "" : "idle" });
    const quotes = passage.evidence.filter((item) => item.label === id).map(reason);
    line.append(make("b", names[id]), given(id) ? ": " : " (not given): ", ...quotes.flatMap((quote, n) => [n ? ", " : "", quote]));
    return line;
  });
  $("evidence").replaceChildren(...(lines.length ? lines : [make("li", "None in the table.")]));
}

function reason(item) {
  const span = make("span", "", { class: against(item) ? "against" : "" });
  span.append(make("q", item.quote ?? ""), status(item));
  if (item.cue) span.append(" by ", make("q", item.cue.quote));
  else if (against(item) && !status(item)) span.append(" (speaks against it)");
  return span;
}

// --- labels ---------------------------------------------------------------------------------------------------------

function buildLabels() {
  names = Object.fromEntries(words.labels.map((label) => [label.id, label.name]));
  for (const group of words.groups) {
    const box = make("details", "", { "data-core": group.core });
    const set = make("fieldset", "", { "aria-label": group.name });
    set.append(...words.labels.filter((label) => label.group === group.id).map(labelRow));
    box.append(make("summary", group.name), set);
    $("labels").append(box);
  }
  const grouped = words.groups.map((group) => {
    const options = make("optgroup", "", { label: group.name });
    options.append(...words.labels.filter((label) => label.group === group.id).map((label) => make("option", label.name, { value: label.id })));
    return options;
  });
  $("label").append(make("option", "some label", { value: "*" }), ...grouped);
}

function labelRow(label) {
  const row = make("div", "", { class: "label", "data-label": label.id });
  const caption = make("label", "", { title: `${label.definition} Not this: ${label.exclusion}` });
  const box = make("input", "", { type: "checkbox" });
  caption.append(box, make("span", label.name, { class: "name" }));
  if (label.key) caption.append(make("kbd", label.key));
  const near = make("select", "", { "aria-label": `${label.name}: near, does not count` });
  near.append(make("option", "near …", { value: "" }), ...words.reasons.map((name) => make("option", name, { value: name })));
  box.addEventListener("change", () => give(label.id, box.checked));
  near.addEventListener("change", () => setNear(label.id, near.value));
  for (const [event, on] of [["mouseenter", true], ["focusin", true], ["mouseleave", false], ["focusout", false]])
    row.addEventListener(event, () => highlight(label.id, on));
  row.append(caption, make("span", "", { class: "score" }), near, make("span", "", { class: "said" }));
  return row;
}

function describe(row) {
  const id = row.dataset.label;
  const score = passage.model?.scores[id];
  row.querySelector(".score").textContent = score === undefined ? "" : score.toFixed(2);
  row.querySelector(".score").title = score === undefined ? "" : "the model's probability";
  row.classList.toggle("doubt", Boolean(passage.model?.uncertain.includes(id)));
  const yes = passage.readers.filter((reader) => reader.labels.includes(id)).map((reader) => reader.name);
  row.classList.toggle("disputed", passage.disputed && yes.length === 1);
  row.querySelector(".said").textContent = yes.length ? `given by ${yes.join(" and ")}` : "";
}

function highlight(id, on) {
  for (const mark of document.querySelectorAll("#text mark"))
    mark.classList.toggle("strong", on && mark.dataset.labels.split(" ").includes(id));
}

function refresh() {
  for (const mark of document.querySelectorAll("#text mark"))
    mark.classList.toggle("idle", !mark.dataset.labels.split(" ").some((id) => passage.labels.includes(id)));
  listEvidence();
  const near = Object.fromEntries(passage.near.map((item) => item.split(":")));
  for (const row of document.querySelectorAll(".label")) {
    const id = row.dataset.label;
    row.querySelector("input").checked = passage.labels.includes(id);
    row.querySelector("select").value = near[id] ?? "";
    row.classList.toggle("given", passage.labels.includes(id));
    row.classList.toggle("near", id in near);
  }
  const state = { unread: "not read yet", begun: "begun", read: "read" }[passage.state];
  $("heading").textContent = `Passage ${passage.id}, ${state}`;
  $("undo").disabled = !history.length;
}

// --- changes --------------------------------------------------------------------------------------------------------

const told = ({ labels, near, note, state }) => ({ labels, near, note, state });

function change(changed) {
  history.push(told(passage));
  Object.assign(passage, { state: "begun" }, changed);
  refresh();
  send();
}

function give(id, yes) {
  did = `${names[id]} ${yes ? "given" : "taken back"}. `;
  const chosen = new Set(passage.labels);
  if (yes) chosen.add(id); else chosen.delete(id);
  change({
    labels: words.labels.map((label) => label.id).filter((label) => chosen.has(label)),
    near: passage.near.filter((item) => !yes || !item.startsWith(`${id}:`)),
  });
}

function setNear(id, reasonName) {
  did = reasonName ? `${names[id]} is near, ${reasonName}. ` : `${names[id]} is not near. `;
  change({
    labels: passage.labels.filter((label) => !reasonName || label !== id),
    near: [...passage.near.filter((item) => !item.startsWith(`${id}:`)), ...(reasonName ? [`${id}:${reasonName}`] : [])],
  });
}

function undo() {
  if (!history.length) return;
  Object.assign(passage, history.pop());
  if (passage.state === "unread") Object.assign(passage, { labels: [...passage.before], near: [], note: "" });
  $("note").value = passage.note;
  refresh();
  send();
}

async function done() {
  if (!passage) return;
  takeNote();
  if (passage.state !== "read") {
    did = `Passage ${passage.id} read. `;
    history.push(told(passage));
    passage.state = "read";
    refresh();
    send();
  }
  await go("next");
}

function takeNote() {
  clearTimeout(noteTimer);
  if (passage && $("note").value !== passage.note) change({ note: $("note").value });
}

function send() {
  const reading = told(passage);
  if (reading.state === "unread") Object.assign(reading, { labels: [], near: [], note: "" });
  waiting = { passage, reading, turn: ++turn };
  sending ??= post();
}

function tell({ passage: about, reading, turn: own }) {
  const body = JSON.stringify({ row: about.row, key: about.key, revision: about.revision, window: WINDOW, turn: own, reading });
  return ask("/api/reading", { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: body.length < 60000 });
}

// The page goes: what waits is sent beside what is on its way. The server takes them by turn, in whatever order they come.
function part() {
  takeNote();
  if (waiting) tell(waiting).catch(() => {});
}

async function post() {
  while (waiting) {
    const { passage: about, reading } = waiting;
    say("Saving …");
    try {
      const saved = await tell(waiting);
      failing = false;
      about.revision = saved.revision;
      count(saved.counts);
      if (waiting?.reading === reading) waiting = null;
      say(`${did}Saved.`);
      did = "";
    } catch (error) {
      if (error.status === 409) {
        waiting = sending = null;
        await go("here", about.row);
        say("This passage was changed in another window. It has been loaded again.", true);
        return;
      }
      failing = true;
      say(`Not saved. ${error.status ? error.message : "No answer from disconnect-nlp. Trying again."}`, true);
      if (error.status) break; // a reason that the next try will not mend; the next change tries again
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
  sending = null;
}

async function flush() {
  takeNote();
  if (waiting && !sending) sending = post();
  // A server that is gone must not freeze the page: stop waiting, the tries go on.
  await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, RETRY))]);
}

// --- keys -----------------------------------------------------------------------------------------------------------

function near(digit) {
  const label = words.labels.find((own) => own.key === digit);
  document.querySelector(`.label[data-label="${label?.id}"] select`)?.focus();
}

function palette() {
  $("palette-input").value = "";
  match();
  $("palette").showModal();
  $("palette-input").focus();
}

function match() {
  const typed = $("palette-input").value.trim().toLowerCase().replaceAll("_", " ");
  const begins = words.labels.find((label) => label.name.toLowerCase().startsWith(typed) || label.id.replaceAll("_", " ").startsWith(typed));
  const found = typed ? begins ?? words.labels.find((label) => label.name.toLowerCase().includes(typed)) : undefined;
  $("palette-match").textContent = found ? `Enter: ${passage.labels.includes(found.id) ? "take" : "give"} ${found.name}` : typed ? "No such label." : "";
  return found;
}

const commands = {
  j: () => go("next"), ArrowRight: () => go("next"),
  k: () => go("previous"), ArrowLeft: () => go("previous"),
  Home: () => go("first"), End: () => go("last"),
  Enter: done, l: () => passage && palette(), m: () => $("note").focus(), z: undo,
  f: () => $("show").focus(), "/": () => $("query").focus(), "?": () => $("keys").showModal(),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && event.target !== document.body) {
    event.target.blur();
    $("passage").focus();
    return;
  }
  if (field || !keysOn) return;
  if (event.key === "Enter" && event.target.closest("button, summary, a")) return;
  const digit = /^(Digit|Numpad)([0-9])$/.exec(event.code)?.[2];
  const label = digit && words.labels.find((own) => own.key === digit);
  if (label && passage) {
    if (event.shiftKey) near(digit);
    else give(label.id, !passage.labels.includes(label.id));
  } else if (commands[event.key]) {
    commands[event.key]();
  } else {
    return;
  }
  event.preventDefault();
}

async function agreementTable() {
  if (!words.readers.length) return;
  $("keys-open").firstChild.textContent = "Keys, agreement ";
  const rows = await ask("/api/agreement");
  const table = make("table");
  const head = make("tr");
  for (const name of ["Label", "both", ...words.readers, "positive agreement", "alpha"]) head.append(make("th", name, { scope: "col" }));
  table.append(make("caption", `Agreement on ${rows[0].n} passages read by both`), head);
  for (const row of rows.filter((own) => own.both + own.first_only + own.second_only)) {
    const line = make("tr");
    line.append(make("th", names[row.label], { scope: "row" }));
    for (const value of [row.both, row.first_only, row.second_only]) line.append(make("td", value));
    for (const value of [row.positive_agreement, row.alpha]) line.append(make("td", value === null ? "–" : value.toFixed(2)));
    table.append(line);
  }
  const box = make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Agreement" });
  box.append(table);
  $("agreement").replaceChildren(box);
}

async function start() {
  words = await ask("/api/words");
  document.title = $("title").textContent = `${words.table}, read by ${words.reader}${words.blind ? ", blind" : ""}`;
  if (words.blind) document.querySelector(".by").hidden = true;
  if (!words.readers.length) $("show").querySelector("[value=disagreement]").remove();
  buildLabels();
  $("why").open = matchMedia("(min-width: 48rem)").matches;
  $("shortcuts").checked = keysOn;
  if (words.elsewhere) say(`${words.elsewhere} readings in the journal are of texts that are not in this table.`);
  await agreementTable();
  await go("here", Number(/row=(\d+)/.exec(location.hash)?.[1] ?? 0));
}

$("previous").addEventListener("click", () => go("previous"));
$("next").addEventListener("click", () => go("next"));
$("done").addEventListener("click", done);
$("undo").addEventListener("click", undo);
$("keys-open").addEventListener("click", () => $("keys").showModal());
$("shortcuts").addEventListener("change", () => {
  keysOn = $("shortcuts").checked;
  localStorage.setItem("keys", keysOn ? "on" : "off");
});
$("note").addEventListener("input", () => {
  clearTimeout(noteTimer);
  noteTimer = setTimeout(takeNote, NOTE_PAUSE);
});
$("note").addEventListener("blur", takeNote);
$("palette-input").addEventListener("input", match);
$("palette").addEventListener("keydown", (event) => {
  const found = event.key === "Enter" && event.target === $("palette-input") && match();
  if (event.key === "Enter" && event.target === $("palette-input")) event.preventDefault();
  if (found) {
    $("palette").close();
    give(found.id, !passage.labels.includes(found.id));
  }
});
$("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  go("here", 0);
});
for (const id of ["show", "label", "by"]) $(id).addEventListener("change", () => go("here", 0));
$("query").addEventListener("search", () => go("here", 0));
$("query").addEventListener("change", () => go("here", 0));
addEventListener("keydown", pressed);
addEventListener("pagehide", part);
addEventListener("beforeunload", (event) => {
  part();
  if (waiting && failing) event.preventDefault();
});
start().catch((error) => say(error.message, true));
