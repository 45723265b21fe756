/**
 * The core's exported functions as the host sees them. Addresses are bytes, strides are bytes,
 * counts are numbers of things. `docs/abi.md` explains each; a test compares the lists.
 *
 * A type alias, not an interface: the loader's generic wants an index signature.
 */
export type KernelExports = {
  // core
  abiVersion(): number;
  arenaBase(): number;
};
