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

// What is wrong is read first.
document.querySelector("[data-focus]")?.focus();
