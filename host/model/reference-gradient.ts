/**
 * Float64 loss and gradient of the whole net for one instance, straight from the equations: the
 * yardstick of the training kernels. Slow and plain on purpose.
 *
 * The gradient was checked against central differences and against torch.autograd (test/train).
 */

/** Sizes of a small or a real net; the head has two hidden layers. */
export interface ReferenceShape {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly summarySize: number;
  readonly headSizes: readonly [number, number, number];
}

/** Parameters as plain arrays in PyTorch's names and row-major order. */
export type ReferenceParameters = ReadonlyMap<string, Float64Array>;

export interface ReferenceCase {
  /** One array of inputs a step. */
  readonly x: readonly Float64Array[];
  readonly state: Float64Array;
  readonly summary: Float64Array;
  /** A truth a need; NaN = none. The head's outputs are four a need. */
  readonly target: Float64Array;
}

export interface ReferenceResult {
  /** Sum over all needs and levels that have a truth. */
  readonly loss: number;
  readonly terms: number;
  readonly gradient: Map<string, Float64Array>;
}

const LEVELS = [0.5, 0.9, 0.95, 0.99] as const;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function of(parameters: ReadonlyMap<string, Float64Array>, name: string): Float64Array {
  const values = parameters.get(name);
  if (values === undefined) throw new RangeError(`parameter ${name} is missing`);
  return values;
}

/** W x + b */
function affine(weight: Float64Array, bias: Float64Array, x: Float64Array): Float64Array {
  return bias.map((start, row) => {
    let sum = start;
    for (let k = 0; k < x.length; k++) sum += (weight[row * x.length + k] ?? 0) * (x[k] ?? 0);
    return sum;
  });
}

/** Adds dy x^T and dy to a layer's gradients and returns W^T dy. */
function affineBack(
  layer: {
    readonly weight: Float64Array;
    readonly dWeight: Float64Array;
    readonly dBias: Float64Array;
  },
  dy: Float64Array,
  x: Float64Array,
): Float64Array {
  const dx = new Float64Array(x.length);
  dy.forEach((slope, row) => {
    layer.dBias[row] = (layer.dBias[row] ?? 0) + slope;
    for (let k = 0; k < x.length; k++) {
      const index = row * x.length + k;
      layer.dWeight[index] = (layer.dWeight[index] ?? 0) + slope * (x[k] ?? 0);
      dx[k] = (dx[k] ?? 0) + (layer.weight[index] ?? 0) * slope;
    }
  });
  return dx;
}

interface Step {
  readonly before: Float64Array;
  readonly r: Float64Array;
  readonly z: Float64Array;
  readonly n: Float64Array;
  /** W_hn h + b_hn */
  readonly m: Float64Array;
}

function gruStep(parameters: ReferenceParameters, x: Float64Array, before: Float64Array): Step {
  const size = before.length;
  const ih = affine(of(parameters, "gru.weight_ih_l0"), of(parameters, "gru.bias_ih_l0"), x);
  const hh = affine(of(parameters, "gru.weight_hh_l0"), of(parameters, "gru.bias_hh_l0"), before);
  const unit = (index: number): number => (ih[index] ?? 0) + (hh[index] ?? 0);
  const r = before.map((_, u) => sigmoid(unit(u)));
  const z = before.map((_, u) => sigmoid(unit(size + u)));
  const m = hh.slice(2 * size);
  const n = before.map((_, u) => Math.tanh((ih[2 * size + u] ?? 0) + (r[u] ?? 0) * (m[u] ?? 0)));
  return { before, r, z, n, m };
}

function stateAfter(step: Step): Float64Array {
  return step.before.map((h, u) => {
    const z = step.z[u] ?? 0;
    return (1 - z) * (step.n[u] ?? 0) + z * h;
  });
}

