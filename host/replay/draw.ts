import { nameHash } from "../lib/name-hash.js";
import { Prng } from "../lib/prng.js";

/**
 * A random number that belongs to a name, not to a place in a stream: every policy meets the same
 * outages, however often it interrupts whom.
 */
export function draw(seed: number, name: string): number {
  return new Prng(nameHash(name, seed)).uniform();
}

export function drawFrom<T>(seed: number, name: string, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(draw(seed, name) * choices.length)] ?? choices[0];
}
