import { RepriseError } from "../../lib/errors.js";
import { amountRows, HistoryPredictor, type Predictor, quantileRows } from "./predictor.js";
import type { UsageHistory } from "./usage-history.js";
import { VpaPredictor } from "./vpa.js";

/** Opens a predictor for a number of slots. */
type Open = (slotCount: number) => Predictor;

const fromHistory =
  (rows: (history: UsageHistory) => Float64Array): Open =>
  () =>
    new HistoryPredictor(rows);
const amount = (statistic: Parameters<UsageHistory>[0]): Open =>
  fromHistory((history) => amountRows(history(statistic)));

/** Every predictor beside the network: one line each. */
const OPENERS = {
  /** The last value. */
  last: amount("last"),
  max1h: amount("max1h"),
  max24h: amount("max24h"),
  max7d: amount("max7d"),
  /** Quantiles of the decayed histogram; P95 and P99 alone are what operators set by hand. */
  quantiles: fromHistory((history) =>
    quantileRows([history("p50"), history("p90"), history("p95"), history("p99")]),
  ),
  p95: amount("p95"),
  p99: amount("p99"),
  /** Mean + 5 sigma of 2 h: N-sigma of "Take it to the limit" (EuroSys 2021). */
  nsigma: amount("sigma2h"),
  /** Mean + 3 sigma of 24 h. */
  mean3sigma: amount("sigma24h"),
  /** EWMA with .2 a 5 minutes + 3 sigma. */
  ewma3sigma: amount("sigmaEwma"),
  /** Highest of N-sigma and P95: the max predictor of the same paper. */
  "nsigma-p95": fromHistory((history) => {
    const p95 = history("p95");
    const larger = (value: number, resource: number) => Math.max(value, p95[resource] ?? value);
    return amountRows(history("sigma2h").map(larger));
  }),
  /** Seasonal naive: the restart's clock window yesterday. */
  yesterday: amount("yesterday"),
  /** Highest of the restart's clock window in 7 days, as Crane's maxValue with a period of a day. */
  "clock-week": amount("clockWeek"),
  /** The recommender of Kubernetes' Vertical Pod Autoscaler. */
  vpa: (slotCount: number) => new VpaPredictor(slotCount),
} satisfies Record<string, Open>;

export type BaselineName = keyof typeof OPENERS;
/** Whose answers count: the network's, or a simple predictor's. */
export type PredictorName = "network" | BaselineName;

export const BASELINE_NAMES = Object.keys(OPENERS) as BaselineName[];
export const PREDICTOR_NAMES: readonly PredictorName[] = ["network", ...BASELINE_NAMES];

export function openPredictor(name: BaselineName, slotCount: number): Predictor {
  return OPENERS[name](slotCount);
}

/** @throws ERR_ARGUMENT when there is none of that name */
export function checkPredictorName(field: string, name: string): asserts name is PredictorName {
  if ((PREDICTOR_NAMES as readonly string[]).includes(name)) return;
  throw new RepriseError("ERR_ARGUMENT", "there is no such predictor", {
    field,
    got: name,
    expected: PREDICTOR_NAMES.join(", "),
  });
}
