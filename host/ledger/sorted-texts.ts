/**
 * A map of texts whose keys are also kept in order.
 *
 * The keys lie in blocks of some hundred, so that adding or removing one among a hundred thousand
 * moves a few hundred of them and not all.
 */
import { compareKeys } from "./encoding.js";
import type { LedgerRange } from "./ledger.js";

/** A block that has grown to this is split in two. */
const BLOCK_KEYS_MAX = 512;

interface Place {
  readonly block: number;
  readonly index: number;
}

export class SortedTexts {
  readonly #texts = new Map<string, string>();
  /** None is empty, but for the only one of an empty map. */
  readonly #blocks: string[][] = [[]];

  get size(): number {
    return this.#texts.size;
  }

  get(key: string): string | undefined {
    return this.#texts.get(key);
  }

  /** Undefined removes the key. */
  set(key: string, text: string | undefined): void {
    if (text === undefined) {
      if (this.#texts.delete(key)) this.#removeKey(key);
      return;
    }
    const before = this.#texts.size;
    this.#texts.set(key, text);
    if (this.#texts.size > before) this.#addKey(key);
  }

  /** A copy, so that a commit during the iteration is not seen by it. */
  slice(range: LedgerRange): [string, string][] {
    const limit = range.limit ?? this.size;
    const keys =
      range.reverse === true
        ? this.#keysBefore(range.from, limit)
        : this.#keysFrom(range.from, limit);
    return keys.map((key) => [key, this.#texts.get(key) ?? ""]);
  }

  #addKey(key: string): void {
    const { block, index } = this.#placeOf(key);
    const keys = this.#blocks[block] ?? [];
    keys.splice(index, 0, key);
    if (keys.length < BLOCK_KEYS_MAX) return;
    // Keys mostly arrive in order: then the block before is left full.
    const kept = index === keys.length - 1 ? BLOCK_KEYS_MAX - 1 : BLOCK_KEYS_MAX / 2;
    this.#blocks.splice(block + 1, 0, keys.splice(kept));
  }

  #removeKey(key: string): void {
    const { block, index } = this.#placeOf(key);
    const keys = this.#blocks[block] ?? [];
    keys.splice(index, 1);
    if (keys.length === 0 && this.#blocks.length > 1) this.#blocks.splice(block, 1);
  }

  #keysFrom(from: string | undefined, limit: number): string[] {
    let { block, index } = from === undefined ? { block: 0, index: 0 } : this.#placeOf(from);
    const found: string[] = [];
    for (; block < this.#blocks.length && found.length < limit; block++) {
      for (const key of (this.#blocks[block] ?? []).slice(index, index + limit - found.length)) {
        found.push(key);
      }
      index = 0;
    }
    return found;
  }

  #keysBefore(from: string | undefined, limit: number): string[] {
    let { block, index } = from === undefined ? this.#end() : this.#placeOf(from);
    if (from !== undefined && this.#blocks[block]?.[index] === from) index += 1;
    const found: string[] = [];
    while (found.length < limit) {
      if (index === 0) {
        if (block === 0) break;
        block -= 1;
        index = this.#blocks[block]?.length ?? 0;
      }
      index -= 1;
      const key = this.#blocks[block]?.[index];
      if (key === undefined) break;
      found.push(key);
    }
    return found;
  }

  #end(): Place {
    const block = this.#blocks.length - 1;
    return { block, index: this.#blocks[block]?.length ?? 0 };
  }

  /** Of the first key that is not below this one; behind the last one when all are. */
  #placeOf(key: string): Place {
    const lastOf = (at: number) => this.#blocks[at]?.at(-1);
    // The last block takes what is beyond all keys.
    const block = firstNotBelow(key, this.#blocks.length - 1, lastOf);
    const keys = this.#blocks[block] ?? [];
    return { block, index: firstNotBelow(key, keys.length, (at) => keys[at]) };
  }
}

/** The first index whose key is not below this one, `count` when all are. */
function firstNotBelow(
  key: string,
  count: number,
  keyAt: (index: number) => string | undefined,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keyAt(middle) ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
