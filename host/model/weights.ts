/** The net's weights: a safetensors file with the tensor names of `torch.nn.GRU` and a head. */

import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import {
  type NetworkShape,
  type NetworkTensors,
  WEIGHT_NAMES,
  type WeightName,
  weightShapes,
} from "../core/network-shape.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { parseTensors, type ShapeCheck, serializeTensors, type Tensor } from "./safetensors.js";

export {
  HEAD_ROWS,
  type NetworkShape,
  WEIGHT_NAMES,
  type WeightName,
  weightShapes,
} from "../core/network-shape.js";

/** Every value finite. */
export interface NetworkWeights extends NetworkTensors {
  /** `<name>@<first 12 hexadecimal digits of the payload's SHA-256>` */
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

function shapeOf(found: ReadonlyMap<string, readonly number[]>): NetworkShape {
  const hiddenSize = found.get("gru.weight_hh_l0")?.[1] ?? 0;
  return {
    hiddenSize,
    inputSize: found.get("gru.weight_ih_l0")?.[1] ?? 0,
    summarySize: (found.get("head.0.weight")?.[1] ?? 0) - hiddenSize,
  };
}

function checkShapes(found: ReadonlyMap<string, readonly number[]>): ShapeCheck {
  const shape = shapeOf(found);
  const { hiddenSize, inputSize, summarySize } = shape;
  const field = "gru.weight_hh_l0";
  if (hiddenSize < 4 || hiddenSize > LIMITS.hiddenSizeMax || hiddenSize % 4 !== 0) {
    const expected = `a hidden size of 4 to ${LIMITS.hiddenSizeMax}, a multiple of 4`;
    return { field, got: found.get(field), expected };
  }
  if (inputSize < 1 || inputSize > LIMITS.inputSizeMax) {
    const expected = `1 to ${LIMITS.inputSizeMax} inputs`;
    return { field: "gru.weight_ih_l0", got: found.get("gru.weight_ih_l0"), expected };
  }
  if (summarySize < 1 || summarySize > LIMITS.summarySizeMax) {
    const expected = `${hiddenSize} hidden units and 1 to ${LIMITS.summarySizeMax} features`;
    return { field: "head.0.weight", got: found.get("head.0.weight"), expected };
  }
  for (const [name, expected] of Object.entries(weightShapes(shape))) {
    const got = found.get(name);
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      return { field: name, got, expected: `[${expected.join(", ")}]` };
    }
  }
  return undefined;
}

/**
 * Reads and checks the bytes of a weights file.
 *
 * @param file what errors and, without a name in the metadata, the version call it
 * @throws ERR_WEIGHTS_FORMAT naming the check that failed, the field, what was got and expected
 */
export function parseWeights(bytes: Uint8Array, file: string): NetworkWeights {
  const schema = { names: WEIGHT_NAMES, dtypes: ["F32"], shapes: checkShapes } as const;
  const { tensors, metadata, sha256 } = parseTensors(bytes, file, schema);
  const shapes = new Map([...tensors].map(([name, tensor]) => [name, tensor.shape]));
  const named = Object.fromEntries(
    [...tensors].map(([name, tensor]) => [name, tensor.data]),
  ) as Record<WeightName, Float32Array>;
  for (const name of WEIGHT_NAMES) checkFinite(named[name], name, file);
  const title = metadata.name ?? basename(file).replace(/\.safetensors$/, "");
  const version = `${title}@${sha256.slice(0, 12)}`;
  return { tensors: named, ...shapeOf(shapes), version, metadata };
}

function checkFinite(values: Float32Array, name: string, file: string): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  throw new RepriseError("ERR_WEIGHTS_FORMAT", "value check failed", {
    file,
    field: `${name}[${at}]`,
    got: values[at],
    expected: "a finite number",
  });
}

/**
 * Reads a weights file.
 *
 * @throws ERR_CONFIG when it cannot be read, ERR_WEIGHTS_FORMAT when it is not ours
 */
export function readWeights(file: string): NetworkWeights {
  let bytes: Uint8Array;
  try {
    const size = statSync(file).size;
    if (size > LIMITS.weightsBytesMax) {
      throw new RepriseError("ERR_WEIGHTS_FORMAT", "size check failed", {
        file,
        got: size,
        expected: `at most ${LIMITS.weightsBytesMax} bytes`,
      });
    }
    bytes = readFileSync(file);
  } catch (cause) {
    if (cause instanceof RepriseError) throw cause;
    throw new RepriseError("ERR_CONFIG", "the weights file cannot be read", { file }, cause);
  }
  return parseWeights(bytes, file);
}

export interface WeightsContent extends NetworkShape {
  readonly tensors: Readonly<Record<WeightName, Float32Array>>;
  /** What the version starts with. */
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The bytes of a weights file; `parseWeights` reads them back to the same bits. */
export function serializeWeights(content: WeightsContent): Uint8Array<ArrayBuffer> {
  const shapes = weightShapes(content);
  const tensors = new Map<string, Tensor>(
    WEIGHT_NAMES.map((name) => [
      name,
      { dtype: "F32", shape: shapes[name], data: content.tensors[name] },
    ]),
  );
  const bytes = serializeTensors(tensors, { ...content.metadata, name: content.name });
  // Nothing is written that could not be read again.
  parseWeights(bytes, content.name);
  return bytes;
}

/** Writes beside the file and renames, so that a reader sees the old file or the new one whole. */
export function writeWeights(file: string, content: WeightsContent): void {
  const bytes = serializeWeights(content);
  const draft = `${file}.draft`;
  writeFileSync(draft, bytes);
  renameSync(draft, file);
}
