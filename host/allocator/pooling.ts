/**
 * What a node's leases hold together: the quantile of the sum of what they may need, not the sum
 * of their quantiles.
 *
 * At any moment the leases that are under way then are drawn together. The result is never more
 * than the plain sum, never less than the largest lease whole beside the medians of the others, and
 * one more lease adds at most its own amount and takes nothing away. So what was promised stays
 * promised, whoever comes and goes. What donors gave is held whole: it can always be given back.
 *
 * The sums of the draws are carried along the time axis (`pool-sweep.ts`); a lease's part in them
 * is worked out once.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { POOLED_MEMBERS_MAX } from "./policy.js";
import { PoolDraws } from "./pool-draws.js";
import { type PoolPart, poolPart } from "./pool-part.js";
import { PoolSweep } from "./pool-sweep.js";
import { type Steps, sumSteps } from "./timeline.js";

export interface LeaseOnNode {
  readonly lease: ReservationRecord;
  /** What it holds alone. */
  readonly steps: Steps;
  /** What its instance holds on the same node already. */
  readonly base: readonly number[] | undefined;
}

interface Known {
  readonly base: readonly number[] | undefined;
  readonly part: PoolPart;
}

export class Pooling {
  readonly #draws: PoolDraws;
  /** Of records, which are never changed; a lease that changes has a new one. */
  readonly #parts = new WeakMap<ReservationRecord, Known>();

  constructor(module: WebAssembly.Module) {
    this.#draws = new PoolDraws(module);
  }

  /** `plain`: the sum of what they hold one by one, where it is known already. */
  sum(leases: readonly LeaseOnNode[], plain = sumSteps(leases.map(({ steps }) => steps))): Steps {
    const parts = leases
      .filter(({ lease }) => lease.quantiles !== undefined)
      .sort((a, b) => (a.lease.reservationId < b.lease.reservationId ? -1 : 1))
      .slice(0, POOLED_MEMBERS_MAX)
      .map((each) => this.#partOf(each));
    if (parts.length < 2) return plain;
    const sweep = new PoolSweep(this.#draws, parts);
    const amounts = Float64Array.from(plain.amounts);
    plain.times.forEach((time, index) => {
      const savings = sweep.savingsAt(time);
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        const at = index * RESOURCE_COUNT + r;
        amounts[at] = (plain.amounts[at] ?? 0) - (savings[r] ?? 0);
      }
    });
    return { times: plain.times, amounts };
  }

  #partOf({ lease, base }: LeaseOnNode): PoolPart {
    const known = this.#parts.get(lease);
    if (known !== undefined && known.base === base) return known.part;
    const part = poolPart(lease, base);
    this.#parts.set(lease, { base, part });
    return part;
  }
}
