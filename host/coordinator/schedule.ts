/**
 * From a deadline to one schedule: when each victim has its checkpoint written, when it is stopped,
 * and when its room is handed over, all before the deadline.
 *
 * Checkpoints of one node are written one after another, because they share its disk; stops go on
 * side by side. Everything is as early as it can be, since restarts wait for it. When the notice is
 * too short for all checkpoints those go without that lose least by it; when it is too short to
 * stop in good order the victim is stopped at the deadline all the same, and what it lacked is said.
 */
import type { Reason, VictimSchedule } from "../ledger/records.js";

export interface NoticedVictim {
  readonly instanceId: string;
  readonly nodeId: string;
  /** Core-hours that a checkpoint saves. */
  readonly lostCoreHours: number;
  /** Time to write a checkpoint, ms; undefined when it writes none. */
  readonly checkpointMs?: number;
  /** Time to stop in good order once it is told to, ms. */
  readonly stopMs: number;
}

export interface Notice {
  readonly nowMs: number;
  readonly deadlineMs: number;
  /** Time between the stop of a victim and whoever takes its room, ms. */
  readonly handOverMs: number;
}

/** In the order of the victims. Times are whole ms. */
export function scheduleNotice(
  victims: readonly NoticedVictim[],
  notice: Notice,
): VictimSchedule[] {
  const written = new Map<string, { readonly fromMs: number; readonly byMs: number }>();
  for (const nodeId of new Set(victims.map((each) => each.nodeId))) {
    const here = victims.filter((each) => each.nodeId === nodeId);
    let startMs = notice.nowMs;
    for (const victim of withCheckpoint(here, notice)) {
      const byMs = startMs + (victim.checkpointMs ?? 0);
      written.set(victim.instanceId, { fromMs: startMs, byMs });
      startMs = byMs;
    }
  }
  return victims.map((victim) => scheduleOne(victim, notice, written.get(victim.instanceId)));
}

/** What of the notice was too short, for the record; empty when nothing was. */
export function noticeReasons(schedule: readonly VictimSchedule[]): Reason[] {
  return schedule
    .filter(({ lackMs, skipsCheckpoint }) => lackMs > 0 || skipsCheckpoint)
    .map(({ instanceId, lackMs, skipsCheckpoint }) => {
      const parts = [
        ...(skipsCheckpoint ? ["has no time for its checkpoint"] : []),
        ...(lackMs > 0 ? [`lacks ${lackMs} ms to stop in good order`] : []),
      ];
      return { code: "NOTICE_TOO_SHORT", text: `${instanceId} ${parts.join(" and ")}` };
    });
}

function scheduleOne(
  victim: NoticedVictim,
  { nowMs, deadlineMs, handOverMs }: Notice,
  written: { readonly fromMs: number; readonly byMs: number } | undefined,
): VictimSchedule {
  const { instanceId, checkpointMs, stopMs } = victim;
  const wishedMs = (written?.byMs ?? nowMs) + stopMs;
  const lastMs = Math.max(nowMs, deadlineMs - handOverMs);
  const stopByMs = Math.min(wishedMs, lastMs);
  return {
    instanceId,
    ...(written === undefined
      ? {}
      : { checkpointFromMs: written.fromMs, checkpointByMs: written.byMs }),
    stopByMs,
    handOverByMs: Math.max(nowMs, Math.min(stopByMs + handOverMs, deadlineMs)),
    lackMs: wishedMs - stopByMs,
    skipsCheckpoint: checkpointMs !== undefined && written === undefined,
  };
}

/**
 * Those of a node that write a checkpoint, in the order in which they do: who has to be done first
 * first. Taken in by what a checkpoint saves a second, as long as all taken in are still in time.
 */
function withCheckpoint(here: readonly NoticedVictim[], notice: Notice): NoticedVictim[] {
  const wishing = here.filter(({ checkpointMs }) => checkpointMs !== undefined);
  wishing.sort((a, b) => worthOf(b) - worthOf(a) || (a.instanceId < b.instanceId ? -1 : 1));
  let taken: NoticedVictim[] = [];
  for (const victim of wishing) {
    const next = [...taken, victim].sort(
      (a, b) => b.stopMs - a.stopMs || (a.instanceId < b.instanceId ? -1 : 1),
    );
    if (allInTime(next, notice)) taken = next;
  }
  return taken;
}

function worthOf({ lostCoreHours, checkpointMs = 0 }: NoticedVictim): number {
  return lostCoreHours / Math.max(1, checkpointMs);
}

function allInTime(
  order: readonly NoticedVictim[],
  { nowMs, deadlineMs, handOverMs }: Notice,
): boolean {
  let byMs = nowMs;
  return order.every(({ checkpointMs = 0, stopMs }) => {
    byMs += checkpointMs;
    return byMs + stopMs + handOverMs <= deadlineMs;
  });
}
