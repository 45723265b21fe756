import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import type { SurgePrior } from "./surge.js";

const FORMAT = "reprise surge prior 1";
/** From build/js/host/profiler to the package's own copy. */
const FILE = fileURLToPath(
  new URL("../../../../host/model/weights/surge-prior.json", import.meta.url),
);

/**
 * The prior that comes with the package, where it was measured with these weights.
 *
 * @throws ERR_CONFIG when the package's file is damaged
 */
export function shippedSurgePrior(weightsVersion: string): SurgePrior | undefined {
  const prior = parseSurgePrior(readFileSync(FILE, "utf8"));
  return prior.weights === weightsVersion ? prior.excess : undefined;
}

/** @throws ERR_CONFIG */
export function parseSurgePrior(text: string): { weights: string; excess: SurgePrior } {
  const { format, weights, excess } = JSON.parse(text);
  const count = RESOURCE_COUNT * QUANTILE_COUNT;
  const isWhole = Array.isArray(excess) && excess.length === count && excess.every(Number.isFinite);
  if (format === FORMAT && typeof weights === "string" && isWhole) return { weights, excess };
  throw new RepriseError("ERR_CONFIG", "no surge prior", {
    got: format,
    expected: `${FORMAT}, the version of its weights, ${count} numbers`,
  });
}
