import { readFile } from "node:fs/promises";
import { RepriseError } from "../../lib/errors.js";

/** How many instances a spot cluster held from a time on. */
export interface NodeCount {
  /** Since the trace's first line. */
  readonly timeMs: number;
  readonly available: number;
}

export interface NodeCounts {
  /** In time order, changes only, one a time. */
  readonly counts: readonly NodeCount[];
  /** From the first line to the last. */
  readonly lengthMs: number;
}

const HOUR_MS = 3_600_000;
/** More than any trace holds; larger numbers are damage. */
const AVAILABLE_MAX = 1_000_000;
const BYTES_MAX = 16_000_000;
/** `milliseconds,add|remove,node` */
const CHANGE = /^(\d+),(add|remove),(\S+)$/;
/** `yyyy-mm-dd, hh:mm:ss, instances` */
const CLOCKED = /^(\d{4}-\d{2}-\d{2}), (\d{2}:\d{2}:\d{2}), (\d+)$/;
/** `seconds,instances`, or with a fraction `hours,instances` */
const TIMED = /^(\d+(?:\.\d+)?),(\d+)$/;

/**
 * Reads a trace of the Bamboo project (NSDI 2023), in whichever of its three forms: nodes added and
 * removed, a count a minute by the clock, a count before and after each change. A minute that the
 * clock repeats keeps its first count.
 *
 * @throws ERR_TRACE_FORMAT naming the line
 */
export async function readNodeCounts(file: string): Promise<NodeCounts> {
  const bytes = await readFile(file);
  if (bytes.byteLength > BYTES_MAX) {
    const details = { file, got: bytes.byteLength, expected: `at most ${BYTES_MAX} bytes` };
    throw new RepriseError("ERR_TRACE_FORMAT", "the trace is too long", details);
  }
  const lines = bytes.toString("utf8").split(/\r?\n/);
  const inHours = lines.some((line) => /^\d+\.\d+,/.test(line));
  const nodes = new Set<string>();
  const seen: NodeCount[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    const count = readLine(line.trim(), { inHours, nodes });
    if (count === null || count.available > AVAILABLE_MAX) {
      const expected = "milliseconds,add|remove,node or date, time, count or time,count";
      const details = { file, line: index + 1, got: line.slice(0, 80), expected };
      throw new RepriseError("ERR_TRACE_FORMAT", "no line of a node trace", details);
    }
    // The clock of one trace steps back now and then: what it says again is passed over.
    if (count.timeMs >= (seen.at(-1)?.timeMs ?? 0)) seen.push(count);
  });
  const first = seen[0];
  const last = seen.at(-1);
  if (first === undefined || last === undefined) {
    throw new RepriseError("ERR_TRACE_FORMAT", "the trace is empty", { file });
  }
  return { counts: changesOnly(seen, first.timeMs), lengthMs: last.timeMs - first.timeMs };
}

function readLine(
  line: string,
  state: { readonly inHours: boolean; readonly nodes: Set<string> },
): NodeCount | null {
  const [, changeMs, change, node] = CHANGE.exec(line) ?? [];
  if (node !== undefined) {
    if (change === "add") state.nodes.add(node);
    else state.nodes.delete(node);
    return { timeMs: Number(changeMs), available: state.nodes.size };
  }
  const [, date, time, held] = CLOCKED.exec(line) ?? [];
  if (held !== undefined) {
    const timeMs = Date.parse(`${date}T${time}Z`);
    return Number.isNaN(timeMs) ? null : { timeMs, available: Number(held) };
  }
  const [, since, count] = TIMED.exec(line) ?? [];
  if (count === undefined) return null;
  const timeMs = Math.round(Number(since) * (state.inHours ? HOUR_MS : 1000));
  return { timeMs, available: Number(count) };
}

/** The last count of each time, where it differs from the one before. */
function changesOnly(seen: readonly NodeCount[], fromMs: number): NodeCount[] {
  const settled = seen.filter(({ timeMs }, index) => seen[index + 1]?.timeMs !== timeMs);
  return settled
    .filter(({ available }, index) => settled[index - 1]?.available !== available)
    .map(({ timeMs, available }) => ({ timeMs: timeMs - fromMs, available }));
}
