import { isRepriseError } from "../lib/errors.js";
import type { SampleSource, SourceEvent } from "../sources/sample.js";
import type { Profiler } from "./profiler.js";

export interface FeedOptions {
  /** Ticks as soon as this many samples wait; a last tick takes the rest. */
  readonly samplesPerTick: number;
}

export interface FeedReport {
  readonly eventCount: number;
  readonly sampleCount: number;
  readonly tickCount: number;
  /** Events that were left out, by reason: drop reasons of samples, error codes of the others. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** Errors that mean a bad event, not a broken profiler: counted, and the stream goes on. */
const EVENT_ERRORS: ReadonlySet<string> = new Set([
  "ERR_UNKNOWN_ID",
  "ERR_STATE",
  "ERR_ARGUMENT",
  "ERR_LIMIT",
]);

/**
 * Runs a source through a profiler to its end.
 *
 * @throws what the source throws on a bad file, and what `tick` throws
 */
export async function feed(
  profiler: Profiler,
  source: SampleSource,
  options: FeedOptions,
): Promise<FeedReport> {
  const dropped = new Map<string, number>();
  let eventCount = 0;
  let sampleCount = 0;
  let tickCount = 0;
  for await (const event of source) {
    eventCount++;
    const reason = apply(profiler, event);
    if (reason !== undefined) dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
    else if (event.kind === "sample") sampleCount++;
    if (profiler.pendingSampleCount < options.samplesPerTick) continue;
    await profiler.tick();
    tickCount++;
  }
  if (profiler.pendingSampleCount > 0) {
    await profiler.tick();
    tickCount++;
  }
  return { eventCount, sampleCount, tickCount, dropped };
}

/** @returns why the event was left out */
function apply(profiler: Profiler, event: SourceEvent): string | undefined {
  try {
    switch (event.kind) {
      case "sample": {
        const answer = profiler.offer(event.sample);
        return answer === "accepted" ? undefined : answer;
      }
      case "registered":
        profiler.register(event.registration);
        return undefined;
      case "stopped":
        profiler.stopped(event.instanceId, event.timeMs, event.cause);
        return undefined;
      case "restarted":
        profiler.restarted(event.instanceId, event.timeMs);
        return undefined;
    }
  } catch (error) {
    if (isRepriseError(error) && EVENT_ERRORS.has(error.code)) return error.code;
    throw error;
  }
}
