// A list in the browser's own database (IndexedDB) that outlives reloads; in memory where the browser has none.

export async function openChest(name) {
  try {
    return new Chest(await opened(name));
  } catch {
    return new Pocket();
  }
}

class Chest {
  isLasting = true;

  constructor(database) {
    this.database = database;
    database.onversionchange = () => database.close();
  }

  add(store, value) {
    return this.#within(store, "readwrite", (inside) => inside.add(value));
  }

  all(store) {
    return this.#within(store, "readonly", (inside) => inside.getAll());
  }

  remove(store, key) {
    return this.#within(store, "readwrite", (inside) => inside.delete(key));
  }

  #within(store, mode, act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(store, mode);
      const asked = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

class Pocket {
  isLasting = false;
  #stores = new Map();
  #next = 1;

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
