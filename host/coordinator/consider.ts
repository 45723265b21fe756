/** What would be decided now: nothing is written, queued or held. */
import type { DecisionRecord } from "../ledger/records.js";
import { decide, decisionRecord } from "./decision.js";
import { donorsFor } from "./donor-limit.js";
import { booksFor, gather } from "./gather.js";
import type { CoordinatorContext } from "./ports.js";
import type { CoordinatorState } from "./state.js";
import type { ConsiderOptions, CoordinatorRequest } from "./types.js";

export function considered(
  { isPinned: _anybody, ...context }: CoordinatorContext,
  state: CoordinatorState,
  so: ConsiderOptions & { readonly request: CoordinatorRequest },
): DecisionRecord {
  const { clock } = context;
  const { request, isPinned, shrink = true } = so;
  const pending = { request, attempts: 0, dueMs: clock.nowMs() };
  const inputs = gather({ ...context, ...(isPinned && { isPinned }) }, state, pending);
  const verdict = decide(
    inputs,
    shrink ? donorsFor(context, request) : () => [],
    booksFor(context, inputs),
  );
  return decisionRecord(verdict, { decisionId: `considered-${request.requestId}`, isDry: true });
}
