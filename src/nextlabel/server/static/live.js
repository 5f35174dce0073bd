// Parts of a page of the server, fetched anew: what is marked with data-live is exchanged where it changed.

const PAUSE = 10_000; // milliseconds

export async function partsOf(path) {
  const response = await fetch(path, { credentials: "same-origin", cache: "no-store" });
  if (!response.ok) {
    throw new Error(`The server answered ${response.status}.`);
  }
  // a document that is only read: nothing in it runs
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return new Map([...page.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
}

/** What a reader has opened stays open. */
function keepOpen(part, next) {
  const opened = new Set([...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
  for (const summary of next.querySelectorAll("details > summary")) {
    summary.parentElement.toggleAttribute("open", opened.has(summary.textContent));
  }
}

export async function refresh() {
  const fresh = await partsOf(location.href);
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.get(part.dataset.live);
    const focused = [...part.querySelectorAll("summary")].indexOf(document.activeElement);
    const isUsed = focused < 0 && part.contains(document.activeElement);
    if (next && !isUsed) {
      keepOpen(part, next);
      if (next.outerHTML !== part.outerHTML) {
        part.replaceWith(document.adoptNode(next));
        next.querySelectorAll("summary")[focused]?.focus();
      }
    }
  }
  document.dispatchEvent(new Event("nextlabel:fresh"));
}

export function keepFresh() {
  setInterval(() => {
    if (!document.hidden) {
      refresh().catch(() => {}); // the server is away: the page stays as it was, and is tried again
    }
  }, PAUSE);
}
