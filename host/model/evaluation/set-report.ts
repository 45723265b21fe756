import { needColumn, PHASE_COUNT, QUANTILES, RESOURCES } from "../../core/abi.js";
import { type Change, pairedChange } from "./bootstrap.js";
import { CALIBRATIONS, type Calibrated, type Calibration } from "./calibrations.js";
import type { Contender, RowSet } from "./contenders.js";
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
import type { Amounts, Answers, ScoreTable } from "./score-table.js";
import { type SeedSpread, seedSpread } from "./seed-spread.js";

/** What is scored, and with what. */
export interface Scoring {
  readonly table: ScoreTable;
  /** The network that the figures are of, then the same trained from other seeds. */
  readonly networks: readonly [Answers, ...Answers[]];
  /** One a name in `COMPARED`. */
  readonly baselines: readonly Contender[];
  /** Other ways to use what the network is told; none of them is ever the best baseline. */
  readonly ablations: readonly Contender[];
  /** Day of the trace that the first week begins with. */
  readonly firstDay: number;
}

export interface NetworkPhase extends Measures {
  readonly crps: number;
  /** Coverage at .5, .9, .95, .99. */
  readonly levels: readonly number[];
}

export interface ContenderFigures {
  readonly name: string;
  /** Mean over the phases. */
  readonly aPin95: number;
  /** Over all truths; each level calibrated on its own. */
  readonly crps: number;
  readonly all: Measures;
  readonly phases: readonly (Measures & {
    readonly calibration: Calibration;
    readonly crps: number;
  })[];
  readonly shareBelow85: number;
}

