import { Prng } from "../lib/prng.js";

/**
 * A random number that belongs to a name, not to a place in a stream: every policy meets the same
 * outages, however often it interrupts whom.
 */
export function draw(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return new Prng(hash >>> 0).uniform();
}

export function drawFrom<T>(seed: number, name: string, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(draw(seed, name) * choices.length)] ?? choices[0];
}
