/**
 * Which ended leases leave the ledger: those whose last day is longer ago than the retention time.
 * A tick looks at a bounded number of them, the next one goes on where it stopped.
 */
import type { Ledger } from "../ledger/ledger.js";
import type { ReservationRecord } from "../ledger/records.js";
import { LEASE_RETENTION_MS, PRUNED_A_TICK } from "./policy.js";
import { PHASES_MS } from "./timeline.js";

/** From this time on nobody asks for the lease any more. */
function forgottenMs({ claimedMs, expiresMs }: ReservationRecord): number {
  const lastMs = claimedMs === undefined ? expiresMs : claimedMs + PHASES_MS;
  return lastMs + LEASE_RETENTION_MS;
}

export class Retention {
  readonly #ledger: Ledger;
  #from = "";

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Keys of the leases to forget, of the next few in order. */
  due(nowMs: number): string[] {
    const due: string[] = [];
    const range = { limit: PRUNED_A_TICK, ...(this.#from === "" ? {} : { from: this.#from }) };
    let last = "";
    let count = 0;
    for (const [key, record] of this.#ledger.entries("reservation", range)) {
      last = key;
      count++;
      const live = record.state === "held" || record.state === "claimed";
      if (!live && forgottenMs(record) <= nowMs) due.push(key);
    }
    this.#from = count < PRUNED_A_TICK ? "" : last;
    return due;
  }
}
