/** From a request that is due to a decision in the books. */
import type { Reason } from "../ledger/records.js";
import { type ErrorCode, isRepriseError } from "../lib/errors.js";
import { type Committed, commitPlan, commitVerdict } from "./commit-plan.js";
import { decide, type Verdict } from "./decision.js";
import { donorsFor } from "./donor-limit.js";
import { booksFor, failedInputs, gather } from "./gather.js";
import { owedBy, withLessRoom } from "./less-room.js";
import type { CoordinatorContext } from "./ports.js";
import type { CoordinatorState, PendingRequest } from "./state.js";

/** How often a plan is made anew because the allocator found less room than the planner. */
const REFUSALS_MAX = 8;

/** Of the ledger or of broken books: then no request may be decided, and nobody be granted room. */
const STOPPING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "ERR_LEDGER",
  "ERR_LEDGER_FOREIGN",
  "ERR_FENCED",
  "ERR_INVARIANT",
]);

interface Pending {
  readonly sequence: number;
  readonly pending: PendingRequest;
}

/**
 * One request's trouble is its own: it is deferred with the reason, and the others go on.
 *
 * @throws what stops everybody (`isStopping`)
 */
export function weighAndCommit(
  context: CoordinatorContext,
  state: CoordinatorState,
  so: Pending,
): Committed {
  try {
    return weighed(context, state, so);
  } catch (error) {
    if (isStopping(error)) throw error;
    const verdict = decide(failedInputs(context, so.pending, error), () => []);
    return commitVerdict(context, verdict, so);
  }
}

/** Whether the trouble is not of one request or restart alone. */
export function isStopping(error: unknown): boolean {
  return isRepriseError(error) && STOPPING_CODES.has(error.code);
}

/**
 * A plan that the allocator has no room for is made again with that much less room on the node
 * where it lacked: the planner counts what a victim's lease holds alone, the allocator what it
 * held beside others and what its donors take back.
 */
function weighed(context: CoordinatorContext, state: CoordinatorState, so: Pending): Committed {
  const ask = donorsFor(context, so.pending.request);
  let inputs = gather(context, state, so.pending);
  const books = booksFor(context, inputs);
  for (let refusals = 0; ; refusals++) {
    const verdict: Verdict = decide(inputs, ask, books);
    if (verdict.kind !== "proceed") return commitVerdict(context, verdict, so);
    try {
      return commitPlan(context, verdict, so);
    } catch (error) {
      const allocatorRefusal = refusalOf(error);
      if (allocatorRefusal === undefined) throw error;
      const owed = refusals < REFUSALS_MAX ? owedBy(error) : undefined;
      inputs =
        owed === undefined
          ? { ...inputs, allocatorRefusal }
          : withLessRoom(inputs, owed, 2 ** refusals);
    }
  }
}

/** The allocator's word against a plan; anything else is not for the decision to swallow. */
function refusalOf(error: unknown): Reason | undefined {
  if (!isRepriseError(error)) return undefined;
  const { code, message } = error;
  if (code !== "ERR_NO_ROOM" && code !== "ERR_STATE" && code !== "ERR_UNKNOWN_ID") {
    return undefined;
  }
  return { code: "ALLOCATOR_REFUSED", text: `${code} ${message}` };
}
