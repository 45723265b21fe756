/** Why a request was not met, or not met whole, in words and stable codes. */
import { RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import type { Reason, ReasonCode } from "../ledger/records.js";
import type { Exclusion } from "./candidates.js";
import type { Cover } from "./cover.js";
import type { Placement, Unplaced } from "./placement.js";
import { peakOverPhases } from "./rooms.js";

const NO_ROOM_CODES: readonly ReasonCode[] = [
  "NO_ROOM_CPU",
  "NO_ROOM_MEMORY",
  "NO_ROOM_NETWORK",
  "NO_ROOM_DISK",
];

export function noRoomReasons({ candidate, missing, availability }: Unplaced): Reason[] {
  const id = candidate.input.instanceId;
  const peaks = peakOverPhases(missing);
  const reasons: Reason[] = [];
  for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
    const amount = peaks[resource] ?? 0;
    if (amount <= 0) continue;
    const text = `the restart of ${id} lacks ${amount} of ${RESOURCES[resource]}`;
    reasons.push({ code: NO_ROOM_CODES[resource] ?? "NO_ROOM_CPU", text, missing: [...missing] });
  }
  if (reasons.length > 0) return reasons;
  const text = `the restart of ${id} can be placed with a chance of only ${availability}`;
  return [{ code: "NO_ROOM_CPU", text, missing: [...missing] }];
}

export function shortfallReasons(placements: readonly Placement[]): Reason[] {
  return placements
    .filter(({ missing }) => missing.some((amount) => amount > 0))
    .map(({ candidate, missing }) => ({
      code: "FORCED_SHORTFALL",
      text: `${candidate.input.instanceId} restarts with ${unitText(peakOverPhases(missing))} less`,
      missing,
    }));
}

export function uncoveredReason(code: ReasonCode, left: readonly number[]): Reason {
  return {
    code,
    text: `${unitText(left)} cannot be freed`,
    missing: left.flatMap((amount) => [amount, amount, amount]),
  };
}

/** Of a forced plan that does not free all; with who will go for what is left. */
export function shortfallReason({ left, evicted = [] }: Cover): Reason {
  const reason = uncoveredReason("FORCED_SHORTFALL", left);
  if (evicted.length === 0) return reason;
  return { ...reason, text: `${reason.text}, which evicts ${evicted.join(", ")}` };
}

export function exclusionReasons(exclusions: readonly Exclusion[]): Reason[] {
  const byCode = new Map<ReasonCode, Exclusion[]>();
  for (const exclusion of exclusions) {
    byCode.set(exclusion.code, [...(byCode.get(exclusion.code) ?? []), exclusion]);
  }
  return [...byCode].map(([code, all]) => {
    const first = `${all[0]?.input.instanceId} ${all[0]?.text}`;
    return { code, text: all.length === 1 ? first : `${first}, and ${all.length - 1} more` };
  });
}

export function budgetReason(groups: readonly string[]): Reason {
  return { code: "GROUP_BUDGET", text: `as many are down as may be: ${groups.join(", ")}` };
}

export function firstOfEachCode(reasons: readonly Reason[]): Reason[] {
  const seen = new Set<ReasonCode>();
  return reasons.filter(({ code }) => !seen.has(code) && seen.add(code));
}

function unitText(amounts: readonly number[]): string {
  const parts = amounts.flatMap((amount, resource) =>
    amount > 0 ? [`${amount} ${RESOURCES[resource]}`] : [],
  );
  return parts.length === 0 ? "nothing" : parts.join(", ");
}
