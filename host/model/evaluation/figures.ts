import { QUANTILES, RESOURCES } from "../../core/abi.js";
import { Prng } from "../../lib/prng.js";
import { BASELINES, type BaselineName } from "../baselines.js";
import type { ScoredTerm } from "./scored-terms.js";

/** How one resource is predicted on one set of virtual cuts. */
export interface ResourceFigures {
  readonly resource: string;
  readonly terms: number;
  /** Mean pinball loss at .95 in asinh space, of the net without any calibration. */
  readonly modelPinball95: number;
  /** Share of truths at or under the quantiles .5, .9, .95, .99, raw. */
  readonly coverage: readonly number[];
  readonly baselines: readonly BaselineFigures[];
  /** The baseline with the lowest loss, picked with hindsight, raw or shifted. */
  readonly best: BaselineName;
  /** Loss of the net over that of the best baseline, minus 1. */
  readonly change: number;
  /** 95 % interval of `change` over resampled instances. */
  readonly interval: readonly [number, number];
}

export interface BaselineFigures {
  readonly name: BaselineName;
  readonly raw: number;
  /** After adding the offset that covers 95 % of the validation truths. */
  readonly shifted: number;
  readonly coverage: number;
}

export interface SetFigures {
  readonly set: string;
  readonly instances: number;
  readonly resources: readonly ResourceFigures[];
}

const LEVEL = QUANTILES[2];
const LEVEL_INDEX = 2;
const BOOTSTRAP_DRAWS = 400;

export function pinball(truth: number, quantile: number, level: number): number {
  const error = truth - quantile;
  return Math.max(level * error, (level - 1) * error);
}

/**
 * Figures of one set.
 *
 * @param terms the truths to score; a resource without any is left out
 * @param validation terms that offsets of the baselines are fitted on
 */
export function setFigures(
  set: string,
  terms: readonly ScoredTerm[],
  validation: readonly ScoredTerm[],
): SetFigures {
  const instances = new Set(terms.map(({ instance }) => instance)).size;
  const resources = RESOURCES.flatMap((name, resource) => {
    const own = terms.filter((term) => term.resource === resource);
    const fit = validation.filter((term) => term.resource === resource);
    return own.length === 0 ? [] : [resourceFigures(name, own, fit)];
  });
  return { set, instances, resources };
}

function resourceFigures(
  resource: string,
  terms: readonly ScoredTerm[],
  validation: readonly ScoredTerm[],
): ResourceFigures {
  const model = terms.map(({ truth, quantiles }) =>
    pinball(truth, quantiles[LEVEL_INDEX] ?? Number.NaN, LEVEL),
  );
  const candidates: { name: BaselineName; losses: number[]; loss: number }[] = [];
  const baselines = BASELINES.map((name, index) => {
    const offset = fittedOffset(validation, index);
    const losses = (shift: number) =>
      terms.map(({ truth, baselines: b }) => pinball(truth, (b[index] ?? 0) + shift, LEVEL));
    const covered = terms.filter(({ truth, baselines: b }) => truth <= (b[index] ?? 0)).length;
    const [raw, shifted] = [losses(0), losses(offset)];
    candidates.push({ name, losses: raw, loss: mean(raw) });
    candidates.push({ name, losses: shifted, loss: mean(shifted) });
    return { name, raw: mean(raw), shifted: mean(shifted), coverage: covered / terms.length };
  });
  const best = candidates.reduce((least, next) => (next.loss < least.loss ? next : least));
  const covered = (k: number) =>
    terms.filter(({ truth, quantiles }) => truth <= (quantiles[k] ?? Number.NaN)).length;
  return {
    resource,
    terms: terms.length,
    modelPinball95: mean(model),
    coverage: QUANTILES.map((_, k) => covered(k) / terms.length),
    baselines,
    best: best.name,
    change: mean(model) / best.loss - 1,
    interval: changeInterval(terms, model, best.losses),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The shift of a baseline that covers 95 % of the truths; 0 when there is none. */
function fittedOffset(validation: readonly ScoredTerm[], baseline: number): number {
  const errors = validation
    .map(({ truth, baselines }) => truth - (baselines[baseline] ?? Number.NaN))
    .filter((error) => !Number.isNaN(error))
    .sort((a, b) => a - b);
  return errors[Math.floor(LEVEL * errors.length)] ?? 0;
}

/** Paired bootstrap over instances of sum(model) / sum(baseline) - 1. */
function changeInterval(
  terms: readonly ScoredTerm[],
  model: readonly number[],
  baseline: readonly number[],
): readonly [number, number] {
  const sums = new Map<string, [number, number]>();
  terms.forEach(({ instance }, index) => {
    const sum = sums.get(instance) ?? [0, 0];
    sum[0] += model[index] ?? 0;
    sum[1] += baseline[index] ?? 0;
    sums.set(instance, sum);
  });
  const pairs = [...sums.values()];
  const prng = new Prng(1);
  const changes = Array.from({ length: BOOTSTRAP_DRAWS }, () => {
    let ours = 0;
    let theirs = 0;
    for (let draw = 0; draw < pairs.length; draw++) {
      const [a, b] = pairs[prng.below(pairs.length)] ?? [0, 0];
      ours += a;
      theirs += b;
    }
    return ours / theirs - 1;
  }).sort((a, b) => a - b);
  const at = (share: number) => changes[Math.floor(share * (changes.length - 1))] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}
