import { PENDING_RESTART, PENDING_SAMPLE } from "../core/abi.js";
import { checkObject } from "../lib/assert.js";
import type { Clock } from "../lib/clock.js";
import type { Sample } from "../sources/sample.js";
import type { InstanceTable } from "./instances.js";
import { beginLife, type Life } from "./lives.js";
import { checkSample, type DropReason } from "./sample-check.js";
import { SampleQueue } from "./sample-queue.js";

export interface IntakeParts {
  readonly clock: Clock;
  readonly instances: InstanceTable;
  readonly slotCount: number;
  readonly tileCount: number;
  /** Samples that may wait over all slots. */
  readonly queueSamplesMax: number;
}

/** The way in: checks each sample, queues it for its slot and remembers which tiles have news. */
export class SampleIntake {
  readonly queue: SampleQueue;
  readonly #clock: Clock;
  readonly #instances: InstanceTable;
  readonly #dropped = new Map<DropReason, number>();
  readonly #isTouched: Uint8Array;
  #touched: number[] = [];

  /** @throws ERR_ARGUMENT without a clock */
  constructor(parts: IntakeParts) {
    checkObject("clock", parts.clock, "a clock");
    this.queue = new SampleQueue(parts.slotCount, parts.queueSamplesMax);
    this.#clock = parts.clock;
    this.#instances = parts.instances;
    this.#isTouched = new Uint8Array(parts.tileCount);
  }

  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  offer(sample: Sample): "accepted" | DropReason {
    const reason = isObject(sample) ? this.#take(sample) : "not-a-sample";
    if (reason === undefined) return "accepted";
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    return reason;
  }

  // No object on this way: it runs once a sample.
  #take(sample: Sample): DropReason | undefined {
    const slot = this.#instances.slotOf(sample.instanceId);
    const life = slot === undefined ? undefined : this.#instances.lifeIn(slot);
    if (slot === undefined || life === undefined) return "unknown-id";
    return (
      checkSample(sample, this.#clock.nowMs()) ??
      checkPlace(life, sample) ??
      this.#push(slot, life, sample)
    );
  }

  /** Tiles with news since the last call, ascending. */
  takeTouched(): Int32Array {
    const tiles = Int32Array.from(this.#touched).sort();
    this.#touched = [];
    for (const tile of tiles) this.#isTouched[tile] = 0;
    return tiles;
  }

  touch(tile: number): void {
    if (this.#isTouched[tile] === 1) return;
    this.#isTouched[tile] = 1;
    this.#touched.push(tile);
  }

  #push(slot: number, life: Life, sample: Sample): DropReason | undefined {
    const { first } = life;
    // The source may not know when the instance was launched; whoever reported the restart did.
    const known = first && life.incarnation > 0 && sample.sinceLaunchSeconds === undefined;
    const since = (sample.timeMs - life.launchedMs) / 1_000;
    const complete = known ? { ...sample, sinceLaunchSeconds: since } : sample;
    const flags = first ? PENDING_SAMPLE | PENDING_RESTART : PENDING_SAMPLE;
    if (!this.queue.push(slot, complete, flags)) return "queue-full";
    if (life.incarnation === 0) {
      beginLife(life, sample.timeMs - (sample.sinceLaunchSeconds ?? 0) * 1_000);
      this.#instances.markChanged(life);
    }
    life.first = false;
    life.lastMs = sample.timeMs;
    this.touch(slot >>> 3);
    return undefined;
  }
}

function isObject(sample: unknown): boolean {
  return typeof sample === "object" && sample !== null;
}

/** Whether the sample comes at a time at which its instance can have one. */
// The sample, not its time: a double handed over to a call may cost an object.
function checkPlace(life: Life, { timeMs }: Sample): DropReason | undefined {
  if (timeMs === life.lastMs) return "duplicate";
  if (timeMs < life.lastMs) return "out-of-order";
  if (life.stoppedMs !== undefined) return "stopped";
  return life.first && timeMs < life.launchedMs ? "before-launch" : undefined;
}
