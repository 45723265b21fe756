import { RepriseError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { TableRow } from "./table-row.js";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = 0xfeff;

export interface TableFormat {
  /** The name that errors carry. */
  readonly file: string;
  readonly separator: ";" | ",";
  /** Names in order. The first line must hold exactly these, blanks around them apart. */
  readonly columns: readonly string[];
}

/**
 * Cuts a byte stream into lines and fields without a string a line. Lines may be split over chunks
 * anywhere; the rows are the same.
 *
 * Goals: bounded memory (one line is carried over at most), errors that name file, line and field.
 * Non-goals: quoted fields, which no trace read here has.
 */
export class TableParser {
  readonly #format: TableFormat;
  readonly #onRow: (row: TableRow) => void;
  readonly #row: TableRow;
  readonly #separator: number;
  #carry: Uint8Array = new Uint8Array(0);
  #line = 0;

  /** `onRow` gets one and the same object each time; it is valid until the call returns. */
  constructor(format: TableFormat, onRow: (row: TableRow) => void) {
    this.#format = format;
    this.#onRow = onRow;
    this.#separator = format.separator.charCodeAt(0);
    this.#row = new TableRow(format.file, format.columns);
  }

  /** @throws ERR_TRACE_FORMAT */
  push(chunk: Uint8Array): void {
    let start = 0;
    if (this.#carry.byteLength > 0) {
      const first = chunk.indexOf(NEWLINE);
      const end = first < 0 ? chunk.byteLength : first;
      this.#checkLength(this.#carry.byteLength + end);
      const joined = Buffer.concat([this.#carry, chunk.subarray(0, end)]);
      this.#carry = joined;
      if (first < 0) return;
      this.#carry = new Uint8Array(0);
      this.#takeLine(joined, 0, joined.byteLength);
      start = first + 1;
    }
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#takeLine(chunk, start, end);
      start = end + 1;
    }
    this.#checkLength(chunk.byteLength - start);
    this.#carry = chunk.slice(start);
  }

  /** The last line needs no line break. @throws ERR_TRACE_FORMAT also when there was no header */
  end(): void {
    const rest = this.#carry;
    this.#carry = new Uint8Array(0);
    if (rest.byteLength > 0) this.#takeLine(rest, 0, rest.byteLength);
    if (this.#line === 0) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the file is empty", {
        file: this.#format.file,
        line: 1,
        got: "",
        expected: this.#format.columns.join(this.#format.separator),
      });
    }
  }

  #takeLine(bytes: Uint8Array, start: number, end: number): void {
    this.#checkLength(end - start);
    this.#line++;
    const stop = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (this.#line === 1) this.#checkHeader(bytes.subarray(start, stop));
    else if (stop > start) {
      this.#row.split({ bytes, start, end: stop, separator: this.#separator, line: this.#line });
      this.#onRow(this.#row);
    }
  }

  #checkHeader(bytes: Uint8Array): void {
    let text = Buffer.from(bytes).toString("utf8");
    if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
    const names = text.split(this.#format.separator).map((name) => name.trim());
    const { columns } = this.#format;
    const wrong = columns.findIndex((name, index) => names[index] !== name);
    if (wrong < 0 && names.length === columns.length) return;
    const field = wrong < 0 ? columns.length : wrong;
    throw new RepriseError("ERR_TRACE_FORMAT", "the header has other columns", {
      file: this.#format.file,
      line: 1,
      field: `${field + 1}`,
      got: names[field] ?? "no such column",
      expected: columns[field] === undefined ? "no further column" : `"${columns[field]}"`,
    });
  }

  #checkLength(bytes: number): void {
    if (bytes <= LIMITS.traceLineBytesMax) return;
    throw new RepriseError("ERR_TRACE_FORMAT", "the line is too long", {
      file: this.#format.file,
      line: this.#line + 1,
      got: bytes,
      expected: `at most ${LIMITS.traceLineBytesMax} bytes`,
    });
  }
}
