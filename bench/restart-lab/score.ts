/** Coverage and slack of what was said about the restarts of the lab. */
import { envelopeRow, needColumn, PHASE_COUNT, RESOURCES } from "../../host/core/abi.js";
import type { LabResult } from "./results.js";

/** Of the quantiles .5, .9, .95, .99 the one that is granted. */
const GRANTED: Readonly<Record<string, number>> = { cpu: 2, memory: 3, disk: 2 };
export const SCORED = ["cpu", "memory", "disk"] as const;
export const PREDICTORS = ["reprise", "network", "vpa", "limit"] as const;
export type ScoredResource = (typeof SCORED)[number];
export type LabPredictor = (typeof PREDICTORS)[number];

export interface LabScore {
  readonly predictor: LabPredictor;
  readonly resource: ScoredResource;
  /** Restarts, each with its phases. */
  readonly restarts: number;
  readonly phases: number;
  /** Share of phases whose real peak was within what was said. */
  readonly coverage: number;
  /** What was kept and not used, over what the limit keeps and does not use. */
  readonly slackRatio: number;
}

export function granted(
  result: LabResult,
  predictor: LabPredictor,
  resource: ScoredResource,
  phase: number,
): number {
  const index = RESOURCES.indexOf(resource);
  if (predictor === "limit") return result.limits[needColumn(index, phase)] ?? Number.NaN;
  const tables = { reprise: result.predicted, network: result.network, vpa: result.vpa };
  const row = envelopeRow(index, phase, GRANTED[resource] ?? 2);
  return tables[predictor]?.[row] ?? Number.NaN;
}

export function peakOf(result: LabResult, resource: ScoredResource, phase: number): number {
  return result.peaks[needColumn(RESOURCES.indexOf(resource), phase)] ?? Number.NaN;
}

export function scoreOf(
  results: readonly LabResult[],
  predictor: LabPredictor,
  resource: ScoredResource,
): LabScore {
  let [phases, covered, slack, limitSlack] = [0, 0, 0, 0];
  let restarts = 0;
  for (const result of results) {
    let seen = false;
    for (let phase = 0; phase < PHASE_COUNT; phase++) {
      const peak = peakOf(result, resource, phase);
      const said = granted(result, predictor, resource, phase);
      if (Number.isNaN(peak + said)) continue;
      seen = true;
      phases++;
      if (peak <= said) covered++;
      slack += Math.max(0, said - peak);
      limitSlack += Math.max(0, granted(result, "limit", resource, phase) - peak);
    }
    if (seen) restarts++;
  }
  return {
    predictor,
    resource,
    restarts,
    phases,
    coverage: phases === 0 ? Number.NaN : covered / phases,
    slackRatio: limitSlack === 0 ? Number.NaN : slack / limitSlack,
  };
}

export interface LabTable {
  readonly name: string;
  readonly scores: readonly LabScore[];
}

/** After this many restarts of a type its coverage counts. */
export const LEARNT_RUNS = 20;

export function tablesOf(results: readonly LabResult[]): LabTable[] {
  const table = (name: string, chosen: readonly LabResult[]): LabTable => ({
    name,
    scores: SCORED.flatMap((resource) =>
      PREDICTORS.map((predictor) => scoreOf(chosen, predictor, resource)),
    ),
  });
  const late = results.filter(({ run }) => run >= LEARNT_RUNS);
  const programs = [...new Set(results.map(({ program }) => program))];
  return [
    table("all restarts", results),
    table(`after the first ${LEARNT_RUNS} of a type`, late),
    table(
      `of these the held-out pairs of program and outage`,
      late.filter(({ heldOut }) => heldOut),
    ),
    ...programs.map((program) =>
      table(
        `${program}, after the first ${LEARNT_RUNS}`,
        late.filter((result) => result.program === program),
      ),
    ),
  ];
}

export function markdownOf(tables: readonly LabTable[]): string {
  const lines = tables.flatMap(({ name, scores }) => [
    `### ${name}`,
    "",
    "| resource | predictor | restarts | phases | coverage | slack, part of the limit's |",
    "|---|---|---|---|---|---|",
    ...scores
      .filter(({ phases }) => phases > 0)
      .map(
        (score) =>
          `| ${score.resource} | ${score.predictor} | ${score.restarts} | ${score.phases} | ` +
          `${score.coverage.toFixed(3)} | ${score.slackRatio.toFixed(3)} |`,
      ),
    "",
  ]);
  return lines.join("\n");
}