export interface AblationFigures extends ContenderFigures {
  /** Of the network's loss against its own. */
  readonly against: Change;
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
  readonly baselines: readonly ContenderFigures[];
  readonly ablations: readonly AblationFigures[];
  /** The baseline with the lowest aPin95 on these very rows. */
  readonly best: string;
  readonly againstBest: Change;
  readonly againstVpa: Change;
  /** Absent with a single network. */
  readonly seeds?: SeedSpread;
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
export function setReport(scoring: Scoring, { name: set, rows }: RowSet): SetReport | undefined {
  if (rows.length === 0) return undefined;
  const { table, baselines, ablations } = scoring;
  const net = at95(scoring);
  const choose = (of: readonly Contender[]) =>
    of.map(
      (one): Chosen => ({
        name: one.name,
        crps: one.crps.get(set) ?? new Float64Array(),
        ...bestForms(table, one.forms, rows),
      }),
    );
  const chosen = { baselines: choose(baselines), ablations: choose(ablations) };
  const byResource = groupBy(rows, (row) => Math.floor((table.column[row] ?? 0) / PHASE_COUNT));
  return {
    set,
    instances: new Set(rows.map((row) => table.instance[row])).size,
    events: new Set(rows.map((row) => table.group[row])).size,
    resources: [...byResource]
      .sort(([a], [b]) => a - b)
      .map(([resource, own]) => resourceReport(scoring, chosen, resource, own)),
    joint: [
      { name: "network", coverage: joint(table, net, rows) },
      ...[...chosen.baselines, ...chosen.ablations].map(({ name, amounts }) => ({
        name,
        coverage: joint(table, amounts, rows),
      })),
    ],
  };
}

function at95({ networks }: Scoring): Amounts {
  return networks[0].levels[LEVEL_INDEX] as Amounts;
}

/** A contender in its best forms for a set. */
interface Chosen {
  readonly name: string;
  /** By `needColumn`. */
  readonly crps: Float64Array;
  readonly amounts: Amounts;
  /** By `needColumn`. */
  readonly forms: ReadonlyMap<number, Calibration>;
}

/** For each resource and phase the form with the lowest loss on these very rows. */
function bestForms(
  table: ScoreTable,
  forms: Calibrated,
  rows: readonly number[],
): Pick<Chosen, "amounts" | "forms"> {
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

/** The rows of one resource, by phase. */
type Phases = readonly (readonly [number, readonly number[]])[];

function resourceReport(
  scoring: Scoring,
  chosen: { readonly baselines: readonly Chosen[]; readonly ablations: readonly Chosen[] },
  resource: number,
  rows: readonly number[],
): ResourceReport {
  const { table, networks, firstDay } = scoring;
  const net = at95(scoring);
  const phases = [...groupBy(rows, (row) => (table.column[row] ?? 0) % PHASE_COUNT)].sort(
    ([a], [b]) => a - b,
  );
  const figures = (one: Chosen) => contenderFigures(table, one, resource, phases);
  const against = ({ amounts }: Chosen) => against95(table, [net, amounts], rows);
  const baselines = chosen.baselines.map(figures);
  const best = baselines.reduce((least, next) => (next.aPin95 < least.aPin95 ? next : least));
  const bestOne = named(chosen.baselines, best.name);
  const vpa = baselines.find(({ name }) => name === "VPA")?.aPin95 ?? Number.NaN;
  const own = phases.map(([, of]) => networkFigures(scoring, of));
  const limited = rows.filter((row) => !Number.isNaN(table.cap[row]));
  const { truths, coverage, slack } = measure(
    table,
    { native: table.cap, asinh: table.cap },
    limited,
  );
  return {
    resource: RESOURCES[resource] ?? "",
    ...(limited.length === 0 ? {} : { limit: { truths, coverage, slack } }),
    ...(networks.length === 1
      ? {}
      : { seeds: seedSpread(table, networks, rows, { best: best.aPin95, vpa }) }),
    network: {
      aPin95: meanLoss(own),
      all: networkFigures(scoring, rows),
      phases: own,
      weeks: weeklyCoverage(table, net, rows, firstDay),
      shareBelow85: shareBelow(table, net, rows, COVERAGE_FLOOR),
    },
    baselines,
    ablations: chosen.ablations.map((one) => ({ ...figures(one), against: against(one) })),
    best: best.name,
    againstBest: against(bestOne),
    againstVpa: against(named(chosen.baselines, "VPA")),
    deciles: sizeDeciles(table, [net, bestOne.amounts], rows),
  };
}

function named(of: readonly Chosen[], name: string): Chosen {
  return of.find((one) => one.name === name) as Chosen;
}

function contenderFigures(
  table: ScoreTable,
  { name, amounts, forms, crps: byColumn }: Chosen,
  resource: number,
  phases: Phases,
): ContenderFigures {
  const own = phases.map(([phase, of]) => ({
    ...measure(table, amounts, of),
    calibration: forms.get(needColumn(resource, phase)) ?? ("raw" as const),
    crps: byColumn[needColumn(resource, phase)] ?? Number.NaN,
  }));
  const rows = phases.flatMap(([, of]) => of);
  const total = own.reduce((sum, { crps: mean, truths }) => sum + mean * truths, 0);
  return {
    name,
    aPin95: meanLoss(own),
    crps: total / rows.length,
    all: measure(table, amounts, rows),
    phases: own,
    shareBelow85: shareBelow(table, amounts, rows, COVERAGE_FLOOR),
  };
}

function against95(
  table: ScoreTable,
  [ours, theirs]: readonly [Amounts, Amounts],
  rows: readonly number[],
): Change {
  return pairedChange(
    rows.map((row) => ({
      instance: table.instance[row] ?? 0,
      phase: (table.column[row] ?? 0) % PHASE_COUNT,
      ours: loss(table, ours, row),
      theirs: loss(table, theirs, row),
    })),
  );
}

function networkFigures({ table, networks }: Scoring, rows: readonly number[]): NetworkPhase {
  const { levels } = networks[0];
  return {
    ...measure(table, levels[LEVEL_INDEX] as Amounts, rows),
    crps: crps(table, levels, rows),
    levels: QUANTILES.map((_, k) => coverageOf(table, levels[k] as Amounts, rows)),
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
