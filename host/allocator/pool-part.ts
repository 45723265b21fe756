/** How one lease takes part in a pool: what of its draws counts from when on. */
import { needColumn, PHASE_COUNT, QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import type { ReservationRecord } from "../ledger/records.js";
import type { DrawnMember } from "./pool-draws.js";
import { givenTotal, leaseWindows, type Window } from "./timeline.js";

/** Of one resource, beyond the shift: the largest amounts under way, and whose draws count. */
export interface Share {
  readonly whole: number;
  readonly median: number;
  /** Columns of the need, `PHASE_COUNT` of them; one may be named more than once. */
  readonly columns: readonly number[];
}

export interface PoolPart {
  readonly member: DrawnMember;
  /** When a phase of the lease begins or ends, rising. */
  readonly times: readonly number[];
  /** From each of these times on, one a resource; undefined where it holds nothing. */
  readonly shares: readonly (readonly (Share | undefined)[])[];
}

/** `base`: what its instance holds on the same node already. */
export function poolPart(lease: ReservationRecord, base: readonly number[] | undefined): PoolPart {
  const promised = lease.state === "held" ? lease.freedForOwner : undefined;
  const shift = givenTotal(lease).map(
    (given, r) => given + Math.min(base?.[r] ?? 0, promised?.[r] ?? 0),
  );
  const member: DrawnMember = {
    quantiles: lease.quantiles ?? [],
    amounts: lease.amounts,
    shift,
    groupId: lease.groupId,
    causeId: lease.planId ?? lease.reservationId,
    number: numberOf(lease.reservationId),
  };
  const windows = leaseWindows(lease);
  const times = [...new Set(windows.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))]
    .filter((time) => time < Infinity)
    .sort((a, b) => a - b);
  const shares = times.map((time) =>
    Array.from({ length: RESOURCE_COUNT }, (_, r) => shareAt(member, windows, time, r)),
  );
  return { member, times, shares };
}

/** The counter in a lease's id. */
function numberOf(reservationId: string): number {
  const digits = Number(reservationId.slice(reservationId.lastIndexOf("-") + 1));
  return Number.isSafeInteger(digits) ? digits : 0;
}

function shareAt(
  member: DrawnMember,
  windows: readonly Window[],
  time: number,
  r: number,
): Share | undefined {
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
  if (whole <= 0) return undefined;
  while (columns.length < PHASE_COUNT) columns.push(first);
  return { whole, median, columns };
}
