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
  "/": () => document.querySelector("[data-find]")?.focus(),
  "?": () => open("keys"),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) {
    if (event.key !== "Escape") return;
  }
  if (event.key === "Escape") {
    closeMenus();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
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
  if (opener) open(opener.dataset.opens);
  closeMenus(event.target.closest("details.anchor"));
}

// Toasts

function fade(toast) {
  let left = setTimeout(() => toast.remove(), TOAST_MS);
  toast.addEventListener("pointerenter", () => clearTimeout(left));
  toast.addEventListener("pointerleave", () => { left = setTimeout(() => toast.remove(), TOAST_MS); });
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

tellZone();
guard();
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
document.body.addEventListener("htmx:sendError", sayNoAnswer);
document.body.addEventListener("htmx:responseError", sayNoAnswer);
document.querySelectorAll("[data-fades]").forEach(fade);
document.querySelectorAll(".keys-button").forEach((button) => { button.hidden = false; });
document.querySelector("[data-focus]")?.focus();
