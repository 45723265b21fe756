/** Idle but for a job every 15 minutes; one that fell into the outage is made up for at the start. */
import { createHash } from "node:crypto";
import { type Frame, runProgram } from "./frame.js";

const EVERY_MINUTES = 15;
const JOB_MINUTES = 2;
const ROUNDS_A_MINUTE = 60;
const BLOCK = Buffer.alloc(256 * 1024, 5);

class IdleCron {
  #sinceMinutes: number;
  #workLeft = 0;
  #held: Buffer | undefined;

  constructor({ kept, outageMinutes }: Frame) {
    this.#sinceMinutes = (kept.since ?? 0) + outageMinutes;
  }

  step({ stepMinutes }: Frame): void {
    this.#sinceMinutes += stepMinutes;
    if (this.#sinceMinutes >= EVERY_MINUTES) {
      this.#sinceMinutes %= EVERY_MINUTES;
      this.#workLeft += JOB_MINUTES;
      this.#held = Buffer.alloc(16 * 1024 * 1024, 1);
    }
    if (this.#workLeft <= 0) {
      this.#held = undefined;
      return;
    }
    const rounds = Math.round(ROUNDS_A_MINUTE * Math.min(stepMinutes, this.#workLeft));
    for (let round = 0; round < rounds; round++) {
      createHash("sha256")
        .update(BLOCK)
        .update(this.#held?.subarray(0, 64) ?? "")
        .digest();
    }
    this.#workLeft -= stepMinutes;
  }

  save() {
    return { since: this.#sinceMinutes };
  }
}

await runProgram((frame) => new IdleCron(frame));
