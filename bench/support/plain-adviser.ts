import { NEED_COLUMNS } from "../../host/core/abi.js";
import type { Adviser } from "../../host/core/adviser.js";

/** The same question in plain JavaScript: typed arrays, one pass, the tightest node that fits. */
export class PlainAdviser {
  readonly #room: Float32Array;
  readonly #scores: Float32Array;
  readonly #needs: Float32Array;
  readonly #nodeCount: number;

  /** Copies rooms and needs from an adviser, so that both look at the same numbers. */
  constructor(
    adviser: Adviser,
    { nodeCount, unitWeights }: { nodeCount: number; unitWeights: readonly number[] },
  ) {
    this.#nodeCount = nodeCount;
    this.#room = new Float32Array(NEED_COLUMNS * nodeCount);
    this.#scores = new Float32Array(nodeCount);
    for (let node = 0; node < nodeCount; node++) {
      let score = 0;
      for (let column = 0; column < NEED_COLUMNS; column++) {
        const amount = adviser.roomOf(node, column);
        this.#room[column * nodeCount + node] = amount;
        score += (unitWeights[Math.floor(column / 3)] ?? 0) * amount;
      }
      this.#scores[node] = score;
    }
    this.#needs = new Float32Array(256 * NEED_COLUMNS);
    for (let slot = 0; slot < 256; slot++) {
      adviser.consider(slot);
      this.#needs.set(adviser.need, slot * NEED_COLUMNS);
    }
  }

  /** @returns the node, -1 if none */
  consider(slot: number): number {
    const n = this.#nodeCount;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let node = 0; node < n; node++) {
      const score = this.#scores[node] as number;
      if (score >= least || !this.#fits(slot, node)) continue;
      best = node;
      least = score;
    }
    return best;
  }

  #fits(slot: number, node: number): boolean {
    const base = slot * NEED_COLUMNS;
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const room = this.#room[column * this.#nodeCount + node] as number;
      if (!(room >= (this.#needs[base + column] as number))) return false;
    }
    return true;
  }
}
