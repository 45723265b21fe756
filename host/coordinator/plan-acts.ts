/** The acts of a plan, by id: shrinks first, and interruptions only when every shrink was done. */
import type { PlanRecord } from "../ledger/records.js";

interface Progress {
  readonly record: PlanRecord;
  readonly refusedActs: readonly string[];
}

const SHRINK = "shrink";
const INTERRUPT = "interrupt";

export function shrinkActId(planId: string, donorId: string): string {
  return `${planId}/${SHRINK}/${donorId}`;
}

export function interruptActId(planId: string, instanceId: string): string {
  return `${planId}/${INTERRUPT}/${instanceId}`;
}

/** The instance that an interruption's act id names; undefined for other acts. */
export function victimOfAct(actId: string): string | undefined {
  const [, kind, ...rest] = actId.split("/");
  return kind === INTERRUPT ? rest.join("/") : undefined;
}

export function donorOfAct(actId: string): string | undefined {
  const [, kind, ...rest] = actId.split("/");
  return kind === SHRINK ? rest.join("/") : undefined;
}

/** What is to be sent now; empty when every act has its answer or a refused shrink ended it. */
export function nextActIds({ record, refusedActs }: Progress): string[] {
  const answered = new Set([...record.confirmedActs, ...refusedActs]);
  const shrinks = record.shrinks.map(({ donorId }) => shrinkActId(record.planId, donorId));
  if (shrinks.some((actId) => refusedActs.includes(actId))) return [];
  const open = shrinks.filter((actId) => !answered.has(actId));
  if (open.length > 0) return open;
  return record.victims
    .map((instanceId) => interruptActId(record.planId, instanceId))
    .filter((actId) => !answered.has(actId));
}

/** Nobody was told to stop yet: neighbours are still shrinking. */
export function isStillShrinking(plan: Progress): boolean {
  return nextActIds(plan).some((actId) => donorOfAct(actId) !== undefined);
}

/** Acts without an answer. */
export function unansweredActs({ record, refusedActs }: Progress): string[] {
  const all = [
    ...record.shrinks.map(({ donorId }) => shrinkActId(record.planId, donorId)),
    ...record.victims.map((instanceId) => interruptActId(record.planId, instanceId)),
  ];
  const answered = new Set([...record.confirmedActs, ...refusedActs]);
  return all.filter((actId) => !answered.has(actId));
}

/** Whether all of it happened. */
export function isPlanCarriedOut({ record, refusedActs }: Progress): boolean {
  return refusedActs.length === 0 && nextActIds({ record, refusedActs }).length === 0;
}
