/**
 * The net in float64, straight from the equations: what the kernels are compared with. Row-major
 * arrays in PyTorch's layout, one instance at a time; nothing here is fast.
 */

import { ENVELOPE_ROWS, PHASE_COUNT, QUANTILES, RESOURCE_COUNT } from "../core/abi.js";

type Numbers = ArrayLike<number>;

export interface GruWeights {
  /** [3H, I], row blocks r, z, n */
  readonly weightIh: Numbers;
  /** [3H, H] */
  readonly weightHh: Numbers;
  /** [3H] */
  readonly biasIh: Numbers;
  /** [3H] */
  readonly biasHh: Numbers;
  readonly inputSize: number;
  readonly hiddenSize: number;
}

export interface LinearWeights {
  /** [rows, columns] */
  readonly weight: Numbers;
  /** [rows] */
  readonly bias: Numbers;
}

export function sigmoidReference(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ln(1 + e^x) without overflow. */
export function softplusReference(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** W x + b. */
export function linearReference(layer: LinearWeights, x: Numbers): Float64Array {
  const rows = layer.bias.length;
  const out = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = layer.bias[row] ?? 0;
    for (let column = 0; column < x.length; column++) {
      sum += (layer.weight[row * x.length + column] ?? 0) * (x[column] ?? 0);
    }
    out[row] = sum;
  }
  return out;
}

/** One step of one instance: x [I], h [H] -> h' [H]. r multiplies after the product. */
export function gruStepReference(gru: GruWeights, x: Numbers, h: Numbers): Float64Array {
  const { hiddenSize } = gru;
  const fromInput = linearReference({ weight: gru.weightIh, bias: gru.biasIh }, x);
  const fromState = linearReference({ weight: gru.weightHh, bias: gru.biasHh }, h);
  const gate = (row: number): [number, number] => [fromInput[row] ?? 0, fromState[row] ?? 0];
  const out = new Float64Array(hiddenSize);
  for (let unit = 0; unit < hiddenSize; unit++) {
    const [rx, rh] = gate(unit);
    const [zx, zh] = gate(hiddenSize + unit);
    const [nx, nh] = gate(2 * hiddenSize + unit);
    const z = sigmoidReference(zx + zh);
    const n = Math.tanh(nx + sigmoidReference(rx + rh) * nh);
    out[unit] = (1 - z) * n + z * (h[unit] ?? 0);
  }
  return out;
}

/** Raw outputs [48] of the head over [h ; summary]; SiLU after every layer but the last. */
export function headReference(
  layers: readonly LinearWeights[],
  h: Numbers,
  summary: Numbers,
): Float64Array {
  let row: Float64Array = Float64Array.from([...Array.from(h), ...Array.from(summary)]);
  layers.forEach((layer, index) => {
    row = linearReference(layer, row);
    if (index < layers.length - 1) row = row.map((value) => value * sigmoidReference(value));
  });
  return row;
}

/** q0 = raw0, q(k) = q(k-1) + softplus(raw k), for each group of four of raw [48]. */
export function quantilesReference(raw: Numbers): Float64Array {
  const out = new Float64Array(ENVELOPE_ROWS);
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const value = raw[row] ?? 0;
    out[row] =
      row % QUANTILES.length === 0 ? value : (out[row - 1] ?? 0) + softplusReference(value);
  }
  return out;
}

export interface EnvelopeInputs {
  /** [48], u-space */
  readonly quantiles: Numbers;
  /** [4], one a resource */
  readonly scale: Numbers;
  /** [4], NaN = none */
  readonly cap: Numbers;
  /** [48], u-space; absent = none */
  readonly offset?: Numbers;
}

/** Amounts [48] in the resources' units, monotone in k, within [0, cap]. */
export function envelopeReference(inputs: EnvelopeInputs): Float64Array {
  const out = new Float64Array(ENVELOPE_ROWS);
  const rowsPerResource = ENVELOPE_ROWS / RESOURCE_COUNT;
  let highest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < ENVELOPE_ROWS; row++) {
    const resource = Math.floor(row / rowsPerResource);
    if (row % QUANTILES.length === 0) highest = Number.NEGATIVE_INFINITY;
    const shifted = (inputs.quantiles[row] ?? 0) + (inputs.offset?.[row] ?? 0);
    highest = Math.max(highest, shifted);
    const amount = Math.max((inputs.scale[resource] ?? 0) * Math.sinh(highest), 0);
    const cap = inputs.cap[resource] ?? Number.NaN;
    out[row] = Number.isNaN(cap) ? amount : Math.min(amount, cap);
  }
  return out;
}

/** Highest phase of each resource and quantile: [48] -> [16]. */
export function keepNeedReference(envelope: Numbers): Float64Array {
  const levels = QUANTILES.length;
  const out = new Float64Array(RESOURCE_COUNT * levels);
  for (let row = 0; row < out.length; row++) {
    const resource = Math.floor(row / levels);
    const phases = Array.from(
      { length: PHASE_COUNT },
      (_, phase) => envelope[(resource * PHASE_COUNT + phase) * levels + (row % levels)] ?? 0,
    );
    out[row] = Math.max(...phases);
  }
  return out;
}

/** rho_tau(truth - q): tau times what is missing, 1 - tau times what is too much. */
export function pinballReference(truth: number, quantile: number, tau: number): number {
  const error = truth - quantile;
  return error >= 0 ? tau * error : (tau - 1) * error;
}

/**
 * Mean pinball loss of quantiles [batch][48] against truth [batch][12] over everything whose truth
 * is a number; NaN truth is left out. 0 when there is none.
 */
export function lossReference(quantiles: readonly Numbers[], truth: readonly Numbers[]): number {
  let sum = 0;
  let count = 0;
  quantiles.forEach((row, index) => {
    for (let at = 0; at < ENVELOPE_ROWS; at++) {
      const value = truth[index]?.[Math.floor(at / QUANTILES.length)] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      sum += pinballReference(value, row[at] ?? 0, QUANTILES[at % QUANTILES.length] ?? 0);
      count++;
    }
  });
  return count === 0 ? 0 : sum / count;
}
