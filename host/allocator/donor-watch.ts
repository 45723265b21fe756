/**
 * Who has held clearly more than it needs for some time, and who would not shrink.
 *
 * Goals: a lull of one tick makes nobody a donor; whoever refused is not asked again at once, so
 * the next plan turns to others. Non-goal: what is learnt here is not durable; after a restart of
 * the process nobody shrinks before it has been looked at again.
 */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { BehaviourProfile } from "../profiler/profile.js";
import { keepNeedOf } from "./needs.js";
import { DONOR_REFUSAL_MS, SHRINK_ABOVE_RATIO } from "./policy.js";

const BITS = 32 / RESOURCE_COUNT;
const TICKS_MAX = 2 ** BITS - 1;

export class DonorWatch {
  readonly #ticksMin: number;
  /**
   * Ticks in a row in which the instance held clearly more than it needs, one byte a resource of one
   * number: an array of an instance's own would be 300 bytes.
   */
  #streaks = new Map<string, number>();
  #next = new Map<string, number>();
  readonly #refusals = new Map<string, number>();

  /** @param ticksMin how many such ticks a donor needs; 0: nobody is watched, everybody may give */
  constructor(ticksMin: number) {
    this.#ticksMin = Math.min(TICKS_MAX, ticksMin);
  }

  /** One instance, once a tick. */
  look(instanceId: string, held: readonly number[], profile: BehaviourProfile): void {
    if (this.#ticksMin === 0) return;
    const before = this.#streaks.get(instanceId) ?? 0;
    let streak = 0;
    for (let r = 0; r < RESOURCE_COUNT; r++) {
      const isAbove = (held[r] ?? 0) > SHRINK_ABOVE_RATIO * keepNeedOf(profile, r);
      if (isAbove) streak |= Math.min(this.#ticksMin, ticksOf(before, r) + 1) << (BITS * r);
    }
    this.#next.set(instanceId, streak);
  }

  /** Ends a tick: whoever was not looked at is gone. */
  endTick(nowMs: number): void {
    this.#streaks = this.#next;
    this.#next = new Map();
    for (const [id, untilMs] of this.#refusals) if (untilMs <= nowMs) this.#refusals.delete(id);
  }

  refused(instanceId: string, nowMs: number): void {
    this.#refusals.set(instanceId, nowMs + DONOR_REFUSAL_MS);
  }

  isRefusing(instanceId: string, nowMs: number): boolean {
    return (this.#refusals.get(instanceId) ?? Number.NEGATIVE_INFINITY) > nowMs;
  }

  mayGive(instanceId: string, resource: number): boolean {
    return ticksOf(this.#streaks.get(instanceId) ?? 0, resource) >= this.#ticksMin;
  }
}

function ticksOf(streak: number, resource: number): number {
  return (streak >>> (BITS * resource)) & TICKS_MAX;
}
