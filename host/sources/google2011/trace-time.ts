import type { TableRow } from "../text/table-row.js";

const MICROSECONDS_PER_MS = 1000;
/** The trace writes 2^63 - 1 for what happened after its end. */
const AFTER_THE_TRACE = 2 ** 63;

/** Reads the first field of Google's tables and refuses times that run backwards and repeats. */
export class TraceTime {
  #last = 0;
  readonly #seenNow = new Set<string>();

  /**
   * Time in ms, or why the line is of no use.
   * @param key what may happen once at one time
   * @throws ERR_TRACE_FORMAT when there is no time
   */
  take(row: TableRow, key: string): number | string {
    if (row.isEmpty(0)) return row.refuse(0, "a time in microseconds");
    const time = row.number(0);
    if (Number.isNaN(time)) return "nan";
    if (time < 0) return "negative";
    if (time === AFTER_THE_TRACE) return "after-the-trace";
    if (time > Number.MAX_SAFE_INTEGER) return "absurd";
    if (time < this.#last) return "backwards";
    if (time > this.#last) this.#seenNow.clear();
    if (this.#seenNow.has(key)) return "duplicate";
    this.#seenNow.add(key);
    this.#last = time;
    return time / MICROSECONDS_PER_MS;
  }
}
