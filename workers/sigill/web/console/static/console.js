// The console's own few lines. Every page works without them.
"use strict";

// Refreshing can be paused (WCAG 2.2.2), waits while somebody writes in the list, and keeps opened details open.
const paused = (id) => {
  const box = document.querySelector(`[data-live="${id}"]`);
  return box !== null && !box.checked;
};
const isPolling = (event) => event.target instanceof Element && (event.target.getAttribute("hx-trigger") || "").startsWith("every");
document.addEventListener("htmx:before:request", (event) => {
  if (!isPolling(event)) return;
  const part = event.target;
  const active = document.activeElement;
  const inside = part.contains(active) && active !== document.body;
  if (paused(part.id) || inside || document.hidden) event.preventDefault();
});
let opened = new Set();
document.addEventListener("htmx:before:swap", (event) => {
  if (event.target instanceof Element) {
    opened = new Set([...document.querySelectorAll("details[open][id]")].map((one) => one.id));
  }
});
document.addEventListener("htmx:after:swap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});

// The slider moves the moment's field, which asks for the picture.
for (const slider of document.querySelectorAll("[data-slider]")) {
  const field = document.getElementById(slider.dataset.slider);
  const steps = [...document.querySelectorAll(`#${slider.getAttribute("list")} option`)];
  slider.addEventListener("input", () => {
    const step = steps[Number(slider.value)];
    if (!step || !field) return;
    field.value = step.dataset.at;
    slider.setAttribute("aria-valuetext", step.label);
    field.dispatchEvent(new Event("moved"));
  });
}

// One box for a whole sequence.
for (const all of document.querySelectorAll("[data-all]")) {
  all.addEventListener("change", () => {
    for (const box of all.closest("fieldset").querySelectorAll('input[name="letter"]:not(:disabled)')) box.checked = all.checked;
  });
}

// A fault of a draft leads to its line.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("[data-line]") : null;
  const field = document.querySelector("textarea.code");
  if (!link || !field) return;
  event.preventDefault();
  const lines = field.value.split("\n");
  const line = Math.min(Number(link.dataset.line), lines.length) - 1;
  const start = lines.slice(0, line).join("\n").length + (line ? 1 : 0);
  field.focus();
  field.setSelectionRange(start, start + lines[line].length);
  field.scrollTop = (field.scrollHeight / lines.length) * Math.max(line - 5, 0);
});

// What is wrong is read first.
document.querySelector("[data-focus]")?.focus();

// Shortcuts of single keys: off while somebody writes, and off altogether for whoever says so (WCAG 2.1.4).
const keys = document.getElementById("keys");
if (keys) {
  const on = keys.querySelector("[data-keys-on]");
  const stored = "sigill-shortcuts";
  try { on.checked = localStorage.getItem(stored) !== "off"; } catch { /* a browser that keeps nothing */ }
  on.addEventListener("change", () => {
    try { localStorage.setItem(stored, on.checked ? "on" : "off"); } catch { /* for this page alone */ }
  });
  const pages = new Map([...document.querySelectorAll("nav.side a[data-key]")].map((one) => [one.dataset.key, one]));
  const list = keys.querySelector("[data-keys-list]");
  for (const [key, link] of pages) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const name = document.createElement("dd");
    const shown = document.createElement("kbd");
    shown.textContent = key;
    term.append(shown);
    name.textContent = link.firstChild.textContent.trim();
    row.append(term, name);
    list.append(row);
  }
  const opener = document.querySelector("[data-keys-open]");
  opener.hidden = false;
  opener.addEventListener("click", () => keys.showModal());
  const writes = (target) => target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
  const step = (by) => {
    const rows = [...document.querySelectorAll("main tbody th a, main .letters li a")].filter((one) => one.offsetParent !== null);
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
  };
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!on.checked || keys.open || writes(event.target)) return;
    const follows = Date.now() - going < 1500;
    going = 0;
    if (follows && pages.has(event.key)) {
      event.preventDefault();
      pages.get(event.key).click();
    } else if (event.key === "g") going = Date.now();
    else if (event.key === "?") { event.preventDefault(); keys.showModal(); }
    else if (event.key === "/") { event.preventDefault(); document.getElementById("find")?.focus(); }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
  });
}
