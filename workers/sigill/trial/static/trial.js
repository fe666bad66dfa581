"use strict";
// The right half again each second, unless somebody stands with the keyboard in it.
const live = document.getElementById("live");
let last = live.innerHTML;
setInterval(async () => {
  if (live.contains(document.activeElement) || document.hidden) return;
  try {
    const answer = await fetch("/live?" + live.dataset.query);
    const text = await answer.text();
    if (answer.ok && text !== last) { live.innerHTML = text; last = text; }
  } catch { /* the program was stopped: the page stays as it is */ }
}, 1000);
for (const select of document.querySelectorAll(".choose select")) select.addEventListener("change", () => select.form.submit());
