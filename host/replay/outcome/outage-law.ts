import { draw } from "../draw.js";

/**
 * Minutes a machine of Google's cluster was away, from its REMOVE to the next ADD, quantiles in
 * steps of .05 from .05 to .95, over 6,314 of them in `machine_events` of clusterdata-2011-2
 * (C. Reiss, J. Wilkes, J. Hellerstein 2011; CC-BY), by way of
 * `github.com/dangtv/google-cluster-data-analysis` (commit d83f711).
 */
const AWAY_MINUTES = [
  0.7, 1.7, 3.5, 5.2, 6.6, 8, 11, 14.1, 16.1, 16.6, 16.7, 16.9, 23.8, 78.7, 125.2, 178.7, 278.7,
  519.5, 1570.7,
] as const;
/** Minutes are the world's steps; what is away for longer than this is replaced elsewhere. */
const OUTAGE_MINUTES = { min: 1, max: 120 } as const;

/**
 * Evictions a day of one running task, from `task_events` part 0 of the same trace: priorities 0
 * and 1 (2,124 in 35,739 task-hours), 2 to 8 (50 in 28,212), 9 to 11 (19 in 53,683). The lowest of
 * our classes is the free one, the highest is never interrupted.
 */
export const EVICTIONS_A_DAY = [1.426, 0.0425, 0.0425, 0.0425, 0] as const;

/** Minutes of an outage, whole, by the law above; belongs to its name. */
export function drawOutage(seed: number, name: string): number {
  const index = Math.floor(draw(seed, name) * AWAY_MINUTES.length);
  const { min, max } = OUTAGE_MINUTES;
  return Math.min(max, Math.max(min, Math.round(AWAY_MINUTES[index] ?? min)));
}
