import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { RepriseError } from "../../lib/errors.js";
import { readBitbrains } from "../../sources/bitbrains/bitbrains-source.js";
import { SampleLines } from "../../sources/samples/sample-lines.js";
import { readAllSeries, readSeries, type Series } from "./series.js";

const RECORDING = /^(.+)\.(csv|ndjson)(?:\.gz)?$/;

/**
 * Reads somebody's own recordings: one file or all of a folder. `*.csv` holds one instance as the
 * Bitbrains trace does, `*.ndjson` any number of them (`SampleLines`), both plain or gzip.
 *
 * @throws ERR_CONFIG when there is none, ERR_TRACE_FORMAT, ERR_ARGUMENT when one is there twice
 */
export async function loadRecordings(
  place: string,
  onFile: (done: number, total: number) => void = () => undefined,
): Promise<Series[]> {
  const files = findRecordings(place);
  const all: Series[] = [];
  for (const [index, file] of files.entries()) {
    const [, name = "", format] = RECORDING.exec(basename(file)) ?? [];
    if (format === "ndjson") all.push(...(await readAllSeries(new SampleLines(file))));
    else all.push(await readSeries(name, readBitbrains(file, { instanceId: name })));
    onFile(index + 1, files.length);
  }
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) {
      throw new RepriseError("ERR_ARGUMENT", "an instance is in two recordings", {
        file: place,
        got: name,
        expected: "all samples of an instance in one file",
      });
    }
    names.add(name);
  }
  return all;
}

function findRecordings(place: string): string[] {
  const isFolder = existsSync(place) && statSync(place).isDirectory();
  const files = isFolder ? readdirSync(place).map((file) => join(place, file)) : [place];
  const found = files.filter((file) => RECORDING.test(basename(file)) && existsSync(file)).sort();
  if (found.length > 0) return found;
  throw new RepriseError("ERR_CONFIG", "there are no recordings", {
    file: place,
    expected: "*.csv or *.ndjson, plain or .gz, or a folder of them",
  });
}
