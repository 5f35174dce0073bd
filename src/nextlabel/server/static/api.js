// Calls to the server, and how one can end: an answer, a refusal, a closed door, another campaign, nobody there.

export class Refused extends Error {
  constructor(message, kind, status) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

export class Locked extends Error {}

/** At this address another campaign is served now; nothing was done. */
export class Elsewhere extends Error {}

export class Away extends Error {
  constructor(message, isStorage = false) {
    super(message);
    this.isStorage = isStorage;
  }
}

/** With every call: that our own page sends it, and to which campaign; one port may serve another one later. */
export const headers = {
  "X-Nextlabel": "1",
  "X-Nextlabel-Campaign": JSON.parse(document.body.dataset.campaign).id,
};

const PATIENCE = 20_000; // milliseconds until a call counts as lost; it is repeated with the same request

export async function post(path, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function call(path, options) {
  let response;
  let body;
  try {
    response = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store", signal: deadline() });
    body = response.status === 204 ? {} : await response.json();
  } catch {
    if (response && response.status >= 400 && response.status < 500 && response.status !== 429) {
      throw new Refused(`The server answered ${response.status}.`, "unknown", response.status);
    }
    throw new Away("The server does not answer.");
  }
  if (response.ok) {
    return body;
  }
  const message = body?.error?.message ?? `The server answered ${response.status}.`;
  if (response.status === 401 || response.status === 403) {
    throw new Locked(message);
  }
  if (body?.error?.kind === "another") {
    throw new Elsewhere(message);
  }
  if (response.status >= 500 || response.status === 429) {
    throw new Away(message, response.status === 507);
  }
  throw new Refused(message, body?.error?.kind ?? "unknown", response.status);
}

function deadline() {
  return AbortSignal.timeout?.(PATIENCE);
}

export function uuid() {
  // crypto.randomUUID is only there on https and localhost; a page on a local network has neither
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
