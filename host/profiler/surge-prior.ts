import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { QUANTILE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import type { ProfilerOptions } from "./profiler-options.js";
import type { SurgePrior } from "./surge.js";
import type { SizePrior } from "./surge-table.js";

const FORMAT = "reprise surge prior 3";
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

/** The chosen prior, else what is known for these weights. @throws ERR_CONFIG */
export function surgePriorOf({ surgePrior, weights }: ProfilerOptions): SurgePrior | undefined {
  return surgePrior ?? (weights === null ? undefined : shippedSurgePrior(weights.version));
}

/** @throws ERR_CONFIG */
export function parseSurgePrior(text: string): { weights: string; surge: SurgePrior } {
  const { format, weights, added, scaled } = JSON.parse(text);
  if (format === FORMAT && typeof weights === "string" && isSize(added) && isSize(scaled)) {
    return { weights, surge: { added, scaled } };
  }
  throw new RepriseError("ERR_CONFIG", "no surge prior", {
    got: format,
    expected: `${FORMAT}, the version of its weights, sizes and decays in both measures`,
  });
}

function isSize(value: unknown): value is SizePrior {
  if (typeof value !== "object" || value === null) return false;
  const { size, decayMinutes } = value as Readonly<Record<string, unknown>>;
  return (
    isNumbers(size, RESOURCE_COUNT * QUANTILE_COUNT) &&
    isNumbers(decayMinutes, RESOURCE_COUNT) &&
    decayMinutes.every((each) => each > 0)
  );
}

function isNumbers(value: unknown, count: number): value is number[] {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite);
}