/** Loss and its gradient with respect to the head's raw outputs. */
function pinball(
  raw: Float64Array,
  target: Float64Array,
): { loss: number; terms: number; slope: Float64Array } {
  let loss = 0;
  let terms = 0;
  const slope = new Float64Array(raw.length);
  target.forEach((truth, need) => {
    if (Number.isNaN(truth)) return;
    let quantile = 0;
    const direct = LEVELS.map((level, k) => {
      const value = raw[need * 4 + k] ?? 0;
      quantile = k === 0 ? value : quantile + softplus(value);
      const error = truth - quantile;
      loss += Math.max(level * error, (level - 1) * error);
      terms += 1;
      return error > 0 ? -level : error < 0 ? 1 - level : 0;
    });
    for (let k = 3, sum = 0; k >= 0; k--) {
      sum += direct[k] ?? 0;
      slope[need * 4 + k] = k === 0 ? sum : sum * sigmoid(raw[need * 4 + k] ?? 0);
    }
  });
  return { loss, terms, slope };
}

/** Loss and gradient of one instance's window. */
export function referenceGradient(
  parameters: ReferenceParameters,
  example: ReferenceCase,
): ReferenceResult {
  const steps: Step[] = [];
  let state = example.state;
  for (const x of example.x) {
    const step = gruStep(parameters, x, state);
    steps.push(step);
    state = stateAfter(step);
  }
  const features = Float64Array.of(...state, ...example.summary);
  const layer = (index: number, x: Float64Array): Float64Array =>
    affine(of(parameters, `head.${index}.weight`), of(parameters, `head.${index}.bias`), x);
  const sum1 = layer(0, features);
  const out1 = sum1.map((v) => v * sigmoid(v));
  const sum2 = layer(2, out1);
  const out2 = sum2.map((v) => v * sigmoid(v));
  const { loss, terms, slope } = pinball(layer(4, out2), example.target);

  const gradient = new Map<string, Float64Array>();
  for (const [name, values] of parameters) gradient.set(name, new Float64Array(values.length));
  const back = (index: number, dy: Float64Array, x: Float64Array): Float64Array =>
    affineBack(
      {
        weight: of(parameters, `head.${index}.weight`),
        dWeight: of(gradient, `head.${index}.weight`),
        dBias: of(gradient, `head.${index}.bias`),
      },
      dy,
      x,
    );
  const siluBack = (dy: Float64Array, sum: Float64Array): Float64Array =>
    dy.map((value, index) => {
      const x = sum[index] ?? 0;
      const s = sigmoid(x);
      return value * s * (1 + x * (1 - s));
    });
  const d2 = siluBack(back(4, slope, out2), sum2);
  const d1 = siluBack(back(2, d2, out1), sum1);
  const dFeatures = back(0, d1, features);
  throughTime(parameters, gradient, { steps, x: example.x }, dFeatures.slice(0, state.length));
  return { loss, terms, gradient };
}

function throughTime(
  parameters: ReferenceParameters,
  gradient: Map<string, Float64Array>,
  run: { readonly steps: readonly Step[]; readonly x: readonly Float64Array[] },
  last: Float64Array,
): void {
  let dh = last;
  const part = (side: "ih" | "hh") => ({
    weight: of(parameters, `gru.weight_${side}_l0`),
    dWeight: of(gradient, `gru.weight_${side}_l0`),
    dBias: of(gradient, `gru.bias_${side}_l0`),
  });
  for (let t = run.steps.length - 1; t >= 0; t--) {
    const step = run.steps[t];
    const x = run.x[t];
    if (step === undefined || x === undefined) break;
    const size = dh.length;
    const ih = new Float64Array(3 * size);
    const hh = new Float64Array(3 * size);
    dh.forEach((slope, u) => {
      const [r, z, n, m] = [step.r[u] ?? 0, step.z[u] ?? 0, step.n[u] ?? 0, step.m[u] ?? 0];
      const an = slope * (1 - z) * (1 - n * n);
      ih[u] = an * m * r * (1 - r);
      ih[size + u] = slope * ((step.before[u] ?? 0) - n) * z * (1 - z);
      ih[2 * size + u] = an;
      hh[u] = ih[u] ?? 0;
      hh[size + u] = ih[size + u] ?? 0;
      hh[2 * size + u] = an * r;
    });
    affineBack(part("ih"), ih, x);
    const carried = affineBack(part("hh"), hh, step.before);
    dh = carried.map((value, u) => value + (dh[u] ?? 0) * (step.z[u] ?? 0));
  }
}
