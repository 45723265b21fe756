/** Work arrives whether or not anybody is there: the longer the outage, the longer the catching up. */
import { createHash } from "node:crypto";
import { arrivals, type Frame, runProgram } from "./frame.js";

const MESSAGES_A_MINUTE = 30;
/** As fast as it can while there is a backlog. */
const HEADROOM = 4;
const BACKLOG_MINUTES_MAX = 60;
const MESSAGE_BYTES = 32 * 1024;
const WORK = Buffer.alloc(192 * 1024, 3);

class QueueConsumer {
  readonly #queue: Buffer[] = [];

  constructor({ outageMinutes }: Frame) {
    this.#arrive(Math.min(outageMinutes, BACKLOG_MINUTES_MAX) * MESSAGES_A_MINUTE);
  }

  step({ prng, stepMinutes }: Frame): void {
    this.#arrive(arrivals(prng, MESSAGES_A_MINUTE * stepMinutes));
    const able = Math.max(1, Math.round(MESSAGES_A_MINUTE * HEADROOM * stepMinutes));
    for (const message of this.#queue.splice(0, able)) {
      createHash("sha256").update(WORK).update(message).digest();
    }
  }

  #arrive(count: number): void {
    for (let left = Math.round(count); left > 0; left--) {
      this.#queue.push(Buffer.alloc(MESSAGE_BYTES, left & 255));
    }
  }
}

await runProgram((frame) => new QueueConsumer(frame));
