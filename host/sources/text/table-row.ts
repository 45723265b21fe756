import { RepriseError } from "../../lib/errors.js";

const ZERO = 48;
const NINE = 57;
const POINT = 46;
/** Up to 15 digits and 10^22 are exact in float64, so one division rounds as parsing would. */
const EXACT_DIGITS_MAX = 15;
const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DIGITS_MAX + 1 }, (_, i) => 10 ** i);
/** Each digit can be read in one way only, or 60 kB of them before a letter take seconds. */
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;

export interface RowSpan {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly separator: number;
  readonly line: number;
}

/** One line of a table, cut into fields that are read on demand. */
export class TableRow {
  readonly #file: string;
  readonly #columns: readonly string[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #line = 0;

  constructor(file: string, columns: readonly string[]) {
    this.#file = file;
    this.#columns = columns;
    this.#starts = new Int32Array(columns.length);
    this.#ends = new Int32Array(columns.length);
  }

  get line(): number {
    return this.#line;
  }

  /** @throws ERR_TRACE_FORMAT when the line has more or fewer fields than the header */
  split(span: RowSpan): void {
    const { bytes, start, end, separator } = span;
    const count = this.#columns.length;
    this.#bytes = bytes;
    this.#line = span.line;
    let field = 0;
    let from = start;
    for (let at = start; at < end; at++) {
      if (bytes[at] !== separator) continue;
      if (field < count) {
        this.#starts[field] = from;
        this.#ends[field] = at;
      }
      field++;
      from = at + 1;
    }
    if (field !== count - 1) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the line has a wrong number of fields", {
        file: this.#file,
        line: span.line,
        got: field + 1,
        expected: `${count}`,
      });
    }
    this.#starts[field] = from;
    this.#ends[field] = end;
  }

  /** The field's text without blanks around it. */
  text(field: number): string {
    const start = this.#starts[field] ?? 0;
    const end = this.#ends[field] ?? 0;
    return Buffer.from(this.#bytes.subarray(start, end)).toString("utf8").trim();
  }

  isEmpty(field: number): boolean {
    return this.#starts[field] === this.#ends[field] || this.text(field) === "";
  }

  /**
   * The field as a number; NaN for an empty field and for one that says so, infinite likewise.
   * @throws ERR_TRACE_FORMAT when it is other text
   */
  number(field: number): number {
    const bytes = this.#bytes;
    const start = this.#starts[field] ?? 0;
    const end = this.#ends[field] ?? 0;
    if (end === start) return Number.NaN;
    let digits = 0;
    let scale = -1;
    let value = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte >= ZERO && byte <= NINE) {
        value = value * 10 + (byte - ZERO);
        digits++;
        if (scale >= 0) scale++;
      } else if (byte === POINT && scale < 0 && digits > 0) scale = 0;
      else return this.#slowNumber(field);
    }
    if (digits > EXACT_DIGITS_MAX) return this.#slowNumber(field);
    return scale <= 0 ? value : value / (POWERS_OF_TEN[scale] ?? 1);
  }

  /** @throws ERR_TRACE_FORMAT always; for values that are numbers and still make no sense */
  refuse(field: number, expected: string): never {
    throw new RepriseError("ERR_TRACE_FORMAT", "the field cannot be used", {
      file: this.#file,
      line: this.#line,
      field: this.#columns[field] ?? `${field + 1}`,
      got: this.text(field),
      expected,
    });
  }

  #slowNumber(field: number): number {
    const text = this.text(field);
    if (text === "" || text.toLowerCase() === "nan") return Number.NaN;
    if (INFINITE.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
    if (!DECIMAL.test(text)) return this.refuse(field, "a number");
    return Number(text);
  }
}
