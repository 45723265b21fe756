import { TILE_LANES } from "../../core/abi.js";
import type { RecognisedRestart } from "../../sources/bitbrains/restarts.js";
import type { Cut } from "./cuts.js";
import { firstAfter, type Series } from "./series.js";

/** A sample describes this long before it, and the restart lies in there, seconds. */
const INTERVAL_SECONDS = 300;

/**
 * Recognised restarts of a tile as cuts of one lane each: asked at the last sample before, for the
 * earliest moment of the restart. A restart without a sample before it cannot be asked about.
 */
export function restartCuts(
  series: readonly Series[],
  restarts: ReadonlyMap<string, readonly RecognisedRestart[]> | undefined,
): Cut[] {
  return series.flatMap((one, lane) =>
    (restarts?.get(one.name) ?? []).flatMap(({ kind, sampleSeconds }) => {
      const at = one.times[firstAfter(one.times, sampleSeconds - 1) - 1];
      if (at === undefined) return [];
      const outages = new Array<number>(TILE_LANES).fill(0);
      outages[lane] = Math.max(0, sampleSeconds - INTERVAL_SECONDS - at) / 60;
      return [
        {
          set: "test" as const,
          at: sampleSeconds - 1,
          atSample: true,
          outages,
          restart: { lane, kind },
        },
      ];
    }),
  );
}
