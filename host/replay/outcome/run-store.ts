import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../lib/errors.js";
import type { OutcomeRun, RunTask } from "./outcome-run.js";

/**
 * Runs on disk, a file each, so that a long replay goes on where it was stopped. A file says what
 * its run depends on; one that depends on something else is played again.
 */
export class RunStore {
  readonly #folder: string;
  readonly #conditions: string;
  readonly #resume: boolean;

  /** @param conditions what all runs depend on, the same text for the same */
  constructor(folder: string, conditions: string, resume: boolean) {
    this.#folder = folder;
    this.#conditions = conditions;
    this.#resume = resume;
  }

  /** Null when it is to be played. @throws ERR_ARGUMENT when the file is none of these */
  read(task: RunTask): OutcomeRun | null {
    const file = this.#fileOf(task);
    if (!this.#resume || !existsSync(file)) return null;
    const found = parse(file);
    return found.key === this.#keyOf(task) ? found.run : null;
  }

  write(task: RunTask, run: OutcomeRun): void {
    mkdirSync(this.#folder, { recursive: true });
    const file = this.#fileOf(task);
    writeFileSync(`${file}.new`, `${JSON.stringify({ key: this.#keyOf(task), run })}\n`);
    renameSync(`${file}.new`, file);
  }

  #keyOf({ nodeCount, plansJudged }: RunTask): string {
    return `${this.#conditions} ${nodeCount} nodes, ${plansJudged} plans judged`;
  }

  #fileOf({ policy, seed }: RunTask): string {
    return join(this.#folder, `${policy}-${seed}.json`);
  }
}

function parse(file: string): { readonly key: string; readonly run: OutcomeRun } {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const details = { file, expected: "a run's JSON" };
    throw new RepriseError("ERR_ARGUMENT", "a kept run cannot be read", details, cause);
  }
}
