/**
 * A virtual cluster to look at: the bundled week of real machines and a real spot market's losses,
 * played through a running service faster than it happened.
 */
import { DryRunEngine } from "../../engines/dry-run.js";
import type { Act } from "../../engines/engine.js";
import { sleep, VirtualClock } from "../../lib/clock.js";
import { planScenario } from "../../replay/plan-scenario.js";
import { SAMPLE_DAYS } from "../../replay/run-replay.js";
import type { Scenario } from "../../replay/scenario.js";
import { openTraceFolder } from "../../replay/trace-folder.js";
import { World } from "../../replay/world.js";
import type { ServiceRuntime } from "../runtime.js";
import { ServicePolicy } from "./service-policy.js";

const MINUTE_MS = 60_000;

export interface DemoOptions {
  readonly seed: number;
  /** Minutes of the cluster's life in one second. */
  readonly minutesPerSecond: number;
}

export class DemoCluster {
  readonly clock: VirtualClock;
  readonly engine: DryRunEngine;
  readonly instanceCount: number;
  readonly #scenario: Scenario;
  readonly #pauseMs: number;
  #acts: Act[] = [];
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(scenario: Scenario, { minutesPerSecond }: DemoOptions) {
    this.#scenario = scenario;
    this.#pauseMs = 1_000 / minutesPerSecond;
    this.instanceCount = scenario.instances.length;
    this.clock = new VirtualClock(scenario.warmUpFromMs);
    this.engine = new DryRunEngine({ carryOut: (act) => this.#acts.push(act) });
  }

  static async open(options: DemoOptions): Promise<DemoCluster> {
    const folder = openTraceFolder(undefined);
    const { seed } = options;
    const scenario = await planScenario(folder, { seed, days: SAMPLE_DAYS }, () => {});
    return new DemoCluster(scenario, options);
  }

  /**
   * Begins to play; the week of warm-up goes by as fast as it can.
   *
   * @param onError hears what ended the play before its time
   */
  start(runtime: ServiceRuntime, onError: (error: unknown) => void): void {
    const policy = new ServicePolicy(runtime, this.#scenario, () => this.#takeActs());
    const world = new World(this.#scenario, policy, this.clock);
    this.#running = world
      .run((nowMs) => this.#pace(nowMs))
      .catch((error: unknown) => {
        if (!this.#isOver) onError(error);
      })
      .finally(() => world.close());
  }

  /** Ends after the turn under way. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #pace(nowMs: number): Promise<void> {
    if (this.#isOver) throw new DemoOver();
    if (nowMs < this.#scenario.fromMs + MINUTE_MS) return sleep(0);
    return sleep(this.#pauseMs);
  }

  #takeActs(): readonly Act[] {
    const acts = this.#acts;
    this.#acts = [];
    return acts;
  }
}

/** Leaves the world's loop from within. */
class DemoOver extends Error {}
