import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PHASE_COUNT, QUANTILE_COUNT, RESOURCES, type Resource } from "../core/abi.js";
import { RepriseError } from "../lib/errors.js";
import type { ProfilerOptions } from "./profiler-options.js";

const FORMAT = "reprise population prior 1";
/** From build/js/host/profiler to the package's own copy. */
const FILE = fileURLToPath(
  new URL("../../../../host/model/weights/population-prior.json", import.meta.url),
);
const ROWS = PHASE_COUNT * QUANTILE_COUNT;

/** What instances needed in their first hour, of which nothing else was known. */
export interface PopulationPrior {
  /** Phase x quantile, as a share of the limit; resources without limits in the data are absent. */
  readonly ofLimit: Readonly<Partial<Record<Resource, readonly number[]>>>;
  /** Phase x quantile in cores, GiB, Mbps and MB/s. */
  readonly amounts: Readonly<Record<Resource, readonly number[]>>;
}

let shipped: PopulationPrior | undefined;

/** The prior that comes with the package. @throws ERR_CONFIG when its file is damaged */
export function shippedPopulationPrior(): PopulationPrior {
  shipped ??= parsePopulationPrior(readFileSync(FILE, "utf8"));
  return shipped;
}

/** The chosen prior, else the package's. @throws ERR_CONFIG */
export function populationPriorOf(options: ProfilerOptions): PopulationPrior | undefined {
  const { populationPrior } = options;
  return populationPrior === null ? undefined : (populationPrior ?? shippedPopulationPrior());
}

/** @throws ERR_CONFIG */
export function parsePopulationPrior(text: string): PopulationPrior {
  const { format, ofLimit, amounts } = JSON.parse(text);
  const isWhole =
    format === FORMAT &&
    typeof ofLimit === "object" &&
    typeof amounts === "object" &&
    RESOURCES.every((name) => isRows(amounts?.[name])) &&
    RESOURCES.every((name) => ofLimit?.[name] === undefined || isRows(ofLimit[name]));
  if (isWhole) return { ofLimit, amounts };
  throw new RepriseError("ERR_CONFIG", "no population prior", {
    got: format,
    expected: `${FORMAT}, ${ROWS} numbers a resource`,
  });
}

/** Finite, from 0, quantiles in order. */
function isRows(value: unknown): value is number[] {
  if (!Array.isArray(value) || value.length !== ROWS) return false;
  return value.every(
    (each, row) =>
      Number.isFinite(each) && each >= 0 && (row % QUANTILE_COUNT === 0 || each >= value[row - 1]),
  );
}
