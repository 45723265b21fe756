/** One turn of the loop: what comes in, what its effects leave behind. */
import type { Grant } from "../allocator/types.js";
import type { DecisionRecord } from "../ledger/records.js";
import { type CheckTally, newTally } from "./checks.js";
import type { Effect } from "./state.js";

/** That an instance is back, and since when. */
export interface Restart {
  readonly instanceId: string;
  readonly timeMs: number;
}

/** The grant of one of many that are back, or why it got none. */
export type Granting = { readonly grant: Grant } | { readonly error: unknown };

/** What came of a turn. */
export interface Decided {
  readonly decisions: readonly DecisionRecord[];
  readonly grantings: ReadonlyMap<string, Granting>;
}

/** What the effects of one turn leave behind for its caller. */
export interface Turn {
  readonly decisions: DecisionRecord[];
  readonly grantings: Map<string, Granting>;
  readonly engineFailures: string[];
  readonly tally: CheckTally;
  expiredCount: number;
}

export type BookEffect = Extract<Effect, { readonly kind: "decide" | "finish" | "grant" }>;
export type GrantEffect = Extract<Effect, { readonly kind: "grant" }>;

export function isOfBooks(effect: Effect): effect is BookEffect {
  return effect.kind === "decide" || effect.kind === "finish" || effect.kind === "grant";
}

export function isFinish({ kind }: Effect): boolean {
  return kind === "finish";
}

export function newTurn(): Turn {
  return {
    decisions: [],
    grantings: new Map(),
    engineFailures: [],
    tally: newTally(),
    expiredCount: 0,
  };
}

export function metCycle({ candidates }: DecisionRecord): boolean {
  return candidates.some(({ excludedBy }) => excludedBy === "DISPLACEMENT_CYCLE");
}
