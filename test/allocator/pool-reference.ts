/** A pool's amounts with everybody added up anew at every moment: what the sweep is compared with. */
import { ABOVE_MAX, type PoolDraws } from "../../host/allocator/pool-draws.js";
import { type PoolPart, poolPart } from "../../host/allocator/pool-part.js";
import type { LeaseOnNode } from "../../host/allocator/pooling.js";
import { drawQuantileReference } from "../../host/allocator/reference-pool.js";
import { type Steps, sumSteps } from "../../host/allocator/timeline.js";

export function pooledReference(draws: PoolDraws, leases: readonly LeaseOnNode[]): Steps {
  const plain = sumSteps(leases.map(({ steps }) => steps));
  const parts = leases.map(({ lease, base }) => poolPart(lease, base));
  if (parts.length < 2) return plain;
  const slots = draws.draw(parts.map(({ member }) => member));
  const amounts = plain.amounts.map((amount, at) => {
    const time = plain.times[Math.floor(at / 4)] ?? 0;
    return amount - savingAt(parts, { draws, slots }, { time, r: at % 4 });
  });
  return { times: plain.times, amounts };
}

function savingAt(
  parts: readonly PoolPart[],
  { draws, slots }: { draws: PoolDraws; slots: readonly number[] },
  { time, r }: { time: number; r: number },
): number {
  const under = parts.flatMap(({ times, shares }, member) => {
    const index = times.filter((each) => each <= time).length - 1;
    const share = shares[index]?.[r];
    return share === undefined ? [] : [{ share, slot: slots[member] ?? 0 }];
  });
  if (under.length < 2) return 0;
  const whole = under.reduce((sum, { share }) => sum + share.whole, 0);
  const medians = under.reduce((sum, { share }) => sum + share.median, 0);
  const low = medians + Math.max(...under.map(({ share }) => share.whole - share.median));
  if (low >= whole) return 0;
  const rows = under.map(({ share, slot }) =>
    share.columns.map((column) => draws.row(slot, column)),
  );
  const sums = Array.from(rows[0]?.[0] ?? [], (_, draw) =>
    rows.reduce((sum, each) => sum + Math.max(...each.map((row) => row[draw] ?? 0)), 0),
  );
  return whole - drawQuantileReference(sums, ABOVE_MAX, low, whole);
}
