import type { TableRow } from "../text/table-row.js";
import { TableSource, type TraceInput } from "../text/table-source.js";
import { request, requireText } from "./task-events.js";
import { TraceTime } from "./trace-time.js";

export const MACHINE_EVENT_COLUMNS = [
  "time",
  "machine ID",
  "event type",
  "platform ID",
  "CPUs",
  "Memory",
] as const;

export const MACHINE_EVENT_KINDS = ["add", "remove", "update"] as const;

/** A change of the cluster's capacity. */
export interface MachineEvent {
  readonly kind: (typeof MACHINE_EVENT_KINDS)[number];
  /** Since the zero of the trace; 0 is before it. */
  readonly timeMs: number;
  readonly machineId: string;
  /** Shares of the largest machine; absent where the trace says nothing. */
  readonly cpu?: number;
  readonly memory?: number;
}

/** Reads the machine_events table of Google's clusterdata-2011-2, with a header line. */
export function readMachineEvents(input: TraceInput): TableSource<MachineEvent> {
  return new TableSource(input, { columns: MACHINE_EVENT_COLUMNS, reader: machineEventReader });
}

function machineEventReader(): (row: TableRow) => MachineEvent | string {
  const time = new TraceTime();
  return (row) => {
    const kind = MACHINE_EVENT_KINDS[row.number(2)];
    if (kind === undefined) return row.refuse(2, "an event type from 0 to 2");
    const machineId = requireText(row, 1, "a machine id");
    const cpu = request(row, 4);
    const memory = request(row, 5);
    if (typeof cpu === "string") return cpu;
    if (typeof memory === "string") return memory;
    const timeMs = time.take(row, `${machineId} ${kind}`);
    if (typeof timeMs === "string") return timeMs;
    return {
      kind,
      timeMs,
      machineId,
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
    };
  };
}
