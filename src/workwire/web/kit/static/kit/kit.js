// What JavaScript adds to pages that work without it: the reader's time zone, keys, dialogs, toasts, a guard for forms.

const ZONE_COOKIE = "workwire_zone";
const TOAST_MS = 8000;

function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  const told = document.cookie.split("; ").find((one) => one.startsWith(`${ZONE_COOKIE}=`));
  if (!zone || told === `${ZONE_COOKIE}=${zone}`) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${ZONE_COOKIE}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// Keys

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function links() {
  return [...document.querySelectorAll("[data-rows] tbody .title a")];
}

function step(by) {
  const rows = links();
  const here = rows.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + by, 0), rows.length - 1);
  rows[next]?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  o: () => links().includes(document.activeElement) && document.activeElement.click(),
  x: () => document.activeElement.closest("tr")?.querySelector("[name=item]")?.click(),
  "/": () => { const field = document.querySelector("[data-find]"); if (field) field.select(); else openPalette(); },
  "?": () => open("keys"),
};

function ofPage(key) {
  const part = /^[a-z]$/.test(key) ? document.querySelector(`[data-key="${key}"]`) : null;
  return part && (() => (isTyping(part) ? part.focus() : part.click()));
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) {
    if (event.key !== "Escape") return;
  }
  if (event.key === "Escape") {
    closeMenus();
    return;
  }
  const act = KEYS[event.key] ?? ofPage(event.key);
  if (!act) return;
  event.preventDefault();
  act();
}

function onChange(event) {
  const name = event.target.dataset.chooses;
  if (!name) return;
  for (const box of event.target.form.querySelectorAll(`[name="${name}"]`)) box.checked = event.target.checked;
}

// What opens

function open(id) {
  document.getElementById(id)?.showModal();
}

function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details.anchor[open]")) {
    if (menu === except) continue;
    const holdsFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (holdsFocus) menu.querySelector("summary").focus();
  }
}

function onClick(event) {
  const opener = event.target.closest("[data-opens]");
  const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (opener && plain) {
    event.preventDefault();
    if (opener.dataset.opens === "palette") openPalette();
    else open(opener.dataset.opens);
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies).textContent);
  closeMenus(event.target.closest("details.anchor"));
}

// The palette: where one can go, what this page can do, and what the server finds

function openPalette() {
  const palette = document.getElementById("palette");
  if (!palette) {
    document.querySelector("[data-find]")?.select();
    return;
  }
  if (palette.open || document.querySelector("dialog[open]")) return;
  offerButtons(palette);
  palette.showModal();
  palette.querySelector("#palette-text").select();
  narrow(palette);
}

function offerButtons(palette) {
  const list = palette.querySelector("[data-runs]");
  list.replaceChildren();
  for (const button of document.querySelectorAll("main .button:not(:disabled):not([aria-disabled='true'])")) {
    const words = (button.getAttribute("aria-label") || button.textContent).trim();
    if (!words || !button.checkVisibility()) continue;
    const line = document.getElementById("palette-run").content.firstElementChild.cloneNode(true);
    line.firstElementChild.textContent = words;
    line.firstElementChild.addEventListener("click", () => { palette.close(); button.click(); });
    list.append(line);
  }
}

function narrow(palette) {
  const text = palette.querySelector("#palette-text").value.trim().toLocaleLowerCase();
  for (const part of palette.querySelectorAll("[data-narrows]")) {
    const lines = [...part.querySelectorAll("li")];
    for (const line of lines) line.hidden = !line.textContent.trim().toLocaleLowerCase().includes(text);
    part.hidden = lines.every((line) => line.hidden);
  }
}

function onPaletteKey(event) {
  const palette = event.currentTarget;
  const text = palette.querySelector("#palette-text");
  const lines = [...palette.querySelectorAll(".hit")].filter((line) => line.checkVisibility());
  const here = lines.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = event.key === "ArrowDown" ? here + 1 : here < 0 ? lines.length - 1 : here - 1;
    (next < 0 || next >= lines.length ? text : lines[next]).focus();
  } else if (event.key === "Enter" && document.activeElement === text) {
    const place = text.value.trim() && lines.find((line) => line.closest("[data-narrows]"));
    if (place || !text.value.trim()) event.preventDefault();
    if (place) place.click();
  } else if (here >= 0 && event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    text.focus();
  }
}

// Toasts

function fade(toast) {
  let left = setTimeout(() => toast.remove(), TOAST_MS);
  toast.addEventListener("pointerenter", () => clearTimeout(left));
  toast.addEventListener("pointerleave", () => { left = setTimeout(() => toast.remove(), TOAST_MS); });
}

// Nobody looks at a page in the background: what asks again and again asks when it is looked at.
function waitUntilSeen(event) {
  if (document.hidden && event.target.getAttribute("hx-trigger")?.startsWith("every ")) event.preventDefault();
}

function sayNoAnswer() {
  const toast = document.getElementById("no-answer").content.firstElementChild.cloneNode(true);
  document.getElementById("toasts").append(toast);
  fade(toast);
}

// Forms whose changes would be lost

function guard() {
  let changed = false;
  for (const form of document.querySelectorAll("form[data-guard]")) {
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
  }
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}

// Forms that were pressed twice are sent once

const sent = new WeakSet();

function onSubmit(event) {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
}

tellZone();
guard();
document.addEventListener("submit", onSubmit);
addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => sent.delete(form)));
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
document.addEventListener("change", onChange);
document.body.addEventListener("htmx:sendError", sayNoAnswer);
document.body.addEventListener("htmx:beforeRequest", waitUntilSeen);
document.body.addEventListener("htmx:responseError", sayNoAnswer);
document.querySelectorAll("[data-fades]").forEach(fade);
document.querySelectorAll("[data-scripted]").forEach((one) => { one.hidden = false; });
document.getElementById("palette")?.addEventListener("keydown", onPaletteKey);
document.getElementById("palette-text")?.addEventListener("input", (event) => narrow(event.target.closest("dialog")));
document.querySelector("[data-focus]")?.focus();
