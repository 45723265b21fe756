/** Restarts under way together that may each take a whole step, as of shadow cuts. */
const FULL_STEPS = 8;

/**
 * Restarts whose hours overlap were answered with the same offsets; whole steps of each would add up
 * to far more than they show. So with k of them under way together each takes a step of 8 / k.
 */
export class RestartsUnderWay<Key> {
  /** Restarts whose outcome is to come: outcomes heard of before each began. */
  readonly #awaited = new Map<Key, number>();
  #heardCount = 0;

  begin(key: Key): void {
    this.#awaited.set(key, this.#heardCount);
  }

  /** It is down again, or its place changes hands: there will be no outcome. */
  cancel(key: Key): void {
    this.#awaited.delete(key);
  }

  heard(key: Key): void {
    this.#awaited.delete(key);
    this.#heardCount++;
  }

  /** Those awaited, and those heard of since this one began, are k; 1 for one that never began. */
  stepOf(key: Key): number {
    const began = this.#awaited.get(key);
    if (began === undefined) return 1;
    return Math.min(1, FULL_STEPS / (this.#awaited.size + this.#heardCount - began));
  }
}
