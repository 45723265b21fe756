/** One number that somebody else's metrics say, whatever protocol it came by. */
export interface MetricPoint {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly timeMs: number;
  readonly value: number;
  /** Of a sum that starts anew with each point: since when it counts. */
  readonly sinceMs?: number;
}

/** A series with more labels is nobody's. */
export const LABELS_MAX = 128;
