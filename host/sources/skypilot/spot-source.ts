import { RepriseError } from "../../lib/errors.js";
import { type TraceInput, traceBytes, traceName } from "../text/table-source.js";
import { JsonTokens } from "./json-tokens.js";
import { type JsonScalar, JsonWalker } from "./json-walker.js";

/** The number of instances that could be held changed. */
export interface CapacityChange {
  readonly kind: "capacity";
  /** Since the trace's first tick. */
  readonly timeMs: number;
  readonly available: number;
  /** Against the tick before; the first one counts from zero. A fall is a loss. */
  readonly change: number;
}

/** More than any trace asks for; larger numbers are damage. */
const AVAILABLE_MAX = 1_000_000;
const GAP_SECONDS_MAX = 86_400;

/** Reads a SkyPilot spot trace, `{"metadata":{"gap_seconds":s},"data":[n,...]}`, plain or gzip. */
export function readSpotTrace(input: TraceInput): SpotSource {
  return new SpotSource(input);
}

/**
 * Yields changes only. Bad ticks are counted, left out, and keep their place in time. Members other
 * than the two are passed over; the gap must precede the data, else ticks would have no time.
 */
export class SpotSource implements AsyncIterable<CapacityChange> {
  readonly name: string;
  readonly dropped = new Map<string, number>();
  readonly #input: TraceInput;
  #gapSeconds = Number.NaN;
  #tickCount = 0;
  #held = 0;
  #changes: CapacityChange[] = [];

  constructor(input: TraceInput) {
    this.name = traceName(input);
    this.#input = input;
  }

  /** Seconds between ticks; NaN until it was read. */
  get gapSeconds(): number {
    return this.#gapSeconds;
  }

  /** Ticks read so far, the bad ones too. */
  get tickCount(): number {
    return this.#tickCount;
  }

  /** @throws ERR_TRACE_FORMAT */
  async *[Symbol.asyncIterator](): AsyncGenerator<CapacityChange> {
    this.dropped.clear();
    this.#gapSeconds = Number.NaN;
    this.#tickCount = 0;
    this.#held = 0;
    const walker = new JsonWalker(this.name, (scalar) => this.#take(scalar));
    const tokens = new JsonTokens(this.name, (token) => walker.take(token));
    for await (const chunk of traceBytes(this.#input)) {
      tokens.push(chunk);
      yield* this.#drain();
    }
    tokens.end();
    yield* this.#drain();
    walker.end(tokens.line);
    if (this.#tickCount === 0) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the trace has no ticks", {
        file: this.name,
        field: "data",
      });
    }
  }

  #drain(): CapacityChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #take(scalar: JsonScalar): void {
    if (scalar.path === "metadata.gap_seconds") this.#takeGap(scalar);
    else if (scalar.path === "data[]") this.#takeTick(scalar);
    else if (scalar.path === "metadata" || scalar.path === "data" || scalar.path === "") {
      this.#refuse(scalar, '{"metadata":{"gap_seconds":s},"data":[n,...]}');
    }
  }

  #takeGap(scalar: JsonScalar): void {
    const gap = scalar.kind === "word" ? Number(scalar.text) : Number.NaN;
    if (!(gap > 0 && gap <= GAP_SECONDS_MAX)) this.#refuse(scalar, "a positive number of seconds");
    if (this.#tickCount > 0) this.#refuse(scalar, "the gap before the data");
    this.#gapSeconds = gap;
  }

  #takeTick(scalar: JsonScalar): void {
    const { kind, text } = scalar;
    if (kind !== "word" || text === "true" || text === "false") this.#refuse(scalar, "a number");
    if (Number.isNaN(this.#gapSeconds))
      this.#refuse(scalar, "metadata.gap_seconds before the data");
    const tick = this.#tickCount++;
    const available = text === "null" ? Number.NaN : Number(text);
    const reason = judge(available);
    if (reason !== null) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    else if (available !== this.#held || tick === 0) {
      const timeMs = tick * this.#gapSeconds * 1000;
      this.#changes.push({ kind: "capacity", timeMs, available, change: available - this.#held });
      this.#held = available;
    }
  }

  #refuse(scalar: JsonScalar, expected: string): never {
    throw new RepriseError("ERR_TRACE_FORMAT", "the trace has another shape", {
      file: this.name,
      line: scalar.line,
      field: scalar.path === "" ? "document" : scalar.path,
      got: scalar.text,
      expected,
    });
  }
}

function judge(value: number): string | null {
  if (Number.isNaN(value)) return "nan";
  if (value < 0) return "negative";
  return Number.isInteger(value) && value <= AVAILABLE_MAX ? null : "absurd";
}
