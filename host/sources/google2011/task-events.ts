import type { TableRow } from "../text/table-row.js";
import { TableSource, type TraceInput } from "../text/table-source.js";
import { TraceTime } from "./trace-time.js";

export const TASK_EVENT_COLUMNS = [
  "time",
  "missing info",
  "job ID",
  "task index",
  "machine ID",
  "event type",
  "user",
  "scheduling class",
  "priority",
  "CPU request",
  "memory request",
  "disk space request",
  "different machines restriction",
] as const;

/** In the order of the trace's codes 0 to 8. */
export const TASK_EVENT_KINDS = [
  "submit",
  "schedule",
  "evict",
  "fail",
  "finish",
  "kill",
  "lost",
  "update-pending",
  "update-running",
] as const;
export type TaskEventKind = (typeof TASK_EVENT_KINDS)[number];

export interface TaskEvent {
  readonly kind: TaskEventKind;
  /** Since the zero of the trace, which begins at 600 s; 0 is before it. */
  readonly timeMs: number;
  /** Job and index: survives an eviction. */
  readonly taskId: string;
  readonly machineId: string | null;
  /** 0 (free) to 11 (monitoring). */
  readonly priority: number;
  /** Fractions of the largest machine; absent where the trace says nothing. */
  readonly cpuRequest?: number;
  readonly memoryRequest?: number;
  readonly diskRequest?: number;
}

/** Reads a part of the task_events table of Google's clusterdata-2011-2, with a header line. */
export function readTaskEvents(input: TraceInput): TableSource<TaskEvent> {
  return new TableSource(input, { columns: TASK_EVENT_COLUMNS, reader: taskEventReader });
}

function taskEventReader(): (row: TableRow) => TaskEvent | string {
  const time = new TraceTime();
  return (row) => {
    const kind = TASK_EVENT_KINDS[requireNumber(row, 5, "an event type from 0 to 8")];
    if (kind === undefined) return row.refuse(5, "an event type from 0 to 8");
    const job = requireText(row, 2, "a job id");
    const taskId = `${job}/${requireText(row, 3, "a task index")}`;
    const priority = requireNumber(row, 8, "a priority");
    const requests = [9, 10, 11].map((field) => request(row, field));
    const bad = requests.find((value) => typeof value === "string");
    if (typeof bad === "string") return bad;
    if (priority < 0) return "negative";
    const late = time.take(row, `${taskId} ${kind}`);
    if (typeof late === "string") return late;
    const [cpuRequest, memoryRequest, diskRequest] = requests as (number | undefined)[];
    return {
      kind,
      timeMs: late,
      taskId,
      machineId: row.isEmpty(4) ? null : row.text(4),
      priority,
      ...(cpuRequest === undefined ? {} : { cpuRequest }),
      ...(memoryRequest === undefined ? {} : { memoryRequest }),
      ...(diskRequest === undefined ? {} : { diskRequest }),
    };
  };
}

/** A share of the largest machine. */
export function request(row: TableRow, field: number): number | undefined | string {
  if (row.isEmpty(field)) return undefined;
  const value = row.number(field);
  if (Number.isNaN(value)) return "nan";
  if (value < 0) return "negative";
  return value > 1 ? "absurd" : value;
}

export function requireNumber(row: TableRow, field: number, expected: string): number {
  const value = row.number(field);
  return Number.isFinite(value) ? value : row.refuse(field, expected);
}

export function requireText(row: TableRow, field: number, expected: string): string {
  const text = row.text(field);
  return text === "" ? row.refuse(field, expected) : text;
}
