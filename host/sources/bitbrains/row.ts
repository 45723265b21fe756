import type { TableRow } from "../text/table-row.js";

/** The header of GWA-T-12, whose "ms" are seconds in truth. */
export const BITBRAINS_COLUMNS = [
  "Timestamp [ms]",
  "CPU cores",
  "CPU capacity provisioned [MHZ]",
  "CPU usage [MHZ]",
  "CPU usage [%]",
  "Memory capacity provisioned [KB]",
  "Memory usage [KB]",
  "Disk read throughput [KB/s]",
  "Disk write throughput [KB/s]",
  "Network received throughput [KB/s]",
  "Network transmitted throughput [KB/s]",
] as const;

const KIB_PER_GIB = 1_048_576;

/** One line in our units. A value that the trace has not is NaN. */
export interface BitbrainsRow {
  readonly timeMs: number;
  /** False when the VM has no capacity, that is, is switched off. */
  readonly on: boolean;
  /** Mean over the interval that ended at `timeMs`, cores; NaN when off. */
  readonly cpuCores: number;
  readonly memoryGiB: number;
  /** Received + transmitted. */
  readonly networkMbps: number;
  /** Read + written. */
  readonly diskMBps: number;
  /** Cores provisioned. */
  readonly cores: number;
  /** Memory granted so far by the hypervisor; grows after a power cycle. */
  readonly memoryCapacityGiB: number;
}

export type RowDrop = "nan" | "negative" | "absurd" | "backwards" | "duplicate";

/** A VM with more than this is a damaged line. */
const CORES_MAX = 65_536;
const MEMORY_KIB_MAX = 1_048_576 * KIB_PER_GIB;
const RATE_KIB_MAX = 1e9;
const MHZ_MAX = CORES_MAX * 10_000;
const SECONDS_MAX = 253_402_300_799;
/** One damaged time must not make every later sample look late. */
const FORWARD_SECONDS_MAX = 400 * 86_400;

const FIELD_MAX = [
  SECONDS_MAX,
  CORES_MAX,
  MHZ_MAX,
  MHZ_MAX,
  Infinity,
  MEMORY_KIB_MAX,
  MEMORY_KIB_MAX,
  RATE_KIB_MAX,
  RATE_KIB_MAX,
  RATE_KIB_MAX,
  RATE_KIB_MAX,
];
const PERCENT_FIELD = 4;

/**
 * Reads one line; a string says why its sample is of no use.
 *
 * @param lastMs time of the sample kept before, NaN at the start
 * @throws ERR_TRACE_FORMAT when the line is no line of this format
 */
export function readBitbrainsRow(row: TableRow, lastMs: number): BitbrainsRow | RowDrop {
  const values = new Float64Array(BITBRAINS_COLUMNS.length);
  let drop: RowDrop | null = null;
  for (let field = 0; field < values.length; field++) {
    const value = row.number(field);
    values[field] = value;
    drop ??= judge(row, field, value);
  }
  const timeMs = Math.round((values[0] ?? Number.NaN) * 1000);
  drop ??= judgeTime(timeMs, lastMs);
  const read = convert(timeMs, values);
  // A capacity of next to nothing makes any usage endless.
  return drop ?? (read.cpuCores > CORES_MAX ? "absurd" : read);
}

function judge(row: TableRow, field: number, value: number): RowDrop | null {
  if (Number.isNaN(value)) {
    if (!row.isEmpty(field)) return "nan";
    // An empty value is missing; a line without a time is no sample at all.
    return field === 0 ? row.refuse(field, "a time in seconds") : null;
  }
  if (value < 0) return "negative";
  if (field === PERCENT_FIELD) return null;
  return value > (FIELD_MAX[field] ?? 0) ? "absurd" : null;
}

function judgeTime(timeMs: number, lastMs: number): RowDrop | null {
  if (Number.isNaN(lastMs) || timeMs > lastMs) {
    return timeMs - lastMs > FORWARD_SECONDS_MAX * 1000 ? "absurd" : null;
  }
  return timeMs === lastMs ? "duplicate" : "backwards";
}

function convert(timeMs: number, values: Float64Array): BitbrainsRow {
  const at = (field: number): number => values[field] ?? Number.NaN;
  const cores = at(1);
  const capacityMhz = at(2);
  return {
    timeMs,
    // A capacity that is missing says nothing; only a zero says that the VM is off.
    on: capacityMhz !== 0 && cores !== 0,
    cpuCores: capacityMhz > 0 && cores > 0 ? at(3) / (capacityMhz / cores) : Number.NaN,
    memoryGiB: at(6) / KIB_PER_GIB,
    networkMbps: ((at(9) + at(10)) * 8) / 1000,
    diskMBps: (at(7) + at(8)) / 1000,
    cores,
    memoryCapacityGiB: at(5) / KIB_PER_GIB,
  };
}
