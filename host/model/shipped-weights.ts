import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** From build/js/host/model to the package's own copy. */
const FILE = fileURLToPath(
  new URL("../../../../host/model/weights/reprise-h32.safetensors", import.meta.url),
);

/** Path of the weights that come with the package; undefined when none do. */
export function shippedWeightsFile(): string | undefined {
  return existsSync(FILE) ? FILE : undefined;
}
