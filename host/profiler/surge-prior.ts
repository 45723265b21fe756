import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import type { SurgePrior } from "./surge.js";

const FORMAT = "reprise surge prior 2";
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
  return prior.weights === weightsVersion ? prior.surge : undefined;
}

/** @throws ERR_CONFIG */
export function parseSurgePrior(text: string): { weights: string; surge: SurgePrior } {
  const { format, weights, excess, decayMinutes } = JSON.parse(text);
  const count = RESOURCE_COUNT * QUANTILE_COUNT;
  const isWhole =
    isNumbers(excess, count) &&
    isNumbers(decayMinutes, RESOURCE_COUNT) &&
    decayMinutes.every((each) => each > 0);
  if (format === FORMAT && typeof weights === "string" && isWhole) {
    return { weights, surge: { excess, decayMinutes } };
  }
  throw new RepriseError("ERR_CONFIG", "no surge prior", {
    got: format,
    expected: `${FORMAT}, the version of its weights, ${count} + ${RESOURCE_COUNT} numbers`,
  });
}

function isNumbers(value: unknown, count: number): value is number[] {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite);
}
