// What was done and is not yet known to be stored: kept here first, sent in order, repeated until it is answered.
//
// Each action carries a request id made here. The server does an action with one id once, so that to repeat it is
// harmless: after a lost answer, a reload, a restart of the server, or from a second window.

import { Away, Elsewhere, Locked, Refused, post, uuid } from "./api.js";
import { openChest } from "./chest.js";

const PIECE = 20; // actions in one call
const FIRST_PAUSE = 400; // milliseconds, doubled each time
const LONGEST_PAUSE = 4_000;

export class Outbox {
  #chest;
  #owner;
  #lock;
  #listeners = { state: [], result: [], answer: [] };
  #mirror = new Map(); // seq → record, of this person
  #adding = 0; // on their way into the chest
  #refused = [];
  #pause = FIRST_PAUSE;
  #timer = 0;
  #epoch = 0; // counts what this window added and removed, so that a stale reading is seen to be one
  #isSending = false;
  #isWanted = false;
  #channel = null;
  #asks = () => ({});
  trouble = null; // null, "away", "storage", "locked", "elsewhere" or "fault"
  message = "";

  static async open(campaign, person, asks) {
    const box = new Outbox();
    const name = `nextlabel ${campaign}`;
    box.#owner = person;
    box.#lock = `${name} sends`;
    box.#asks = asks;
    box.#chest = await openChest(name);
    if (typeof BroadcastChannel === "function") {
      box.#channel = new BroadcastChannel(name);
      box.#channel.onmessage = () => box.#reread();
    }
    await box.#reread();
    for (const event of ["online", "focus", "pageshow"]) {
      window.addEventListener(event, () => box.deliver());
    }
    return box;
  }

  on(what, listener) {
    this.#listeners[what].push(listener);
  }

  get waiting() {
    return this.#mirror.size + this.#adding;
  }

  get isLasting() {
    return this.#chest.isLasting;
  }

  /** Why this browser can keep nothing any more; empty where it can. */
  get failure() {
    return this.#chest.failure;
  }

  get refused() {
    return this.#refused;
  }

  /** Ids of items that are answered or skipped here, and of which the server may not know yet. */
  get spokenFor() {
    const ids = new Set();
    for (const { action } of this.#mirror.values()) {
      if (action.kind === "answer" || action.kind === "skip") {
        ids.add(action.id);
      }
    }
    return ids;
  }

  /** Keeps an action; resolved once the browser has it. `line` says in words what it was, should it be refused. */
  async add(action, line) {
    const record = { action: { ...action, request: uuid() }, line, owner: this.#owner };
    this.#adding += 1;
    this.#tell("state"); // at once: "All saved" is never said of what was done a moment ago
    try {
      const seq = await this.#chest.add("outbox", record);
      this.#mirror.set(seq, { ...record, seq });
      this.#epoch += 1;
    } finally {
      this.#adding -= 1;
    }
    this.#channel?.postMessage("added");
    this.#tell("state");
    this.deliver();
    return record.action.request;
  }

  async forget(seq) {
    await this.#chest.remove("refused", seq);
    this.#refused = this.#refused.filter((one) => one.seq !== seq);
    this.#tell("state");
  }

  /** Sends again what was not accepted, as a new action. */
  async again(seq) {
    const { action, line } = this.#refused.find((one) => one.seq === seq) ?? {};
    if (action) {
      await this.add(action, line);
      await this.forget(seq);
    }
  }

  /** Sends what waits; one window at a time does. */
  deliver() {
    clearTimeout(this.#timer);
    this.#isWanted = true;
    if (this.#isSending) {
      return;
    }
    this.#isSending = true;
    this.#alone(() => this.#sendAll())
      .catch((cause) => this.#stumble(cause))
      .finally(() => {
        this.#isSending = false;
        if (this.#isWanted && !this.trouble) {
          this.deliver();
        }
      });
  }

  async #alone(act) {
    // locks are only there on https and localhost; without them the request ids alone keep things single
    return navigator.locks ? navigator.locks.request(this.#lock, act) : act();
  }

  async #sendAll() {
    for (;;) {
      this.#isWanted = false;
      await this.#reread();
      const piece = [...this.#mirror.values()].slice(0, PIECE);
      if (piece.length === 0) {
        return;
      }
      await this.#send(piece);
      this.#pause = FIRST_PAUSE;
      this.#change(null, "");
    }
  }

  async #send(piece) {
    let answer;
    try {
      answer = await post("/api/actions", { actions: piece.map((one) => one.action), ...this.#asks() });
    } catch (cause) {
      if (!(cause instanceof Refused)) {
        throw cause;
      }
      if (piece.length > 1) {
        return this.#sendSingly(piece);
      }
      return this.#drop(piece[0], { ok: false, kind: cause.kind, message: cause.message });
    }
    const results = new Map(answer.results.map((one) => [one.request, one]));
    for (const record of piece) {
      const result = results.get(record.action.request);
      if (result) {
        await this.#drop(record, result);
      }
    }
    if (results.size === 0) {
      throw new Away("The server did not say what became of the actions.");
    }
    this.#tell("answer", answer);
  }

  async #sendSingly(piece) {
    for (const record of piece) {
      await this.#send([record]);
    }
  }

  async #drop(record, result) {
    if (!result.ok) {
      const { action, line } = record;
      const refused = { action, line, message: result.message, owner: this.#owner };
      const seq = await this.#chest.add("refused", refused);
      this.#refused.push({ ...refused, seq });
    }
    await this.#chest.remove("outbox", record.seq);
    this.#mirror.delete(record.seq);
    this.#epoch += 1;
    this.#tell("result", record.action, result);
    this.#tell("state");
    this.#channel?.postMessage("sent");
  }

  /** What became of another call: null where it was answered, else what it met. */
  heard(cause) {
    if (cause === null) {
      this.#change(null, "");
    } else if (!(cause instanceof Refused)) {
      this.#name(cause);
    }
  }

  #stumble(cause) {
    this.#name(cause);
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#timer = setTimeout(() => this.deliver(), pause);
  }

  #name(cause) {
    let trouble = "fault";
    if (cause instanceof Locked) {
      trouble = "locked";
    } else if (cause instanceof Elsewhere) {
      trouble = "elsewhere";
    } else if (cause instanceof Away) {
      trouble = cause.isStorage ? "storage" : "away";
    }
    this.#change(trouble, cause.message);
  }

  #change(trouble, message) {
    const isNew = trouble !== this.trouble || message !== this.message;
    this.trouble = trouble;
    this.message = message;
    if (isNew) {
      this.#tell("state");
    }
  }

  async #reread() {
    const mine = (one) => one.owner === this.#owner;
    let epoch;
    let records;
    do {
      epoch = this.#epoch;
      records = (await this.#chest.all("outbox")).filter(mine);
    } while (epoch !== this.#epoch);
    this.#mirror = new Map(records.map((one) => [one.seq, one]));
    this.#refused = (await this.#chest.all("refused")).filter(mine);
    this.#tell("state");
  }

  #tell(what, ...said) {
    for (const listener of this.#listeners[what]) {
      listener(...said);
    }
  }
}
