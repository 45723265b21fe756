import type { Clock } from "../lib/clock.js";
import { RivalPolicy } from "./rival-policy.js";
import type { Scenario } from "./scenario.js";
import { lowestPriorityFirst } from "./victim-rule.js";

/** What a restart asks for: the largest value of the warm-up, or what it held at the start. */
export type RestartAsk = "largest" | "p95";

/**
 * A scheduler that knows priorities and requests: the lowest priority goes first until the room is
 * there; a restart asks for its request (request = limit) and waits until some node has it.
 */
export class PriorityOnlyPolicy extends RivalPolicy {
  constructor(scenario: Scenario, clock: Clock, ask: RestartAsk) {
    super(scenario, clock, {
      name: `priority-only-${ask}`,
      rule: lowestPriorityFirst,
      ask: ({ request, allocation }) => (ask === "largest" ? request : allocation),
    });
  }
}
