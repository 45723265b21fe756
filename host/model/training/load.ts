import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../lib/errors.js";
import { readBitbrains } from "../../sources/bitbrains/bitbrains-source.js";
import { isHeldOut } from "../../sources/bitbrains/split.js";
import { readSeries, type Series } from "./series.js";
import type { SessionData } from "./session.js";

const SERIES_FILE = /^(.+)\.csv(?:\.gz)?$/;
/** Where the series lie inside a folder of traces. */
const TRACE_FOLDER = join("bitbrains_rnd", "series");

/**
 * Names and files of the series in `folder`, or in its Bitbrains part, by name.
 *
 * @throws ERR_CONFIG when there is none
 */
export function findSeries(folder: string): { readonly name: string; readonly file: string }[] {
  const inside = join(folder, TRACE_FOLDER);
  const place = existsSync(inside) ? inside : folder;
  const files = existsSync(place) && statSync(place).isDirectory() ? readdirSync(place) : [];
  const found = files.flatMap((file) => {
    const name = SERIES_FILE.exec(file)?.[1];
    return name === undefined ? [] : [{ name, file: join(place, file) }];
  });
  if (found.length === 0) {
    throw new RepriseError("ERR_CONFIG", "the folder holds no Bitbrains series", {
      file: folder,
      expected: `*.csv or *.csv.gz, there or in ${TRACE_FOLDER}`,
    });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Reads all series of a folder; which are never trained on is decided by their names.
 *
 * @throws ERR_CONFIG, ERR_TRACE_FORMAT
 */
export async function loadSeries(
  folder: string,
  onSeries: (done: number, total: number) => void = () => undefined,
): Promise<SessionData> {
  const seen: Series[] = [];
  const unseen: Series[] = [];
  const files = findSeries(folder);
  for (const [index, { name, file }] of files.entries()) {
    const series = await readSeries(name, readBitbrains(file, { instanceId: name }));
    (isHeldOut(name) ? unseen : seen).push(series);
    onSeries(index + 1, files.length);
  }
  return { seen, unseen };
}
