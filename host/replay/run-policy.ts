import { VirtualClock } from "../lib/clock.js";
import type { PolicyCounts, ReplayPolicy } from "./policy.js";
import type { Scenario } from "./scenario.js";
import type { WorldFigures } from "./tally.js";
import { World } from "./world.js";

export interface PolicyReport extends WorldFigures, PolicyCounts {
  readonly policy: string;
  readonly samples: number;
  /** Samples of instances that were down. */
  readonly unseenSamples: number;
  readonly droppedSamples: Readonly<Record<string, number>>;
}

/** Plays a scenario from its warm-up to its end under one policy. */
export async function runPolicy(
  scenario: Scenario,
  open: (clock: VirtualClock) => Promise<ReplayPolicy>,
  onTime: (policy: string, nowMs: number) => void,
): Promise<PolicyReport> {
  const clock = new VirtualClock(scenario.warmUpFromMs);
  const policy = await open(clock);
  const world = new World(scenario, policy, clock);
  try {
    await world.run((nowMs) => onTime(policy.name, nowMs));
    return {
      policy: policy.name,
      samples: world.counts.samples,
      unseenSamples: world.counts.unseen,
      droppedSamples: world.dropped(),
      ...world.tally.figures(),
      ...policy.counts(),
    };
  } finally {
    await world.close();
    await policy.close();
  }
}
