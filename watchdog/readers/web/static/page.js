// Keeps the page current: fetches it again each second and takes over what changed. The server renders and escapes;
// nothing is formatted here, and no text becomes markup. Elements stay, so focus, selection and scrolling do as well.

const EVERY_MS = 1000;
const GIVE_UP_MS = 5000;
const STALE_AFTER_MS = 3500;
const LIVE = ["title", "header", "main", "footer"];

const alarm = document.getElementById("alarm");
let answeredAt = performance.now();

// What an element shows, so that a row stays the same row wherever it moves to.
const keyOf = (node) => node.id || node.querySelector?.(":scope > th[scope=row]")?.textContent || node.nodeName;

function takeOver(element, fresh) {
  for (const { name } of [...element.attributes]) {
    if (!fresh.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  const before = [...element.childNodes];
  let place = element.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const found = before.findIndex((node) => keyOf(node) === keyOf(wanted));
    const node = found < 0 ? document.importNode(wanted, true) : before.splice(found, 1)[0];
    if (node === place) place = place.nextSibling;
    else element.insertBefore(node, place);
    if (node.isEqualNode(wanted)) continue;
    if (node.nodeType === Node.ELEMENT_NODE) takeOver(node, wanted);
    else node.data = wanted.data;
  }
  before.forEach((node) => node.remove());
}

function watchTheWatchdog() {
  const silentMs = performance.now() - answeredAt;
  const stale = silentMs > STALE_AFTER_MS;
  document.body.classList.toggle("stale", stale);
  alarm.hidden = !stale;
  if (!stale) return;
  const since = document.getElementById("as-of").textContent;
  const seconds = Math.floor(silentMs / 1000);
  alarm.textContent = `The watchdog itself has not answered for ${seconds} s. All below is as of ${since} UTC.`;
  document.title = "The watchdog does not answer";
}

async function refresh() {
  try {
    const response = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!fresh.getElementById("as-of")) throw new Error("another page");
    const focused = document.activeElement;
    for (const name of LIVE) takeOver(document.querySelector(name), fresh.querySelector(name));
    // An element that was moved has lost it.
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    answeredAt = performance.now();
  } catch (error) {
    console.warn("no status:", error.message);
  }
  watchTheWatchdog();
  setTimeout(refresh, EVERY_MS);
}

setInterval(watchTheWatchdog, EVERY_MS);
refresh();
