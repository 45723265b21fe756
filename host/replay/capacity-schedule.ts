import { RepriseError } from "../lib/errors.js";
import { readNodeCounts } from "../sources/bamboo/node-counts.js";
import { readSpotTrace } from "../sources/skypilot/spot-source.js";
import { drawFrom } from "./draw.js";
import type { CapacityEvent } from "./scenario.js";

const MINUTE_MS = 60_000;
/** How early a loss is announced: spot notices, maintenance windows. */
const NOTICE_MINUTES = [2, 10, 30] as const;

export interface ScheduleOptions {
  readonly zoneId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
}

interface Level {
  readonly timeMs: number;
  readonly available: number;
}

/**
 * Turns a spot trace into losses and returns of a zone's spot capacity. The replay begins where the
 * trace first holds all that was asked for, and the trace starts over when it is shorter.
 *
 * @throws ERR_TRACE_FORMAT
 */
export async function scheduleCapacity(
  file: string,
  options: ScheduleOptions,
): Promise<CapacityEvent[]> {
  const { levels, lengthMs } = await readLevels(file);
  const full = Math.max(...levels.map((level) => level.available));
  const first = levels.findIndex((level) => level.available === full);
  if (!(full > 0) || first < 0) {
    throw new RepriseError("ERR_TRACE_FORMAT", "the trace never holds an instance", { file });
  }
  const startMs = levels[first]?.timeMs ?? 0;
  const cycle = [...levels.slice(first), ...levels.slice(0, first)].map(
    ({ timeMs, available }) => ({
      timeMs: timeMs < startMs ? timeMs - startMs + lengthMs : timeMs - startMs,
      available,
    }),
  );
  return unroll(cycle, { ...options, full, lengthMs });
}

/** SkyPilot's traces are JSON, Bamboo's are lines. */
async function readLevels(
  file: string,
): Promise<{ readonly levels: readonly Level[]; readonly lengthMs: number }> {
  if (!/\.json(\.gz)?$/.test(file)) {
    const { counts, lengthMs } = await readNodeCounts(file);
    return { levels: counts, lengthMs };
  }
  const source = readSpotTrace(file);
  const levels: Level[] = [];
  for await (const { timeMs, available } of source) levels.push({ timeMs, available });
  return { levels, lengthMs: source.tickCount * source.gapSeconds * 1000 };
}

function unroll(
  cycle: readonly Level[],
  options: ScheduleOptions & { readonly full: number; readonly lengthMs: number },
): CapacityEvent[] {
  const { zoneId, fromMs, toMs, seed, full, lengthMs } = options;
  const events: CapacityEvent[] = [];
  let held = full;
  for (let round = 0; fromMs + round * lengthMs < toMs; round++) {
    for (const level of cycle) {
      const timeMs = fromMs + round * lengthMs + level.timeMs;
      if (timeMs >= toMs || level.available === held) continue;
      const fraction = (level.available - held) / full;
      held = level.available;
      const minutes = drawFrom(seed, `notice ${zoneId} ${timeMs}`, NOTICE_MINUTES);
      const noticeMs = fraction < 0 ? Math.max(fromMs, timeMs - minutes * MINUTE_MS) : timeMs;
      events.push({ timeMs, zoneId, fraction, noticeMs });
    }
  }
  return events.sort((a, b) => a.noticeMs - b.noticeMs || a.timeMs - b.timeMs);
}
