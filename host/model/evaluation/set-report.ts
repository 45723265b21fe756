import { PHASE_COUNT, QUANTILES, RESOURCES } from "../../core/abi.js";
import { COMPARED, type ComparedName } from "../baselines/instance-baselines.js";
import { type Change, pairedChange } from "./bootstrap.js";
import { CALIBRATIONS, type Calibrated, type Calibration } from "./calibrations.js";
import { type Decile, sizeDeciles } from "./deciles.js";
import {
  coverage as coverageOf,
  crps,
  groupBy,
  loss,
  type Measures,
  measure,
  shareBelow,
  weeklyCoverage,
} from "./measures.js";
import type { Amounts, ScoreTable } from "./score-table.js";

/** What is scored, and with what. */
export interface Scoring {
  readonly table: ScoreTable;
  /** One a name in `COMPARED`. */
  readonly baselines: readonly Calibrated[];
  /** Day of the trace that the first week begins with. */
  readonly firstDay: number;
}

export interface NetworkPhase extends Measures {
  readonly crps: number;
  /** Coverage at .5, .9, .95, .99. */
  readonly levels: readonly number[];
}

export interface BaselineFigures {
  readonly name: ComparedName;
  /** Mean over the phases. */
  readonly aPin95: number;
  readonly all: Measures;
  readonly phases: readonly (Measures & { readonly calibration: Calibration })[];
  readonly shareBelow85: number;
}

export interface ResourceReport {
  readonly resource: string;
  readonly network: {
    readonly aPin95: number;
    readonly all: NetworkPhase;
    readonly phases: readonly NetworkPhase[];
    readonly weeks: ReturnType<typeof weeklyCoverage>;
    readonly shareBelow85: number;
  };
  readonly baselines: readonly BaselineFigures[];
  /** The lowest aPin95 on these very rows. */
  readonly best: ComparedName;
  readonly againstBest: Change;
  readonly againstVpa: Change;
  readonly deciles: readonly Decile[];
  /** What giving it its limit would have done; absent where no limit is known. */
  readonly limit?: Pick<Measures, "truths" | "coverage" | "slack">;
}

export interface SetReport {
  readonly set: string;
  readonly instances: number;
  /** Instances times cuts, or restarts. */
  readonly events: number;
  readonly resources: readonly ResourceReport[];
  /** Share of events and phases in which all four resources are covered at .95. */
  readonly joint: readonly { readonly name: string; readonly coverage: number }[];
}

const LEVEL_INDEX = 2;
const COVERAGE_FLOOR = 0.85;

/** @returns undefined when there are no rows */
export function setReport(
  set: string,
  scoring: Scoring,
  rows: readonly number[],
): SetReport | undefined {
  if (rows.length === 0) return undefined;
  const { table } = scoring;
  const net = at95(table);
  const chosen = scoring.baselines.map((forms) => bestForms(table, forms, rows));
  const byResource = groupBy(rows, (row) => Math.floor((table.column[row] ?? 0) / PHASE_COUNT));
  return {
    set,
    instances: new Set(rows.map((row) => table.instance[row])).size,
    events: new Set(rows.map((row) => table.group[row])).size,
    resources: [...byResource]
      .sort(([a], [b]) => a - b)
      .map(([resource, own]) => resourceReport(RESOURCES[resource] ?? "", scoring, chosen, own)),
    joint: [
      { name: "network", coverage: joint(table, net, rows) },
      ...COMPARED.map((name, index) => ({
        name,
        coverage: joint(table, chosen[index]?.amounts ?? net, rows),
      })),
    ],
  };
}

function at95(table: ScoreTable): Amounts {
  return table.network[LEVEL_INDEX] as Amounts;
}

interface Chosen {
  readonly amounts: Amounts;
  /** By `needColumn`. */
  readonly forms: ReadonlyMap<number, Calibration>;
}

