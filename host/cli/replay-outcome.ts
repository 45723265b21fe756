import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { outcomeMarkdown } from "../replay/outcome/outcome-markdown.js";
import { measureSvg, PICTURED } from "../replay/outcome/outcome-picture.js";
import { OUTCOME_POLICIES, type OutcomePolicyName } from "../replay/outcome/outcome-policies.js";
import { runOutcome } from "../replay/outcome/run-outcome.js";
import type { OnProgress } from "../replay/run-replay.js";
import type { CapacitySource } from "../replay/trace-folder.js";
import { printJson, printLine } from "./output.js";

export interface OutcomeFlags {
  readonly data?: string;
  readonly days?: number;
  readonly nodes?: number;
  readonly seed: number;
  readonly seeds: number;
  readonly model?: string;
  readonly report?: string;
  readonly policies?: readonly OutcomePolicyName[];
  readonly json?: boolean;
  readonly capacity: CapacitySource;
  readonly jobs: number;
  readonly cache?: string;
  readonly resume?: boolean;
}

const NODES = 20;
const SAMPLE_NODES = 3;
const DAYS = 2;
/** Of each run; HiGHS takes about half a second for one. */
const PLANS_JUDGED = 5;

/** `reprise replay --world outcome`. */
export async function replayOutcome(flags: OutcomeFlags, onProgress: OnProgress): Promise<void> {
  const { data, model, report, cache, policies = OUTCOME_POLICIES } = flags;
  const result = await runOutcome(
    {
      ...(data === undefined ? {} : { data }),
      ...(model === undefined ? {} : { model }),
      seed: flags.seed,
      seeds: flags.seeds,
      days: flags.days ?? DAYS,
      nodeCount: flags.nodes ?? (data === undefined ? SAMPLE_NODES : NODES),
      policies,
      capacity: flags.capacity,
      jobs: flags.jobs,
      ...(cache === undefined ? {} : { cache }),
      ...(report === undefined ? {} : { runFolder: join(report, "runs") }),
      resume: flags.resume === true,
      plansJudged: policies.includes("oracle") ? PLANS_JUDGED : 0,
    },
    onProgress,
  );
  const markdown = outcomeMarkdown(result);
  if (report !== undefined) {
    mkdirSync(report, { recursive: true });
    writeFileSync(join(report, "report.md"), markdown);
    writeFileSync(join(report, "report.json"), `${JSON.stringify(result, null, 1)}\n`);
    for (const [file, measure] of PICTURED) {
      writeFileSync(join(report, `${file}.svg`), measureSvg(result, measure));
    }
  }
  if (flags.json === true) printJson(result);
  else printLine(markdown);
}

/** @throws InvalidArgumentError naming those that there are */
export function policyNames(text: string): readonly OutcomePolicyName[] {
  const known: readonly string[] = OUTCOME_POLICIES;
  const names = text.split(",");
  if (names.every((name) => known.includes(name))) return names as OutcomePolicyName[];
  throw new InvalidArgumentError(`some of ${OUTCOME_POLICIES.join(", ")} are expected.`);
}
