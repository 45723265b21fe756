const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const HELD_OUT_ONE_IN = 5;

/**
 * Whether a VM of the Bitbrains trace is kept from training, by its name ("rnd_12"): one in five,
 * by a hash, so that the split needs no list and never moves.
 */
export function isHeldOut(vm: string): boolean {
  let hash = FNV_OFFSET;
  for (let index = 0; index < vm.length; index++) {
    hash = Math.imul(hash ^ vm.charCodeAt(index), FNV_PRIME);
  }
  return (hash >>> 0) % HELD_OUT_ONE_IN === 0;
}
