/** `reprise/core`: kernels and views for embedders. Re-exports only. */
export * from "./abi.js";
export { ArenaPlan, type Region } from "./arena.js";
export { type BinaryName, compileBinary, readBinary, supportsRelaxed } from "./binary.js";
export { callKernel, type Kernel, openKernel } from "./kernel.js";