/** For each resource and phase the form with the lowest loss on these very rows. */
function bestForms(table: ScoreTable, forms: Calibrated, rows: readonly number[]): Chosen {
  const native = Float32Array.from(forms.raw.native);
  const asinh = Float32Array.from(forms.raw.asinh);
  const picked = new Map<number, Calibration>();
  for (const [column, own] of groupBy(rows, (row) => table.column[row] ?? 0)) {
    const losses = CALIBRATIONS.map((form) => measure(table, forms[form], own).aPin95);
    const form = CALIBRATIONS[losses.indexOf(Math.min(...losses))] ?? "raw";
    picked.set(column, form);
    for (const row of own) {
      native[row] = forms[form].native[row] ?? 0;
      asinh[row] = forms[form].asinh[row] ?? 0;
    }
  }
  return { amounts: { native, asinh }, forms: picked };
}

function resourceReport(
  resource: string,
  scoring: Scoring,
  chosen: readonly Chosen[],
  rows: readonly number[],
): ResourceReport {
  const { table, firstDay } = scoring;
  const net = at95(table);
  const phases = [...groupBy(rows, (row) => (table.column[row] ?? 0) % PHASE_COUNT)].sort(
    ([a], [b]) => a - b,
  );
  const baselines = COMPARED.map((name, index): BaselineFigures => {
    const { amounts, forms } = chosen[index] as Chosen;
    const own = phases.map(([, of]) => ({
      ...measure(table, amounts, of),
      calibration: forms.get(table.column[of[0] ?? 0] ?? 0) ?? ("raw" as const),
    }));
    const all = measure(table, amounts, rows);
    const below = shareBelow(table, amounts, rows, COVERAGE_FLOOR);
    return { name, aPin95: meanLoss(own), all, phases: own, shareBelow85: below };
  });
  const best = baselines.reduce((least, next) => (next.aPin95 < least.aPin95 ? next : least)).name;
  const against = (name: ComparedName) => {
    const other = (chosen[COMPARED.indexOf(name)] as Chosen).amounts;
    return pairedChange(
      rows.map((row) => ({
        instance: table.instance[row] ?? 0,
        phase: (table.column[row] ?? 0) % PHASE_COUNT,
        ours: loss(table, net, row),
        theirs: loss(table, other, row),
      })),
    );
  };
  const own = phases.map(([, of]) => networkFigures(table, of));
  const limited = rows.filter((row) => !Number.isNaN(table.cap[row]));
  const { truths, coverage, slack } = measure(
    table,
    { native: table.cap, asinh: table.cap },
    limited,
  );
  return {
    resource,
    ...(limited.length === 0 ? {} : { limit: { truths, coverage, slack } }),
    network: {
      aPin95: meanLoss(own),
      all: networkFigures(table, rows),
      phases: own,
      weeks: weeklyCoverage(table, net, rows, firstDay),
      shareBelow85: shareBelow(table, net, rows, COVERAGE_FLOOR),
    },
    baselines,
    best,
    againstBest: against(best),
    againstVpa: against("VPA"),
    deciles: sizeDeciles(table, [net, (chosen[COMPARED.indexOf(best)] as Chosen).amounts], rows),
  };
}

function networkFigures(table: ScoreTable, rows: readonly number[]): NetworkPhase {
  return {
    ...measure(table, at95(table), rows),
    crps: crps(table, table.network, rows),
    levels: QUANTILES.map((_, k) => coverageOf(table, table.network[k] as Amounts, rows)),
  };
}

function meanLoss(phases: readonly Measures[]): number {
  return phases.reduce((sum, { aPin95 }) => sum + aPin95, 0) / phases.length;
}

/** Share of events and phases with a truth in every resource where none exceeds the amount. */
function joint(table: ScoreTable, { native }: Amounts, rows: readonly number[]): number {
  const byMoment = groupBy(
    rows,
    (row) => (table.group[row] ?? 0) * PHASE_COUNT + ((table.column[row] ?? 0) % PHASE_COUNT),
  );
  const whole = [...byMoment.values()].filter((of) => of.length === RESOURCES.length);
  const covered = whole.filter((of) =>
    of.every((row) => (table.truth.native[row] ?? 0) <= (native[row] ?? 0)),
  );
  return covered.length / whole.length;
}
