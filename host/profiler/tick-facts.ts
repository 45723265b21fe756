import { PENDING_RESTART } from "../core/abi.js";
import type { InstanceTable } from "./instances.js";
import type { Learner } from "./learner.js";
import { interruptionsBefore } from "./lives.js";
import type { Population } from "./population.js";
import type { PredictorShelf } from "./predictors/shelf.js";
import type { PublishedFacts } from "./published.js";
import type { SampleQueue } from "./sample-queue.js";

export interface TickFactsParts {
  readonly slotCount: number;
  readonly queue: SampleQueue;
  readonly instances: InstanceTable;
  readonly published: PublishedFacts;
  readonly population: Population;
  readonly predictors: PredictorShelf;
  readonly learner: Learner;
}

/**
 * What the host itself does about each sample of a tick: it becomes visible, and whoever learns from
 * samples sees it. Once a sample, on the coordinator's thread while workers compute: everything that
 * it needs lies in columns, for objects of a large fleet are in no cache.
 */
export class TickFacts {
  readonly #parts: TickFactsParts;
  /** Outage that a slot's lane holds now, minutes. */
  readonly #outages: Float64Array;
  /** Of each slot's job type in the population. */
  readonly #typeIndices: Int32Array;
  /** One sample's values on their way. */
  readonly #values: number[] = [];

  constructor(parts: TickFactsParts) {
    this.#parts = parts;
    this.#outages = new Float64Array(parts.slotCount);
    this.#typeIndices = new Int32Array(parts.slotCount).fill(-1);
  }

  setJobType(slot: number, jobType: string | undefined): void {
    this.#typeIndices[slot] = this.#parts.population.indexOf(jobType);
  }

  setOutage(slot: number, minutes: number): void {
    this.#outages[slot] = minutes;
  }

  /** Interruptions in the day up to a time; undefined when there never was any. */
  interruptions(slot: number, timeSeconds: number): number | undefined {
    const { instances } = this.#parts;
    // The lane's row starts at 0 and stays there until the first interruption.
    if (!instances.wasInterrupted(slot)) return undefined;
    const life = instances.lifeIn(slot);
    return life === undefined ? undefined : interruptionsBefore(life, timeSeconds * 1_000);
  }

  /** The first `count` waiting samples of a slot become visible. */
  publish(slot: number, count: number): void {
    const { queue, published, population, predictors, learner } = this.#parts;
    const typeIndex = this.#typeIndices[slot] ?? -1;
    let entry = queue.head(slot);
    for (let left = count; left > 0; left--, entry = queue.next(entry)) {
      const timeSeconds = queue.timeSeconds(entry);
      published.add(slot, timeSeconds, (queue.flags(entry) & PENDING_RESTART) !== 0);
      queue.resourcesInto(entry, this.#values);
      population.observe(typeIndex, this.#values);
      predictors.observe(slot, timeSeconds, this.#values);
      learner.observe(slot, timeSeconds, this.#values);
    }
    published.setOutage(slot, this.#outages[slot] ?? 0);
  }
}
