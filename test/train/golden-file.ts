import { readFileSync } from "node:fs";
import { present } from "../../host/lib/assert.js";

/** From build/js/test/train to test/golden. */
const FOLDER = new URL("../../../../test/golden/", import.meta.url);

interface Entry {
  readonly dtype: "F32" | "F64";
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** Reads a golden file whole, as float64. */
export function readGolden(name: string): (tensor: string) => GoldenTensor {
  const bytes = readFileSync(new URL(`${name}.safetensors`, FOLDER));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, Entry> = JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes));
  return (tensor) => {
    const entry = present(header[tensor], `tensor ${tensor}`);
    const [from, to] = entry.data_offsets.map((offset) => offset + 8 + headerBytes);
    const copy = Uint8Array.from(bytes.subarray(from, to));
    const values =
      entry.dtype === "F32"
        ? Float64Array.from(new Float32Array(copy.buffer))
        : new Float64Array(copy.buffer);
    return { shape: entry.shape, values };
  };
}
