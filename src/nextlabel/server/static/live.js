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

export async function refresh() {
  const fresh = await partsOf(location.href);
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.get(part.dataset.live);
    const isUsed = part.contains(document.activeElement);
    if (next && !isUsed && next.outerHTML !== part.outerHTML) {
      part.replaceWith(document.adoptNode(next));
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
