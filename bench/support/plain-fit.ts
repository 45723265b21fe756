interface Shape {
  readonly nodeCount: number;
  readonly columnCount: number;
  readonly needCount: number;
}

/**
 * Fit in plain JavaScript on typed arrays, the room structure-of-arrays as in the core. Four columns
 * are counted unrolled; else the first column that lacks ends a node's turn.
 */
export class PlainFit {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #columns: Float32Array[];
  readonly #needs: Float32Array;
  readonly #shape: Shape;

  constructor(room: Float32Array, needs: Float32Array, shape: Shape) {
    const { nodeCount, columnCount, needCount } = shape;
    this.#columns = Array.from({ length: columnCount }, (_, column) =>
      room.slice(column * nodeCount, (column + 1) * nodeCount),
    );
    this.#needs = needs;
    this.#shape = shape;
    this.words = new Int32Array(needCount);
    this.bytes = new Uint8Array(needCount * nodeCount);
  }

  run(question: "count" | "first" | "best" | "mask"): void {
    const { columnCount, needCount, nodeCount } = this.#shape;
    for (let n = 0; n < needCount; n++) {
      const need = this.#needs.subarray(n * columnCount, (n + 1) * columnCount);
      if (question === "count") this.words[n] = this.#count(need);
      else if (question === "first") this.words[n] = this.#first(need);
      else if (question === "best") this.words[n] = this.#best(need);
      else this.#mask(need, this.bytes.subarray(n * nodeCount, (n + 1) * nodeCount));
    }
  }

  #count(need: Float32Array): number {
    if (this.#columns.length === 4) return this.#countFour(need);
    let count = 0;
    for (let node = 0; node < this.#shape.nodeCount; node++) if (this.#fits(need, node)) count++;
    return count;
  }

  #countFour(need: Float32Array): number {
    const [c0, c1, c2, c3] = this.#columns as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const [n0 = 0, n1 = 0, n2 = 0, n3 = 0] = need;
    let count = 0;
    if (this.#shape.needCount === 1) {
      for (let node = 0; node < c0.length; node++) {
        const a = n0 <= (c0[node] as number) && n1 <= (c1[node] as number);
        if (a && n2 <= (c2[node] as number) && n3 <= (c3[node] as number)) count++;
      }
      return count;
    }
    // The branches of ever new needs are mispredicted: without them it takes less than half.
    for (let node = 0; node < c0.length; node++) {
      const a = +(n0 <= (c0[node] as number)) & +(n1 <= (c1[node] as number));
      const b = +(n2 <= (c2[node] as number)) & +(n3 <= (c3[node] as number));
      count += a & b;
    }
    return count;
  }

  #fits(need: Float32Array, node: number): boolean {
    const columns = this.#columns;
    for (let column = 0; column < columns.length; column++) {
      const room = (columns[column] as Float32Array)[node] as number;
      if (!((need[column] as number) <= room)) return false;
    }
    return true;
  }

  #first(need: Float32Array): number {
    for (let node = 0; node < this.#shape.nodeCount; node++)
      if (this.#fits(need, node)) return node;
    return -1;
  }

  #best(need: Float32Array): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let node = 0; node < this.#shape.nodeCount; node++) {
      if (!this.#fits(need, node)) continue;
      let leftover = 0;
      for (let column = 0; column < need.length; column++) {
        const room = (this.#columns[column] as Float32Array)[node] as number;
        leftover = Math.fround(leftover + Math.fround(room - (need[column] as number)));
      }
      if (best >= 0 && leftover >= least) continue;
      best = node;
      least = leftover;
    }
    return best;
  }

  #mask(need: Float32Array, out: Uint8Array): void {
    for (let node = 0; node < out.length; node++) out[node] = this.#fits(need, node) ? 1 : 0;
  }
}
