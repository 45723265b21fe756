import { Prng } from "../../host/lib/prng.js";
import { TRACE_START_SECONDS } from "../../host/model/training/cuts.js";
import type { Series } from "../../host/model/training/series.js";

const STEP_SECONDS = 300;

/** A series with a daily rhythm and bursts, one sample every five minutes. */
export function syntheticSeries(name: string, seed: number, days: number): Series {
  const prng = new Prng(seed);
  const count = Math.floor((days * 86_400) / STEP_SECONDS);
  const times = new Float64Array(count);
  const values = new Float32Array(count * 4);
  const size = 0.2 + 2 * prng.uniform();
  const phase = prng.below(288);
  for (let index = 0; index < count; index++) {
    times[index] = TRACE_START_SECONDS + 4 + (index + 1) * STEP_SECONDS;
    const day = Math.abs(((index + phase) % 288) - 144) / 144;
    const burst = prng.uniform() < 0.05 ? 3 : 1;
    for (let resource = 0; resource < 4; resource++) {
      values[index * 4 + resource] = size * (0.2 + day + 0.1 * prng.uniform()) * burst;
    }
  }
  const launches = new Uint8Array(count);
  launches[0] = 1;
  const caps = [{ sample: 0, values: [8 * size, 8 * size, Number.NaN, Number.NaN] }];
  return { name, times, values, launches, caps };
}

/** The same series without what lies after sample `count`. */
export function truncated(series: Series, count: number): Series {
  return {
    ...series,
    times: series.times.slice(0, count),
    values: series.values.slice(0, count * 4),
    launches: series.launches.slice(0, count),
  };
}
