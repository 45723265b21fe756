/**
 * A map that is never changed, for states that are replaced: `with` and `without` give a new version
 * in the time that a plain map takes, however large it is.
 *
 * All versions share one table. The newest reads it as it is; an older one undoes what came after
 * the first time it is asked, and is then the one that is quick. The order of the entries is that of
 * the shared table, so two versions with the same entries may have them in different orders.
 */

interface Table<K, V> {
  readonly entries: Map<K, V>;
}

/** How a version differs from a later one. */
interface Difference<K, V> {
  readonly key: K;
  /** What it has there; absent when it has nothing. */
  readonly entry: { readonly value: V } | undefined;
  readonly later: VersionedMap<K, V>;
}

export class VersionedMap<K, V> {
  #content: Table<K, V> | Difference<K, V>;

  constructor(entries?: Iterable<readonly [K, V]>) {
    this.#content = { entries: new Map(entries) };
  }

  get size(): number {
    return this.#table().size;
  }

  get(key: K): V | undefined {
    return this.#table().get(key);
  }

  has(key: K): boolean {
    return this.#table().has(key);
  }

  /** A copy. */
  values(): V[] {
    return [...this.#table().values()];
  }

  with(key: K, value: V): VersionedMap<K, V> {
    return this.#changed(key, { value });
  }

  /** The same version where the key is not there. */
  without(key: K): VersionedMap<K, V> {
    return this.has(key) ? this.#changed(key, undefined) : this;
  }

  #changed(key: K, entry: { readonly value: V } | undefined): VersionedMap<K, V> {
    const table = this.#table();
    const before = entryOf(table, key);
    const next = new VersionedMap<K, V>();
    setEntry(table, key, entry);
    next.#content = { entries: table };
    this.#content = { key, entry: before, later: next };
    return next;
  }

  /** The shared table as this version has it. */
  #table(): Map<K, V> {
    if ("entries" in this.#content) return this.#content.entries;
    const olderFirst: VersionedMap<K, V>[] = [];
    let at: VersionedMap<K, V> = this;
    while (!("entries" in at.#content)) {
      olderFirst.push(at);
      at = at.#content.later;
    }
    const table = at.#content.entries;
    for (let index = olderFirst.length - 1; index >= 0; index--) {
      const older = olderFirst[index];
      if (older === undefined || "entries" in older.#content) continue;
      const { key, entry, later } = older.#content;
      later.#content = { key, entry: entryOf(table, key), later: older };
      setEntry(table, key, entry);
      older.#content = { entries: table };
    }
    return table;
  }
}

function entryOf<K, V>(table: ReadonlyMap<K, V>, key: K): { readonly value: V } | undefined {
  return table.has(key) ? { value: table.get(key) as V } : undefined;
}

function setEntry<K, V>(table: Map<K, V>, key: K, entry: { readonly value: V } | undefined): void {
  if (entry === undefined) table.delete(key);
  else table.set(key, entry.value);
}
