/**
 * Job identities. What lives at the same time has different names; a name that nobody bears any
 * more goes to the next that asks for it, so a job that comes back under another path or process
 * goes on as the same instance.
 */
export class Names {
  readonly #nameOf = new Map<string, string>();
  readonly #bearers = new Map<string, string>();

  /** The name of a living thing: its own when it has one, else the first free of `wanted`, `#2` … */
  claim(key: string, wanted: string): string {
    const known = this.#nameOf.get(key);
    if (known !== undefined) return known;
    let name = wanted;
    for (let count = 2; this.#bearers.has(name); count++) name = `${wanted}#${count}`;
    this.#nameOf.set(key, name);
    this.#bearers.set(name, key);
    return name;
  }

  /** Frees the names of everything that is not among the living. */
  keep(living: ReadonlySet<string>): void {
    for (const [key, name] of this.#nameOf) {
      if (living.has(key)) continue;
      this.#nameOf.delete(key);
      this.#bearers.delete(name);
    }
  }
}
