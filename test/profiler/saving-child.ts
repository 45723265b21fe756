/** Saves one file over and over until it is killed. */
import { readFileSync, writeSync } from "node:fs";
import { writeLearntFile } from "../../host/profiler/learnt-file.js";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: saving-child FILE");
const bytes = readFileSync(file);
for (;;) {
  writeLearntFile(file, bytes);
  // Not by a stream, which would wait for the loop's end.
  writeSync(1, ".");
}
