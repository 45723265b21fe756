import { NEED_COLUMNS, PHASE_COUNT, RESOURCES } from "../../../host/core/abi.js";
import { Prng } from "../../../host/lib/prng.js";
import { grantOf, type ScoredRestart } from "./restart-run.js";

const DRAWS = 1_000;

export interface MethodFigures {
  /** Restarts x phases that were seen. */
  readonly truths: number;
  /** Share of peaks within the grant. */
  readonly coverage: number;
  /** 95 %, whole instances drawn. */
  readonly interval: readonly [number, number];
  readonly byPhase: readonly number[];
  /** Mean of the grant above the peak, in the resource's unit. */
  readonly slack: number;
  /** Of the mean slack of "give it its limit"; NaN where there is no limit. */
  readonly slackOfLimit: number;
}

interface Sums {
  truths: number;
  covered: number;
}

/** One resource and method over some restarts. */
export function methodFigures(
  restarts: readonly ScoredRestart[],
  resource: number,
  method: string,
): MethodFigures {
  const byInstance = new Map<string, Sums>();
  const phases = Array.from({ length: PHASE_COUNT }, (): Sums => ({ truths: 0, covered: 0 }));
  let [slack, limitSlack, limited] = [0, 0, 0];
  for (const restart of restarts) {
    for (let column = 0; column < NEED_COLUMNS; column++) {
      if (Math.floor(column / PHASE_COUNT) !== resource) continue;
      const peak = restart.peaks[column] ?? Number.NaN;
      const grant = grantOf(restart.said[method], column);
      if (Number.isNaN(peak) || Number.isNaN(grant)) continue;
      const own = byInstance.get(restart.id) ?? { truths: 0, covered: 0 };
      byInstance.set(restart.id, own);
      const phase = phases[column % PHASE_COUNT] as Sums;
      for (const sums of [own, phase]) {
        sums.truths++;
        if (peak <= grant) sums.covered++;
      }
      slack += Math.max(0, grant - peak);
      const limit = restart.limits[resource] ?? Number.NaN;
      if (Number.isNaN(limit)) continue;
      limited++;
      limitSlack += Math.max(0, limit - peak);
    }
  }
  const instances = [...byInstance.values()];
  const total = sumOf(instances);
  return {
    truths: total.truths,
    coverage: total.covered / total.truths,
    interval: intervalOf(instances),
    byPhase: phases.map(({ truths, covered }) => covered / truths),
    slack: slack / total.truths,
    slackOfLimit: limited === total.truths ? slack / limitSlack : Number.NaN,
  };
}

function sumOf(instances: readonly Sums[]): Sums {
  const total = { truths: 0, covered: 0 };
  for (const { truths, covered } of instances) {
    total.truths += truths;
    total.covered += covered;
  }
  return total;
}

function intervalOf(instances: readonly Sums[]): readonly [number, number] {
  const prng = new Prng(1);
  const shares = Array.from({ length: DRAWS }, () => {
    const { truths, covered } = sumOf(
      instances.map(() => instances[prng.below(instances.length)] as Sums),
    );
    return covered / truths;
  }).sort((a, b) => a - b);
  const at = (share: number) => shares[Math.floor(share * (shares.length - 1))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

/** A Markdown table: a line a resource and method. */
export function figuresTable(
  restarts: readonly ScoredRestart[],
  methods: readonly string[],
): string {
  const lines = [
    "| resource, level | method | truths | coverage (95 %) | by phase | slack | of the limit's |",
    "|---|---|---|---|---|---|---|",
  ];
  RESOURCES.forEach((name, resource) => {
    for (const method of methods) {
      const figures = methodFigures(restarts, resource, method);
      if (figures.truths === 0) continue;
      const [low, high] = figures.interval.map(share);
      const level = name === "memory" ? ".99" : ".95";
      const ofLimit = Number.isNaN(figures.slackOfLimit) ? "" : percent(figures.slackOfLimit);
      lines.push(
        `| ${name} ${level} | ${method} | ${figures.truths} ` +
          `| ${share(figures.coverage)} (${low}-${high}) | ${figures.byPhase.map(share).join(" ")} ` +
          `| ${figures.slack.toPrecision(3)} | ${ofLimit} |`,
      );
    }
  });
  return lines.join("\n");
}

function share(value: number): string {
  return value.toFixed(3).replace(/^0/, "");
}

function percent(value: number): string {
  return `${(100 * value).toFixed(0)} %`;
}
