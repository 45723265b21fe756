/** Everything the binary exports. Kernels take byte addresses and counts, nothing else. */

import { ABI_VERSION } from "./layout";

export function abiVersion(): i32 {
  return ABI_VERSION;
}

/** First byte the host may use: everything below belongs to the module's read-only tables. */
export function arenaBase(): i32 {
  return (<i32>__heap_base + 63) & ~63;
}

// nn
export { laneAnswer } from "./nn/answer-lane";
export { envelope, keepNeed } from "./nn/envelope";
export { gruStep } from "./nn/gru";
export { gruStepOne } from "./nn/gru-one";
export { head, headPackedBytes, headPair, headRaw, headScratchBytes, packHead } from "./nn/head";
// profiler
export { carryLanes } from "./nn/lanes";
export { gruOnePackedBytes, gruPackedBytes, packGru, packGruOne } from "./nn/pack";
export { quantiles } from "./nn/quantiles";
// training
export { adamStep, gradientSum, squaredNorm } from "./nn/train-adam";
export {
  copyLaneRows,
  trainAffine,
  trainAffineInput,
  trainBiasGradient,
  trainWeightGradient,
} from "./nn/train-affine";
export { trainGruBackward, trainGruForward } from "./nn/train-gru";
export { asinhRatio, trainPinball, trainSilu, trainSiluGradient } from "./nn/train-loss";
// planning
export { coverScratchBytes, leastCover } from "./plan/cover";
// pools
export { aggregateQuantile } from "./pool/aggregate";
export { moveSums } from "./pool/draw-sums";
export { fitCount } from "./pool/fit-count";
export { fitLeast } from "./pool/fit-least";
export { fitMask } from "./pool/fit-mask";
export { fitBest, fitFirst } from "./pool/fit-select";
export { columnSums, headroom } from "./pool/headroom";
export { memberDraws } from "./pool/member-draws";
export { sumQuantile } from "./pool/sum-quantile";
export { waterFill } from "./pool/water-fill";
export { sweep } from "./simd/sweep";
// summary
export { features, featuresForOutage } from "./summary/features";
export { usageHistory } from "./summary/history";
export { ingest } from "./summary/ingest";
export { statistics } from "./summary/statistics";
