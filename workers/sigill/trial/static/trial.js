"use strict";
// The right half again each second, unless somebody stands with the keyboard in it. Only what differs is put in, or a
// screen reader would read the whole half aloud at every tick of the clock.
const live = document.getElementById("live");
const speaks = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

function renew(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.tagName !== fresh.tagName || !fresh.children.length || speaks(old) || speaks(fresh)) {
    old.replaceWith(fresh);
    return;
  }
  children(old, fresh);
}

// An element with an id is the same as the one that had it; the others are the same by their order.
function children(old, fresh) {
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const others = [...old.children].filter((child) => !child.id);
  let before = old.firstElementChild;
  for (const child of [...fresh.children]) {
    const same = child.id ? named.get(child.id) : others.shift();
    named.delete(child.id);
    if (!same) { old.insertBefore(child, before); continue; }
    if (same === before) before = same.nextElementSibling;
    else old.insertBefore(same, before);
    renew(same, child);
  }
  for (const gone of [...named.values(), ...others]) gone.remove();
}

const read = () => live.contains(document.activeElement) || document.hidden;

setInterval(async () => {
  if (read()) return;
  try {
    const answer = await fetch("/live?" + live.dataset.query);
    if (!answer.ok) return;
    const fresh = document.createElement("template");
    fresh.innerHTML = await answer.text();
    if (read()) return; // somebody came into it while the answer was on its way
    children(live, fresh.content);
  } catch { /* the program was stopped: the page stays as it is */ }
}, 1000);
for (const select of document.querySelectorAll(".choose select")) select.addEventListener("change", () => select.form.submit());
