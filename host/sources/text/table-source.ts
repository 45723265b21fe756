import { RepriseError } from "../../lib/errors.js";
import { TableParser } from "./table-parser.js";
import type { TableRow } from "./table-row.js";
import { type ByteChunks, inflateTrace, openTraceBytes } from "./trace-bytes.js";

/** Turns lines into things; a string is the reason why a line is left out. */
export type RowReader<T extends object> = (row: TableRow) => T | string;

export interface TableSourceOptions<T extends object> {
  readonly columns: readonly string[];
  readonly separator?: ";" | ",";
  /** Made anew for each pass, so that it may keep what it has seen. */
  readonly reader: () => RowReader<T>;
}

/** Where a trace's bytes are: a file's name, or bytes at hand and the name errors carry. */
export type TraceInput = string | { readonly name: string; readonly chunks: ByteChunks };

/** @throws ERR_ARGUMENT when it is neither */
export function traceName(input: TraceInput): string {
  if (typeof input === "string" ? input === "" : typeof input?.name !== "string") {
    throw new RepriseError("ERR_ARGUMENT", "there is no trace to read", {
      field: "input",
      got: input,
      expected: "a file's name, or { name, chunks }",
    });
  }
  return typeof input === "string" ? input : input.name;
}

export function traceBytes(input: TraceInput): AsyncIterable<Uint8Array> {
  return typeof input === "string" ? openTraceBytes(input) : inflateTrace(input.chunks, input.name);
}

/** A trace of one thing a line, streamed. Bad lines are counted in `dropped` and left out. */
export class TableSource<T extends object> implements AsyncIterable<T> {
  readonly name: string;
  readonly dropped = new Map<string, number>();
  readonly #input: TraceInput;
  readonly #options: TableSourceOptions<T>;

  constructor(input: TraceInput, options: TableSourceOptions<T>) {
    this.name = traceName(input);
    this.#input = input;
    this.#options = options;
  }

  /** One array a chunk of the file. @throws ERR_TRACE_FORMAT */
  async *batches(): AsyncGenerator<readonly T[]> {
    this.dropped.clear();
    let batch: T[] = [];
    const read = this.#options.reader();
    const { columns, separator = "," } = this.#options;
    const parser = new TableParser({ file: this.name, separator, columns }, (row) => {
      const found = read(row);
      if (typeof found === "string") this.dropped.set(found, (this.dropped.get(found) ?? 0) + 1);
      else batch.push(found);
    });
    for await (const chunk of traceBytes(this.#input)) {
      parser.push(chunk);
      if (batch.length > 0) yield batch;
      batch = [];
    }
    parser.end();
    if (batch.length > 0) yield batch;
  }

  /** One by one. @throws ERR_TRACE_FORMAT */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const batch of this.batches()) yield* batch;
  }
}
