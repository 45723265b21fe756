/** A web server with a cache: after a start it is empty, and every miss renders the page anew. */
import { createHash } from "node:crypto";
import { arrivals, type Frame, runProgram } from "./frame.js";

const PAGES = 700;
const PAGE_BYTES = 64 * 1024;
const REQUESTS_A_MINUTE = 45;
const RENDER_ROUNDS = 14;

class WebCache {
  readonly #pages = new Map<number, Buffer>();
  #served = 0;

  step({ prng, stepMinutes }: Frame): void {
    for (let left = arrivals(prng, REQUESTS_A_MINUTE * stepMinutes); left > 0; left--) {
      // A few pages are wanted often, most of them seldom.
      const page = Math.floor(prng.uniform() ** 2 * PAGES);
      const cached = this.#pages.get(page) ?? render(page);
      this.#pages.set(page, cached);
      this.#served += cached[0] ?? 0;
      createHash("sha256").update(cached).digest();
    }
  }
}

function render(page: number): Buffer {
  const body = Buffer.alloc(PAGE_BYTES, page & 255);
  for (let round = 0; round < RENDER_ROUNDS; round++) {
    createHash("sha512")
      .update(body)
      .digest()
      .copy(body, round * 64);
  }
  return body;
}

await runProgram(() => new WebCache());
