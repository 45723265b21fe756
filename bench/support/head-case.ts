import { seededFloats } from "./data.js";

/** One head in PyTorch's layout and what it is fed: the same numbers for every variant. */
export interface HeadCase {
  readonly hiddenSize: number;
  readonly summarySize: number;
  readonly batchSize: number;
  readonly layers: readonly HeadLayer[];
  /** f32[batch][hidden + summary] */
  readonly rows: Float32Array;
}

export interface HeadLayer {
  /** f32[rows][columns] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly columns: number;
}

const ROWS = [96, 64, 48];

export function seededHeadCase(
  seed: number,
  shape: Pick<HeadCase, "hiddenSize" | "summarySize" | "batchSize">,
): HeadCase {
  const width = shape.hiddenSize + shape.summarySize;
  const layers = ROWS.map((rows, index) => {
    const columns = index === 0 ? width : (ROWS[index - 1] as number);
    const bound = 1 / Math.sqrt(columns);
    const range = { min: -bound, max: bound };
    return {
      columns,
      weight: seededFloats(seed + 2 * index, rows * columns, range),
      bias: seededFloats(seed + 2 * index + 1, rows, range),
    };
  });
  return { ...shape, layers, rows: seededFloats(seed + 9, shape.batchSize * width) };
}

/** Multiply-adds count twice; activations are left out. */
export function headFlops({ layers, batchSize }: HeadCase): number {
  return layers.reduce((sum, layer) => sum + 2 * layer.weight.length, 0) * batchSize;
}
