import { nameHash } from "../../lib/name-hash.js";

const HELD_OUT_ONE_IN = 5;

/**
 * Whether a VM of the Bitbrains trace is kept from training, by its name ("rnd_12"): one in five,
 * by a hash, so that the split needs no list and never moves.
 */
export function isHeldOut(vm: string): boolean {
  return nameHash(vm) % HELD_OUT_ONE_IN === 0;
}
