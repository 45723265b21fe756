import type { Corrections } from "./corrections.js";
import type { InstanceTable } from "./instances.js";
import { decodeLearnt, encodeLearnt, type LearntParts } from "./learnt.js";
import type { Population } from "./population.js";

export interface LearntKeeperParts {
  readonly corrections: Corrections;
  readonly population: Population;
  readonly instances: InstanceTable;
  readonly modelVersion: string;
}

/** Saves what a profiler learnt, and takes it up again. */
export class LearntKeeper {
  readonly #parts: LearntKeeperParts;
  readonly #learnt: LearntParts;
  /** Offsets of instances that are not registered yet. */
  #waiting = new Map<string, Int16Array>();

  constructor(parts: LearntKeeperParts) {
    this.#parts = parts;
    this.#learnt = { ...parts.corrections.parts, population: parts.population };
  }

  snapshot(): Buffer {
    const { corrections, instances, modelVersion } = this.#parts;
    const own = new Map(this.#waiting);
    for (const id of instances.ids()) {
      const offsets = corrections.own(instances.get(id).slot);
      if (offsets !== undefined) own.set(id, offsets);
    }
    return encodeLearnt(this.#learnt, { modelVersion, instances: own });
  }

  /** @throws ERR_CONFIG; then nothing changed */
  restore(bytes: Uint8Array): void {
    this.#waiting = decodeLearnt(bytes, this.#learnt, this.#parts.modelVersion);
    for (const id of [...this.#waiting.keys()]) {
      const known = this.#parts.instances.find(id);
      if (known !== undefined) this.registered(id, known.slot);
    }
  }

  /** An instance got a slot. */
  registered(instanceId: string, slot: number): void {
    const own = this.#waiting.get(instanceId);
    if (own === undefined) return;
    this.#waiting.delete(instanceId);
    this.#parts.corrections.takeUp(slot, own);
  }
}
