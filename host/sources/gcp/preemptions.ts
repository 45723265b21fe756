import type { TableRow } from "../text/table-row.js";
import { TableSource, type TraceInput } from "../text/table-source.js";

export const PREEMPTION_COLUMNS = [
  "name",
  "zone",
  "machine_type",
  "preemptible",
  "insert_time",
  "insert_start_time",
  "insert_end_time",
  "stop_time",
  "stop_end_time",
  "preempted_time",
  "end_kind",
  "time_in_sec",
  "day_of_week",
  "hr_of_day",
  "idle_vs_nonidle",
] as const;

/** The life of one preemptible VM. */
export interface VmLife {
  readonly name: string;
  readonly zone: string;
  readonly machineType: string;
  /** When its creation began and ended. */
  readonly insertedMs: number;
  readonly runningMs: number;
  /** When it was preempted, or its owner's stop began. */
  readonly endedMs: number;
  /** `stop` is a censored life: the owner ended it. */
  readonly endKind: "preempted" | "stop";
  /** How long the stop took; absent for a preemption. */
  readonly stopSeconds?: number;
  readonly lifeSeconds: number;
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Reads the flattened goog-preemption-data table. Lives come in the file's order, not in time. */
export function readPreemptions(input: TraceInput): TableSource<VmLife> {
  return new TableSource(input, { columns: PREEMPTION_COLUMNS, reader: lifeReader });
}

function lifeReader(): (row: TableRow) => VmLife | string {
  const seen = new Set<string>();
  return (row) => {
    const name = row.text(0);
    if (name === "") return row.refuse(0, "a name");
    const endKind = row.text(10);
    if (endKind !== "preempted" && endKind !== "stop") {
      return row.refuse(10, '"preempted" or "stop"');
    }
    const insertedMs = time(row, 5);
    const runningMs = time(row, 6);
    const endedMs = time(row, endKind === "stop" ? 7 : 9);
    const lifeSeconds = row.number(11);
    if (Number.isNaN(insertedMs + runningMs + endedMs + lifeSeconds)) return "missing";
    if (lifeSeconds < 0) return "negative";
    if (lifeSeconds === Infinity || insertedMs < 0) return "absurd";
    if (runningMs < insertedMs || endedMs < insertedMs) return "backwards";
    const stopEndMs = endKind === "stop" ? time(row, 8) : Number.NaN;
    if (stopEndMs < endedMs) return "backwards";
    if (seen.has(`${name} ${insertedMs}`)) return "duplicate";
    seen.add(`${name} ${insertedMs}`);
    return {
      name,
      zone: row.text(1),
      machineType: row.text(2),
      insertedMs,
      runningMs,
      endedMs,
      endKind,
      ...(Number.isNaN(stopEndMs) ? {} : { stopSeconds: (stopEndMs - endedMs) / 1000 }),
      lifeSeconds,
    };
  };
}

/** NaN for an empty field. */
function time(row: TableRow, field: number): number {
  const text = row.text(field);
  if (text === "") return Number.NaN;
  const value = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(value) ? row.refuse(field, "an ISO time with its offset") : value;
}
