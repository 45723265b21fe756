/** `reprise/core`: kernels, views and a scheduler's adviser for embedders. Re-exports only. */
export * from "./abi.js";
export {
  Adviser,
  type AdviserOptions,
  DEFER,
  PROCEED,
  SAMPLE_VALUES,
  UNKNOWN,
  type Verdict,
} from "./adviser.js";
export { KNOWN_SAMPLES_MIN } from "./adviser-need.js";
export { ArenaPlan, type Region } from "./arena.js";
export { type BinaryName, compileBinary, readBinary, supportsRelaxed } from "./binary.js";
export { callKernel, type Kernel, openKernel } from "./kernel.js";
export type { NetworkTensors } from "./network-shape.js";
