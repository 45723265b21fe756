import { RESOURCES } from "../../core/abi.js";
import { RepriseError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { ResourceAmounts, Sample, SampleSource, SourceEvent } from "../sample.js";
import { type TraceInput, traceBytes, traceName } from "../text/table-source.js";

/**
 * Recorded samples, one JSON object a line, plain or gzip; any number of instances in one file:
 *
 *     {"instanceId":"web-1","timeMs":1767225600000,"cpuCores":1.2,"memoryGiB":3.1,"disk":0.4}
 *     {"kind":"limits","instanceId":"web-1","timeMs":1767225600000,"limits":{"cpu":4},"jobType":"a"}
 *     {"kind":"restarted","instanceId":"web-1","timeMs":1767312000000}
 *
 * A line without `kind` is a sample; its fields are those of `Sample`, absent means missing. Samples
 * of an instance come in time order. A sample out of order, or with a value that is negative or no
 * number, is counted in `dropped` and left out; a line that is no such object is an error.
 */
export class SampleLines implements SampleSource {
  readonly name: string;
  readonly dropped = new Map<string, number>();
  readonly #input: TraceInput;

  constructor(input: TraceInput) {
    this.name = traceName(input);
    this.#input = input;
  }

  /** @throws ERR_TRACE_FORMAT naming the line */
  async *[Symbol.asyncIterator](): AsyncGenerator<SourceEvent> {
    this.dropped.clear();
    const lastMs = new Map<string, number>();
    let line = 0;
    for await (const text of linesOf(this.#input, this.name)) {
      line += 1;
      if (text.trim() === "") continue;
      const event = toEvent(text, { file: this.name, line });
      if (event.kind !== "sample") {
        yield event;
        continue;
      }
      const { instanceId, timeMs } = event.sample;
      const isLate = timeMs <= (lastMs.get(instanceId) ?? 0);
      const reason = isLate ? "out-of-order" : badValue(event.sample);
      if (reason === undefined) {
        lastMs.set(instanceId, timeMs);
        yield event;
      } else this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    }
  }
}

async function* linesOf(input: TraceInput, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of traceBytes(input)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LIMITS.traceLineBytesMax) {
      throw new RepriseError("ERR_TRACE_FORMAT", "the line is too long", {
        file,
        got: rest.length,
        expected: `at most ${LIMITS.traceLineBytesMax} bytes`,
      });
    }
    yield* lines;
  }
  if (rest !== "") yield rest;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

function toEvent(text: string, place: Place): SourceEvent {
  const given = parseObject(text, place);
  const { instanceId, timeMs, kind = "sample" } = given;
  if (typeof instanceId !== "string" || instanceId === "") {
    refuse(place, "instanceId", instanceId, "a name");
  }
  if (typeof timeMs !== "number" || !(timeMs > 0 && timeMs < Number.POSITIVE_INFINITY)) {
    refuse(place, "timeMs", timeMs, "milliseconds since 1970");
  }
  if (kind === "sample") {
    const { kind: _, ...sample } = given;
    return { kind: "sample", sample: { ...sample, instanceId, timeMs } as Sample };
  }
  if (kind === "restarted") return { kind, instanceId, timeMs };
  if (kind !== "limits") refuse(place, "kind", kind, "sample, limits or restarted");
  const limits = readLimits(given.limits, place);
  const unplaced = { groupId: "recorded", nodeId: "unplaced", priority: 0, interruptible: true };
  const { jobType } = given;
  if (jobType !== undefined && typeof jobType !== "string") {
    refuse(place, "jobType", jobType, "a name, or nothing");
  }
  const type = jobType === undefined ? {} : { jobType };
  return { kind: "registered", registration: { ...unplaced, ...type, instanceId, limits }, timeMs };
}

function parseObject(text: string, place: Place): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse(place, undefined, text, "one JSON object a line");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  return refuse(place, undefined, text, "one JSON object a line");
}

function readLimits(given: unknown, place: Place): ResourceAmounts {
  const limits = (given ?? {}) as Readonly<Record<string, unknown>>;
  for (const resource of RESOURCES) {
    const value = limits[resource];
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    refuse(place, `limits.${resource}`, value, "an amount from 0, or nothing");
  }
  return limits;
}

const VALUES = [
  "cpuCores",
  "memoryGiB",
  "networkMbps",
  "disk",
  "cpuPeakCores",
  "connections",
  "sinceLaunchSeconds",
] as const;

function badValue(sample: Sample): string | undefined {
  const cores: unknown = sample.perCoreCores ?? [];
  if (!Array.isArray(cores)) return "not-a-number";
  for (const value of [...VALUES.map((name): unknown => sample[name]), ...cores]) {
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isFinite(value)) return "not-a-number";
    if (value < 0) return "negative";
  }
  return undefined;
}

function refuse(place: Place, field: string | undefined, got: unknown, expected: string): never {
  throw new RepriseError("ERR_TRACE_FORMAT", "the line is no recorded sample", {
    ...place,
    ...(field === undefined ? {} : { field }),
    got,
    expected,
  });
}
