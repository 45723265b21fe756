/** Like a database: blocks of a file are read into a pool that starts empty, and checked. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { arrivals, type Frame, runProgram } from "./frame.js";

const BLOCKS = 900;
const BLOCK_BYTES = 64 * 1024;
const READS_A_MINUTE = 60;

class PagePool {
  readonly #file: number;
  readonly #pool = new Map<number, Buffer>();
  #hits = 0;

  constructor(frame: Frame) {
    this.#file = openFilled(join(frame.folder, "data.bin"));
  }

  step({ prng, stepMinutes }: Frame): void {
    for (let left = arrivals(prng, READS_A_MINUTE * stepMinutes); left > 0; left--) {
      const index = Math.floor(prng.uniform() ** 1.5 * BLOCKS);
      const cached = this.#pool.get(index);
      if (cached === undefined) this.#pool.set(index, this.#read(index));
      else this.#hits += cached[0] ?? 0;
      createHash("md5")
        .update(this.#pool.get(index) ?? "")
        .digest();
    }
  }

  #read(index: number): Buffer {
    const block = Buffer.alloc(BLOCK_BYTES);
    readSync(this.#file, block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
    for (let round = 0; round < 8; round++) createHash("sha256").update(block).digest();
    return block;
  }
}

function openFilled(path: string): number {
  if (existsSync(path) && statSync(path).size === BLOCKS * BLOCK_BYTES) return openSync(path, "r");
  const file = openSync(path, "w+");
  for (let index = 0; index < BLOCKS; index++) {
    writeSync(file, Buffer.alloc(BLOCK_BYTES, index & 255), 0, BLOCK_BYTES, index * BLOCK_BYTES);
  }
  closeSync(file);
  return openSync(path, "r");
}

await runProgram((frame) => new PagePool(frame));
