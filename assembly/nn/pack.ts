/**
 * Repacks weights from PyTorch's row-major layout into the order in which the kernels read them, so
 * that an inner loop has one weight pointer and constant offsets. Done once a model.
 */

/** Bytes of one unit's block: four biases, then three weights an input and three a hidden unit. */
export function gruUnitBytes(inputSize: i32, hiddenSize: i32): i32 {
  return 16 + 12 * (inputSize + hiddenSize);
}

/** Bytes that `packGru` writes. */
export function gruPackedBytes(inputSize: i32, hiddenSize: i32): i32 {
  return hiddenSize * gruUnitBytes(inputSize, hiddenSize);
}

/**
 * Packs a GRU for `gruStep`.
 *
 *   weightIh  f32[3H, I]   read; row blocks r, z, n (torch.nn.GRU)
 *   weightHh  f32[3H, H]   read
 *   biasIh    f32[3H]      read
 *   biasHh    f32[3H]      read
 *   packed    f32[H][4 + 3I + 3H]  written: of each unit the biases r, z (both halves summed),
 *                          n of the input, n of the state; then r, z, n of each input, then of each
 *                          hidden unit
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
  for (let unit: i32 = 0; unit < hiddenSize; ++unit) {
    const at: usize = (<usize>unit) << 2;
    store<f32>(packed, load<f32>(biasIh + at) + load<f32>(biasHh + at));
    store<f32>(packed, load<f32>(biasIh + gate + at) + load<f32>(biasHh + gate + at), 4);
    store<f32>(packed, load<f32>(biasIh + 2 * gate + at), 8);
    store<f32>(packed, load<f32>(biasHh + 2 * gate + at), 12);
    packed = packUnit(weightIh, packed + 16, unit, inputSize, hiddenSize);
    packed = packUnit(weightHh, packed, unit, hiddenSize, hiddenSize);
  }
}

/** Interleaves rows unit, H + unit, 2H + unit of weight f32[3H, columns]; returns the end. */
function packUnit(weight: usize, out: usize, unit: i32, columns: i32, hiddenSize: i32): usize {
  const row: usize = (<usize>columns) << 2;
  const gate: usize = row * <usize>hiddenSize;
  let source: usize = weight + row * <usize>unit;
  for (let column: i32 = 0; column < columns; ++column) {
    store<f32>(out, load<f32>(source));
    store<f32>(out, load<f32>(source + gate), 4);
    store<f32>(out, load<f32>(source + 2 * gate), 8);
    source += 4;
    out += 12;
  }
  return out;
}

/** Bytes that `packGruOne` writes: units padded to a multiple of 8. */
export function gruOnePackedBytes(inputSize: i32, hiddenSize: i32): i32 {
  return (((hiddenSize + 7) >> 3) << 5) * (4 + 3 * (inputSize + hiddenSize));
}

/**
 * Packs a GRU for `gruStepOne`: as `packGru`, but with eight units where that has one.
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
