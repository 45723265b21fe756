import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RepriseError } from "../lib/errors.js";
import { compare } from "./layout.js";

/** From build/js/host/replay to the sample that ships. */
const SAMPLE_FOLDER = fileURLToPath(new URL("../../../../host/replay/sample/", import.meta.url));

/** One trace a zone; the zones after these are stable. */
const SPOT_FILES = [
  "availability/16-node/aws-08-27-2023/us-east-2b_v100_1.json.gz",
  "preemption/4-node/aws-08-03-2023/us-east-2a_v100_1.json.gz",
];

/** More of them, where the folder has them: four zones that lose capacity. */
const SPOT_FILES_ALL = [
  "availability/16-node/aws-08-27-2023/us-east-2b_v100_1.json.gz",
  "availability/16-node/aws-08-27-2023/us-west-2a_v100_1.json.gz",
  "availability/16-node/aws-08-27-2023/us-west-2c_v100_1.json.gz",
  "preemption/4-node/aws-08-03-2023/us-east-1f_v100_1.json.gz",
];

/** Spot clusters of the Bamboo project: AWS p3, Google V100, AWS g4dn and p2. */
const BAMBOO_FILES = [
  "traces/p3-trace.csv",
  "traces/gcloud/v100x1-east1c.txt",
  "doc/data/aws-spot-instances-g4dn-xlarge-us-east-1c-2020-11-20-1930-to-2020-11-21-2200.csv",
  "doc/data/aws-spot-instances-p2-xlarge-2020-11-20-to-2020-11-23.csv",
];

/** Whose spot clusters the zones follow. */
export const CAPACITY_SOURCES = ["skypilot", "bamboo", "both"] as const;
export type CapacitySource = (typeof CAPACITY_SOURCES)[number];

export interface TraceFolder {
  readonly folder: string;
  readonly bundled: boolean;
  readonly vms: readonly { readonly instanceId: string; readonly file: string }[];
  readonly spotFiles: readonly string[];
}

/**
 * Finds the traces of a folder in the layout of the whole data.
 *
 * @param data the bundled sample when absent
 * @throws ERR_ARGUMENT naming what is not there
 */
export function openTraceFolder(data: string | undefined): TraceFolder {
  const folder = data ?? SAMPLE_FOLDER;
  const series = join(folder, "bitbrains_rnd", "series");
  const names = listSeries(series);
  const spotFiles = SPOT_FILES.map((name) => join(folder, "spot_skypilot", name));
  for (const file of spotFiles) {
    if (!existsSync(file)) {
      throw new RepriseError("ERR_ARGUMENT", "the folder has no such spot trace", { file });
    }
  }
  return {
    folder,
    bundled: data === undefined,
    vms: names.map((name) => ({
      instanceId: name.replace(/\.csv(\.gz)?$/, ""),
      file: join(series, name),
    })),
    spotFiles,
  };
}

/**
 * The same folder with a trace for each of four zones, eight of both; the bundled sample keeps the
 * two that it has.
 *
 * @throws ERR_ARGUMENT naming the trace that is not there
 */
export function withCapacityOf(folder: TraceFolder, source: CapacitySource): TraceFolder {
  const skypilot = SPOT_FILES_ALL.map((name) => join(folder.folder, "spot_skypilot", name));
  const bamboo = BAMBOO_FILES.map((name) => join(folder.folder, "spot_bamboo", name));
  if (source === "skypilot") {
    return skypilot.every(existsSync) ? { ...folder, spotFiles: skypilot } : folder;
  }
  const spotFiles = source === "bamboo" ? bamboo : [...skypilot, ...bamboo];
  const missing = spotFiles.find((file) => !existsSync(file));
  if (missing === undefined) return { ...folder, spotFiles };
  const details = { field: "capacity", got: source, file: missing };
  throw new RepriseError("ERR_ARGUMENT", "the folder has no such capacity trace", details);
}

function listSeries(series: string): string[] {
  let names: string[];
  try {
    names = readdirSync(series);
  } catch (cause) {
    const expected = "a folder of VM series (rnd_1.csv.gz, ...)";
    const details = { file: series, expected };
    throw new RepriseError("ERR_ARGUMENT", "the folder cannot be read", details, cause);
  }
  const found = names.filter((name) => /\.csv(\.gz)?$/.test(name));
  if (found.length === 0) {
    throw new RepriseError("ERR_ARGUMENT", "the folder holds no VM series", { file: series });
  }
  return found.sort((a, b) => compare(stem(a), stem(b)));
}

function stem(name: string): string {
  return name.replace(/\.csv(\.gz)?$/, "");
}
