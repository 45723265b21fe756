/**
 * A shrink counts only once the engine has read back that the donor may really use less: the room is
 * promised to somebody else from then on.
 */
import type { ResourceAllocator } from "../allocator/types.js";
import type { Act, ActOutcome } from "../engines/engine.js";

/** Amounts are multiples of 2^-10; an engine may round to a page or a quota. */
const TOLERANCE = 2 ** -10;

/** The outcomes, those of shrinks judged; donors that did not shrink are not asked again soon. */
export function judgeShrinks(
  allocator: ResourceAllocator,
  acts: readonly Act[],
  outcomes: readonly ActOutcome[],
): ActOutcome[] {
  const judged = seenShrinks(acts, outcomes);
  for (const donorId of refusedDonors(acts, judged)) allocator.donorRefused(donorId);
  return judged;
}

/** Each shrink that is confirmed and did not happen is refused. */
export function seenShrinks(acts: readonly Act[], outcomes: readonly ActOutcome[]): ActOutcome[] {
  const shrinks = new Map(acts.flatMap((act) => (act.kind === "shrink" ? [[act.actId, act]] : [])));
  return outcomes.map((outcome) => {
    const act = shrinks.get(outcome.actId);
    if (act === undefined || outcome.status !== "confirmed") return outcome;
    const { held } = outcome;
    const isAbove = held?.some((amount, r) => amount > (act.target[r] ?? 0) + TOLERANCE) ?? true;
    if (!isAbove) return outcome;
    const got = held === undefined ? "nothing was read back" : `it may use ${held.join(", ")}`;
    const reason = `${act.instanceId} is to hold ${act.target.join(", ")}, ${got}`;
    return { actId: outcome.actId, status: "refused", reason };
  });
}

/** Donors that did not shrink. */
function refusedDonors(acts: readonly Act[], outcomes: readonly ActOutcome[]): string[] {
  const refused = new Set(
    outcomes.filter(({ status }) => status === "refused").map(({ actId }) => actId),
  );
  return acts.flatMap(({ kind, actId, instanceId }) =>
    kind === "shrink" && refused.has(actId) ? [instanceId] : [],
  );
}
