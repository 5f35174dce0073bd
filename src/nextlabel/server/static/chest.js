// A list in the browser's own database (IndexedDB) that outlives reloads; in memory where that fails.

export async function openChest(name) {
  let database;
  try {
    database = await opened(name);
  } catch {
    return new Pocket();
  }
  return new Chest(database);
}

/** Where the database fails, when it is full for example, what is new is kept in memory, and `failure` says why. */
class Chest {
  failure = "";
  #pocket = new Pocket(2 ** 40); // its keys come after all of the database's
  #seen = new Map(); // store → what is known to be in it, should it be lost
  #gone = new Set(); // keys that could not be taken out

  constructor(database) {
    this.database = database;
    database.onversionchange = () => database.close();
    database.onclose = () => this.#failed("it was closed");
  }

  get isLasting() {
    return this.failure === "";
  }

  async add(store, value) {
    if (!this.failure) {
      try {
        const seq = await this.#within(store, "readwrite", (inside) => inside.add(value));
        this.#seen.set(store, [...(this.#seen.get(store) ?? []), { ...value, seq }]);
        return seq;
      } catch (cause) {
        this.#failed(cause);
      }
    }
    return this.#pocket.add(store, value); // from now on all of them, so that they stay in order
  }

  async all(store) {
    try {
      this.#seen.set(store, await this.#within(store, "readonly", (inside) => inside.getAll()));
    } catch (cause) {
      this.#failed(cause);
    }
    const there = (this.#seen.get(store) ?? []).filter((one) => !this.#gone.has(`${store} ${one.seq}`));
    return [...there, ...(await this.#pocket.all(store))];
  }

  async remove(store, key) {
    await this.#pocket.remove(store, key);
    this.#seen.set(store, (this.#seen.get(store) ?? []).filter((one) => one.seq !== key));
    try {
      await this.#within(store, "readwrite", (inside) => inside.delete(key));
    } catch (cause) {
      this.#gone.add(`${store} ${key}`); // sent again after a reload, which does no harm
      this.#failed(cause);
    }
  }

  #failed(cause) {
    this.failure ||= String(cause?.message || cause?.name || cause || "it does not answer");
  }

  #within(store, mode, act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(store, mode);
      const asked = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? asked.error);
    });
  }
}

class Pocket {
  isLasting = false;
  failure = "";
  #stores = new Map();
  #next;

  constructor(first = 1) {
    this.#next = first;
  }

  async add(store, value) {
    const key = this.#next++;
    this.#inside(store).set(key, { ...value, seq: key });
    return key;
  }

  async all(store) {
    return [...this.#inside(store).values()];
  }

  async remove(store, key) {
    this.#inside(store).delete(key);
  }

  #inside(store) {
    if (!this.#stores.has(store)) {
      this.#stores.set(store, new Map());
    }
    return this.#stores.get(store);
  }
}

function opened(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => {
      for (const store of ["outbox", "refused"]) {
        asked.result.createObjectStore(store, { keyPath: "seq", autoIncrement: true });
      }
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = asked.onblocked = () => reject(asked.error);
  });
}
