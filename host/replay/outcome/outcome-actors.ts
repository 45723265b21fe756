import type { LoadReader } from "../../allocator/load.js";
import { RESOURCE_COUNT } from "../../core/abi.js";
import type { Amounts } from "../scenario.js";
import { MINUTE_MS, OutcomeActor } from "./outcome-actor.js";
import type { OutcomeScenario } from "./outcome-scenario.js";

/** Everybody in the world, and what is measured on them. */
export class OutcomeActors implements LoadReader {
  readonly all: readonly OutcomeActor[];
  readonly #byId: ReadonlyMap<string, OutcomeActor>;
  readonly #scenario: OutcomeScenario;

  constructor(scenario: OutcomeScenario) {
    this.#scenario = scenario;
    this.all = scenario.instances.flatMap((instance) => {
      const usage = scenario.usage.get(instance.instanceId);
      const program = scenario.programs.get(instance.instanceId);
      if (usage === undefined || program === undefined) return [];
      return [new OutcomeActor(instance, program, { usage, startMs: scenario.fromMs })];
    });
    this.#byId = new Map(this.all.map((actor) => [actor.instance.instanceId, actor]));
  }

  get(instanceId: string): OutcomeActor | undefined {
    return this.#byId.get(instanceId);
  }

  instanceUsage(instanceId: string): Amounts | undefined {
    const actor = this.#byId.get(instanceId);
    if (actor?.isUp !== true) return undefined;
    // Asked for so often that the iterator of a spread shows.
    const { demand } = actor;
    return [demand[0] ?? 0, demand[1] ?? 0, demand[2] ?? 0, demand[3] ?? 0];
  }

  nodeUsage(nodeId: string): Amounts | undefined {
    const sum = new Array<number>(RESOURCE_COUNT).fill(0);
    for (const actor of this.all) {
      if (!actor.isUp || actor.nodeId !== nodeId) continue;
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        sum[resource] = (sum[resource] ?? 0) + (actor.demand[resource] ?? 0);
      }
    }
    return sum;
  }

  /** What a restart of this instance now would really need, resource x phase. */
  needNow(actor: OutcomeActor, nowMs: number, outageMinutes: number): number[] {
    const { surges, warmUpFromMs } = this.#scenario;
    const name = `${actor.instance.instanceId} ${actor.interruptionCount}`;
    const surge = surges.surge(actor.program, name, outageMinutes);
    return actor.needAt(nowMs - warmUpFromMs, surge);
  }

  /** Highest use of a running instance over the coming minutes, its restart's surge included. */
  peakAhead(actor: OutcomeActor, nowMs: number, minutes: number): number[] {
    const { warmUpFromMs } = this.#scenario;
    const peak = [...actor.demand];
    const left = actor.window;
    for (let minute = 1; minute <= minutes; minute += left === null ? 5 : 1) {
      for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
        const base = actor.baseAt(nowMs - warmUpFromMs + minute * MINUTE_MS, resource);
        const at = ((left?.minutes ?? 0) + minute - 1) * RESOURCE_COUNT + resource;
        const wanted = base * (left?.factors[at] ?? 1);
        peak[resource] = Math.max(peak[resource] ?? 0, wanted);
      }
    }
    return peak;
  }
}
