import { TableSource, type TraceInput } from "../text/table-source.js";

/** A restart that was recognised in a VM's series. */
export interface RecognisedRestart {
  readonly vm: string;
  /** The rule that recognised it: `power_on`, `cold`, ... */
  readonly kind: string;
  /** First sample after it, seconds since 1970; the restart lies in the 300 s before. */
  readonly sampleSeconds: number;
}

const COLUMNS = [
  "vm",
  "kind",
  "event_ts",
  "off_s",
  "granted_ratio",
  "pre_cpu_pct_med2h",
  "pre_mem_kb_med2h",
  "pre_disk_read_med2h",
  "post_cpu_pct_max15m",
  "post_mem_kb_max15m",
  "post_disk_read_max15m",
] as const;

/** Reads the list of recognised restarts that lies beside the series (`events.csv`). */
export function readRestarts(input: TraceInput): TableSource<RecognisedRestart> {
  return new TableSource(input, {
    columns: COLUMNS,
    reader: () => (row) => {
      const sampleSeconds = row.number(2);
      if (!Number.isFinite(sampleSeconds)) return row.refuse(2, "a time in seconds");
      return { vm: row.text(0), kind: row.text(1), sampleSeconds };
    },
  });
}
