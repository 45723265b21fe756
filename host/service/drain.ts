/**
 * The end of serving: what is under way is answered first, what comes in meanwhile is told to go
 * elsewhere, and answers without an end are ended.
 */
import type { ServerResponse } from "node:http";
import { within } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";

export class Drain {
  readonly #endings = new Set<() => void>();
  #isClosing = false;
  #underWay = 0;
  #onIdle: () => void = () => {};

  /** @throws ERR_SHUTTING_DOWN once it has begun */
  enter(response: ServerResponse): void {
    if (this.#isClosing) {
      throw new RepriseError("ERR_SHUTTING_DOWN", "the service is ending");
    }
    this.#underWay++;
    // Also when the client has gone.
    response.once("close", () => {
      this.#underWay--;
      if (this.#underWay === 0) this.#onIdle();
    });
  }

  /**
   * @param end of an answer that goes on until somebody ends it
   * @returns to be called when it has ended
   */
  endless(end: () => void): () => void {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** Resolves when nothing is under way any more, at the latest after so many milliseconds. */
  async close(maxMs: number): Promise<void> {
    this.#isClosing = true;
    for (const end of this.#endings) end();
    if (this.#underWay === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    await within(maxMs, idle);
  }
}
