import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { Rung } from "../../host/profiler/profile.js";

/** One interruption and the restart after it. */
export interface LabResult {
  readonly program: string;
  readonly run: number;
  readonly outageMinutes: number;
  /** Its pair of program and outage taught nothing. */
  readonly heldOut: boolean;
  readonly restartedMs: number;
  readonly rung: Rung;
  /** Restarts of its type that its prediction rested on. */
  readonly typeRestarts: number;
  /** What the answer was, 48 quantiles by `envelopeRow`. */
  readonly predicted: readonly number[];
  /** The network alone, without surge and trackers; null where it did not answer. */
  readonly network: readonly number[] | null;
  readonly vpa: readonly number[];
  readonly limits: readonly number[];
  /** Real peaks, resource x phase; null where nothing was seen. */
  readonly peaks: readonly (number | null)[];
}

/** One line a result, so that a lab that was ended goes on where it was. */
export class ResultFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(): LabResult[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "utf8").split("\n");
    return lines.flatMap((line) => {
      // The last line may have been cut by the end of the process.
      if (!line.endsWith("}")) return [];
      return [JSON.parse(line) as LabResult];
    });
  }

  add(result: LabResult): void {
    appendFileSync(this.path, `${JSON.stringify(result)}\n`);
  }
}
