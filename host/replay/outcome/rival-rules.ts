/** The orders in which other systems pick victims; the exact rules, without what they do not know. */
import { Prng } from "../../lib/prng.js";
import { addAmounts, fits } from "../capacity.js";
import { type Holder, zeros } from "../cluster-book.js";
import { draw } from "../draw.js";
import { compare } from "../layout.js";
import { takeUntilCovered, type VictimRule } from "../victim-rule.js";

/** Any of them, until it is enough. */
export const randomRule: VictimRule = ({ request, needed, holders, seed }) => {
  const prng = new Prng(Math.floor(draw(seed, `random ${request.requestId}`) * 2 ** 32));
  return takeUntilCovered(needed, prng.shuffle([...holders]));
};

/** Lowest priority first, in it whoever has run longest. */
export const fifoRule: VictimRule = ({ needed, holders }) =>
  takeUntilCovered(
    needed,
    sorted(holders, (a, b) => a.sinceMs - b.sinceMs),
  );

/**
 * Slurm's `preempt/qos`: lowest tier first, in it the smallest job; then one reordering
 * (`reorder_count` 1): the last that was taken goes first and the list is walked again.
 */
export const slurmRule: VictimRule = ({ needed, holders }) => {
  const size = ({ held }: Holder): number => held[0] ?? 0;
  const victims = takeUntilCovered(
    needed,
    sorted(holders, (a, b) => size(a) - size(b)),
  );
  const last = victims.at(-1);
  if (last === undefined) return victims;
  return takeUntilCovered(needed, [last, ...victims.slice(0, -1)]);
};

/** YARN's ProportionalCapacityPreemptionPolicy. */
const DEAD_ZONE = 0.1;
const ROUND_SHARE = 0.1;
const NATURAL_TERMINATION = 0.2;
/** It looks every three seconds, so twenty times in one of our turns. */
const ROUNDS_A_TURN = 20;

/**
 * The zone is a queue whose guarantee falls by the loss. Within the dead zone of 10 % nothing
 * happens; else .2 of the excess is asked for every three seconds, at most 10 % of the cluster a
 * round, latest application of the lowest priority first. What it asks for it gets in the same
 * minute (`max_wait_before_kill` 15 s).
 */
export const yarnRule: VictimRule = ({ request, needed, holders, book }) => {
  const zone = book
    .rooms(request.nodeIds)
    .reduce((sum, { capacity }) => addAmounts(sum, capacity), zeros());
  const cluster = book
    .rooms(book.nodeIds)
    .reduce((sum, { capacity }) => addAmounts(sum, capacity), zeros());
  const isIgnored = needed.every((amount, resource) => {
    const guarantee = (zone[resource] ?? 0) - (request.amounts[resource] ?? 0);
    return amount <= DEAD_ZONE * guarantee;
  });
  if (isIgnored) return [];
  const order = sorted(holders, (a, b) => b.sinceMs - a.sinceMs);
  const victims: Holder[] = [];
  let left = needed;
  for (let round = 0; round < ROUNDS_A_TURN && !fits(left, zeros()); round++) {
    const asked = left.map((amount, resource) =>
      Math.min(amount * NATURAL_TERMINATION, ROUND_SHARE * (cluster[resource] ?? 0)),
    );
    for (const holder of takeUntilCovered(asked, order.slice(victims.length))) {
      victims.push(holder);
      left = addAmounts(left, holder.held, -1);
    }
  }
  return victims;
};

/** Lowest priority first, then as told, then by name. */
function sorted(holders: readonly Holder[], within: (a: Holder, b: Holder) => number): Holder[] {
  return [...holders].sort(
    (a, b) =>
      a.instance.priority - b.instance.priority ||
      within(a, b) ||
      compare(a.instance.instanceId, b.instance.instanceId),
  );
}
