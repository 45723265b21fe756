/** Loads one compiled peer and calls it, in a process that may die of it. */
import { createRequire } from "node:module";

const native = createRequire(import.meta.url)(process.argv[2]);
const floats = () => new Float32Array(16_384);
if (native.gruStep !== undefined) {
  native.gruStep(floats(), floats(), floats(), floats(), floats(), 2, 16, 32);
} else native.fitCount(floats(), floats(), new Int32Array(2), 1_024, 1, 4, 2);
