/**
 * Repacks weights from PyTorch's row-major layout into the order in which the kernels read them, so
 * that an inner loop has one weight pointer and constant offsets. Done once a model.
 */

import { packColumns } from "./affine";

/** Bytes that `packGru` writes: four biases a unit, three weights an input and a hidden unit. */
export function gruPackedBytes(inputSize: i32, hiddenSize: i32): i32 {
  return hiddenSize * (16 + 12 * (inputSize + hiddenSize));
}

/**
 * Packs a GRU for `gruStep`, in the order of its three products: r over [x; h]; n, of four units at a
 * time the part over h and then the part over x; z over [x; h].
 *
 *   weightIh  f32[3H, I]   read; row blocks r, z, n (torch.nn.GRU)
 *   weightHh  f32[3H, H]   read
 *   biasIh    f32[3H]      read
 *   biasHh    f32[3H]      read
 *   packed    f32[3][H / 4][1 or 2 + I + H][4]  written: of four units at a time the biases (r and
 *                          z: both halves summed; n: before each part), then the weights column by
 *                          column
 *
 * Regions must not overlap.
 */
export function packGru(
  weightIh: usize,
  weightHh: usize,
  biasIh: usize,
  biasHh: usize,
  packed: usize,
  inputSize: i32,
  hiddenSize: i32,
): void {
  const gate: usize = (<usize>hiddenSize) << 2;
  const gateIh: usize = gate * <usize>inputSize;
  const gateHh: usize = gate * <usize>hiddenSize;
  packed = packPass(weightIh, weightHh, biasIh, biasHh, packed, inputSize, hiddenSize, hiddenSize);
  const newIh: usize = weightIh + 2 * gateIh;
  const newHh: usize = weightHh + 2 * gateHh;
  for (let unit: i32 = 0; unit < hiddenSize; unit += 4) {
    const at: usize = (<usize>unit) << 2;
    const biases: usize = 2 * gate + at;
    const ih: usize = newIh + at * <usize>inputSize;
    const hh: usize = newHh + at * <usize>hiddenSize;
    packed = packPass(0, hh, 0, biasHh + biases, packed, 0, hiddenSize, 4);
    packed = packPass(ih, 0, biasIh + biases, 0, packed, inputSize, 0, 4);
  }
  packPass(
    weightIh + gateIh,
    weightHh + gateHh,
    biasIh + gate,
    biasHh + gate,
    packed,
    inputSize,
    hiddenSize,
    hiddenSize,
  );
}

/** One gate's rows over [x; h], over x or over h alone; a bias address of 0 adds nothing. */
function packPass(
  weightIh: usize,
  weightHh: usize,
  biasIh: usize,
  biasHh: usize,
  packed: usize,
  inputColumns: i32,
  stateColumns: i32,
  rows: i32,
): usize {
  for (let row: i32 = 0; row < rows; row += 4) {
    for (let at: usize = 0; at < 16; at += 4) {
      let bias: f32 = 0;
      const offset: usize = ((<usize>row) << 2) + at;
      if (biasIh !== 0) bias = load<f32>(biasIh + offset);
      if (biasHh !== 0) bias += load<f32>(biasHh + offset);
      store<f32>(packed + at, bias);
    }
    packed = packColumns(weightIh, packed + 16, inputColumns, (<usize>inputColumns) << 2);
    packed = packColumns(weightHh, packed, stateColumns, (<usize>stateColumns) << 2);
    weightIh += (<usize>inputColumns) << 4;
    weightHh += (<usize>stateColumns) << 4;
  }
  return packed;
}

/** Bytes that `packGruOne` writes: units padded to a multiple of 8. */
export function gruOnePackedBytes(inputSize: i32, hiddenSize: i32): i32 {
  return (((hiddenSize + 7) >> 3) << 5) * (4 + 3 * (inputSize + hiddenSize));
}

/**
 * Packs a GRU for `gruStepOne`: of eight units at a time the biases r, z (both halves summed), n of
 * the input, n of the state; then r, z, n of each input, then of each hidden unit.
 *
 *   packed  f32[ceil(H / 8)][4 + 3I + 3H][8]   written; units beyond H are zero
 *
 * Regions must not overlap.
 */
export function packGruOne(
  weightIh: usize,
  weightHh: usize,
  biasIh: usize,
  biasHh: usize,
  packed: usize,
  inputSize: i32,
  hiddenSize: i32,
): void {
  const gate: usize = (<usize>hiddenSize) << 2;
  const rowIh: usize = (<usize>inputSize) << 2;
  const rowHh: usize = (<usize>hiddenSize) << 2;
  memory.fill(packed, 0, <usize>gruOnePackedBytes(inputSize, hiddenSize));
  for (let unit: i32 = 0; unit < hiddenSize; ++unit) {
    const at: usize = (<usize>unit) << 2;
    const block: usize = (<usize>unit >> 3) * ((4 + 3 * <usize>(inputSize + hiddenSize)) << 5);
    let out: usize = packed + block + (at & 28);
    store<f32>(out, load<f32>(biasIh + at) + load<f32>(biasHh + at));
    store<f32>(out, load<f32>(biasIh + gate + at) + load<f32>(biasHh + gate + at), 32);
    store<f32>(out, load<f32>(biasIh + 2 * gate + at), 64);
    store<f32>(out, load<f32>(biasHh + 2 * gate + at), 96);
    out = spreadUnit(weightIh + rowIh * <usize>unit, out + 128, inputSize, gate * <usize>inputSize);
    spreadUnit(weightHh + rowHh * <usize>unit, out, hiddenSize, gate * <usize>hiddenSize);
  }
}

/** Writes the three gates of one unit with a stride of eight units; returns the end. */
function spreadUnit(source: usize, out: usize, columns: i32, gate: usize): usize {
  for (let column: i32 = 0; column < columns; ++column) {
    store<f32>(out, load<f32>(source));
    store<f32>(out, load<f32>(source + gate), 32);
    store<f32>(out, load<f32>(source + 2 * gate), 64);
    source += 4;
    out += 96;
  }
  return out;
}
