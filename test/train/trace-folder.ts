import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BITBRAINS_COLUMNS } from "../../host/sources/bitbrains/row.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import { syntheticSeries } from "./synthetic-series.js";

/** Two VMs that may be trained on and one that may not, by name, as the trace has them. */
export function writeTraceFolder(folder: string): void {
  const names = Array.from({ length: 60 }, (_, index) => `vm_${index}`);
  const chosen = [
    ...names.filter((name) => !isHeldOut(name)).slice(0, 2),
    ...names.filter((name) => isHeldOut(name)).slice(0, 1),
  ];
  chosen.forEach((name, seed) => {
    const { times, values } = syntheticSeries(name, seed, 75);
    const lines = [BITBRAINS_COLUMNS.join(";")];
    times.forEach((time, index) => {
      const [cpu = 0, memory = 0, network = 0, disk = 0] = values.subarray(
        index * 4,
        index * 4 + 4,
      );
      const fields = [
        time,
        8,
        16_000,
        cpu * 2000,
        cpu,
        4e7,
        memory * 1e6,
        0,
        disk * 1e3,
        0,
        network * 100,
      ];
      lines.push(fields.map((value) => value.toFixed(1)).join(";"));
    });
    writeFileSync(join(folder, `${name}.csv`), `${lines.join("\n")}\n`);
  });
}
