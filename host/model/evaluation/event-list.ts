import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { RepriseError } from "../../lib/errors.js";
import type { TilePlan } from "../training/dataset.js";

/** From build/js/host/model/evaluation to the lists that the project keeps. */
const FOLDER = fileURLToPath(
  new URL("../../../../../host/model/evaluation/events/", import.meta.url),
);
const HEADER = "what,set,at_s,at_sample,outages_min_or_instances,restart";

/** Whether a run asked about what was written down before. */
export interface EventCheck {
  readonly sha256: string;
  /** Name of the recorded list; absent when none is kept for such a run. */
  readonly list?: string;
  /** The first line that is another one. */
  readonly difference?: string;
}

/**
 * Everything that is asked, as text: the eight instances of each tile, then its cuts in time order
 * with the outage of each lane. A recognised restart names its lane and kind.
 */
export function eventListText(tiles: readonly TilePlan[]): string {
  const lines = [HEADER];
  for (const { series, cuts } of tiles) {
    lines.push(`tile,,,,${series.map(({ name }) => name).join(" ")},`);
    for (const { set, at, atSample, outages, restart } of cuts) {
      const minutes = outages.map((outage) => Number(outage.toFixed(3))).join(" ");
      const real = restart === undefined ? "" : `${restart.lane} ${restart.kind}`;
      lines.push(`cut,${set},${at},${atSample ? 1 : 0},${minutes},${real}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** @throws ERR_CONFIG when the file cannot be written */
export function recordEvents(file: string, text: string): void {
  try {
    writeFileSync(file, gzipSync(text, { level: 9 }));
  } catch (cause) {
    throw new RepriseError("ERR_CONFIG", "the list cannot be written", { file }, cause);
  }
}

/** Which list is meant for a run: by the number of instances, the seed and the cuts of each. */
export function eventListName(instances: number, seed: number, cuts: number): string {
  return `bitbrains-${instances}-seed${seed}-cuts${cuts}.csv.gz`;
}

/** Compares with the list that the project keeps under that name. */
export function checkEvents(text: string, name: string, folder = FOLDER): EventCheck {
  const sha256 = createHash("sha256").update(text).digest("hex");
  const file = join(folder, name);
  if (!existsSync(file)) return { sha256 };
  const list = basename(file);
  const recorded = gunzipSync(readFileSync(file)).toString("utf8");
  if (recorded === text) return { sha256, list };
  const [got, expected] = [text.split("\n"), recorded.split("\n")];
  const at = got.findIndex((line, index) => line !== expected[index]);
  const line = at < 0 ? got.length : at;
  return {
    sha256,
    list,
    difference: `line ${line + 1}: got "${got[line] ?? ""}", recorded "${expected[line] ?? ""}"`,
  };
}

/** In words, for a report. */
export function eventCheckWords({ sha256, list, difference }: EventCheck): string {
  const digest = `sha256 ${sha256}`;
  if (list === undefined) return `${digest}; no list is kept for such a run`;
  if (difference === undefined) return `${digest}; as recorded in ${list}`;
  return `${digest}; NOT as recorded in ${list}, ${difference}`;
}
