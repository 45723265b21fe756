/**
 * What a node's leases hold together: the quantile of the sum of what they may need, not the sum
 * of their quantiles.
 *
 * At any moment the leases that are under way then are drawn together. The result is never more
 * than the plain sum, never less than the largest lease whole beside the medians of the others, and
 * one more lease adds at most its own amount and takes nothing away. So what was promised stays
 * promised, whoever comes and goes. What donors gave is held whole: it can always be given back.
 */
import { needColumn, PHASE_COUNT, QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import { POOLED_MEMBERS_MAX } from "./policy.js";
import { type DrawnMember, PoolDraws } from "./pool-draws.js";
import { givenTotal, leaseWindows, type Steps, sumSteps, type Window } from "./timeline.js";

export interface LeaseOnNode {
  readonly lease: ReservationRecord;
  /** What it holds alone. */
  readonly steps: Steps;
  /** What its instance holds on the same node already. */
  readonly base: readonly number[] | undefined;
}

interface Drawn {
  readonly windows: readonly Window[];
  readonly member: DrawnMember;
}

/** Largest amounts under way of one lease beyond its shift, and the addresses of their draws. */
interface Share {
  readonly whole: number;
  readonly median: number;
  readonly rows: readonly number[];
}

export class Pooling {
  readonly #draws: PoolDraws;

  constructor(module: WebAssembly.Module) {
    this.#draws = new PoolDraws(module);
  }

  sum(leases: readonly LeaseOnNode[]): Steps {
    const plain = sumSteps(leases.map(({ steps }) => steps));
    const drawn = leases
      .filter(({ lease }) => lease.quantiles !== undefined)
      .sort((a, b) => (a.lease.reservationId < b.lease.reservationId ? -1 : 1))
      .slice(0, POOLED_MEMBERS_MAX)
      .map(drawnOf);
    if (drawn.length < 2) return plain;
    const slots = this.#draws.draw(drawn.map(({ member }) => member));
    const amounts = Float64Array.from(plain.amounts);
    plain.times.forEach((time, index) => {
      for (let r = 0; r < RESOURCE_COUNT; r++) {
        const at = index * RESOURCE_COUNT + r;
        const shares = drawn.flatMap((each, m) => shareAt(each, slots[m] ?? 0, time, r));
        amounts[at] = (plain.amounts[at] ?? 0) - this.#saving(shares);
      }
    });
    return { times: plain.times, amounts };
  }

  /** By how much the leases together need less than one by one. */
  #saving(shares: readonly Share[]): number {
    if (shares.length < 2) return 0;
    let whole = 0;
    let medians = 0;
    let gap = 0;
    for (const share of shares) {
      whole += share.whole;
      medians += share.median;
      gap = Math.max(gap, share.whole - share.median);
    }
    const low = medians + gap;
    if (low >= whole) return 0;
    const rows = shares.flatMap((share) => share.rows);
    return whole - this.#draws.quantile(rows, low, whole);
  }
}

function drawnOf({ lease, base }: LeaseOnNode): Drawn {
  const promised = lease.state === "held" ? lease.freedForOwner : undefined;
  const shift = givenTotal(lease).map(
    (given, r) => given + Math.min(base?.[r] ?? 0, promised?.[r] ?? 0),
  );
  return {
    windows: leaseWindows(lease),
    member: {
      quantiles: lease.quantiles ?? [],
      amounts: lease.amounts,
      shift,
      groupId: lease.groupId,
      causeId: lease.planId ?? lease.reservationId,
      number: numberOf(lease.reservationId),
    },
  };
}

/** The counter in a lease's id. */
function numberOf(reservationId: string): number {
  const digits = Number(reservationId.slice(reservationId.lastIndexOf("-") + 1));
  return Number.isSafeInteger(digits) ? digits : 0;
}

function shareAt({ windows, member }: Drawn, slot: number, time: number, r: number): Share[] {
  const shift = member.shift[r] ?? 0;
  const columns: number[] = [];
  let whole = 0;
  let median = 0;
  windows.forEach((window, phase) => {
    if (time < window.fromMs || time >= window.toMs) return;
    const column = needColumn(r, phase);
    const amount = member.amounts[column] ?? 0;
    const middle = Math.min(amount, member.quantiles[column * QUANTILE_COUNT] ?? 0);
    whole = Math.max(whole, amount - shift);
    median = Math.max(median, middle - shift);
    columns.push(column);
  });
  const [first = 0] = columns;
  if (whole <= 0) return [];
  while (columns.length < PHASE_COUNT) columns.push(first);
  return [{ whole, median, rows: columns.map((column) => PoolDraws.rowOf(slot, column)) }];
}
