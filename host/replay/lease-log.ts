import { PHASE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import type { PolicyCounts } from "./policy.js";

const MINUTES_AN_HOUR = 60;

interface Watched {
  state: "held" | "used" | "unused";
  /** CPU kept for it so far, core-minutes. */
  coreMinutes: number;
}

/** Follows leases for restarts; room held for a requester is not one. */
export class LeaseLog {
  readonly #leases = new Map<string, Watched>();

  /** Looks at the live leases once a minute. */
  look(live: Iterable<ReservationRecord>, isRestart: (lease: ReservationRecord) => boolean): void {
    const seen = new Set<string>();
    for (const lease of live) {
      if (!isRestart(lease)) continue;
      seen.add(lease.reservationId);
      const watched = this.#watch(lease.reservationId);
      if (lease.state === "claimed") watched.state = "used";
      else if (lease.state === "held") {
        watched.coreMinutes += Math.max(0, ...lease.amounts.slice(0, PHASE_COUNT));
      }
    }
    for (const [reservationId, watched] of this.#leases) {
      if (watched.state === "held" && !seen.has(reservationId)) watched.state = "unused";
    }
  }

  /** It was claimed; a look between claim and end might be missing. */
  used(reservationId: string): void {
    this.#watch(reservationId).state = "used";
  }

  get counts(): PolicyCounts["reservations"] {
    const all = [...this.#leases.values()];
    const count = (state: Watched["state"]): number =>
      all.filter((watched) => watched.state === state).length;
    const unused = all
      .filter((watched) => watched.state === "unused")
      .reduce((sum, watched) => sum + watched.coreMinutes, 0);
    return {
      made: all.length,
      used: count("used"),
      unused: count("unused"),
      open: count("held"),
      unusedCoreHours: unused / MINUTES_AN_HOUR,
    };
  }

  #watch(reservationId: string): Watched {
    let watched = this.#leases.get(reservationId);
    if (watched === undefined) {
      watched = { state: "held", coreMinutes: 0 };
      this.#leases.set(reservationId, watched);
    }
    return watched;
  }
}
