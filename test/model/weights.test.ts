import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError, type RepriseError } from "../../host/lib/errors.js";
import { LIMITS } from "../../host/lib/limits.js";
import { Prng } from "../../host/lib/prng.js";
import { parseTensors, serializeTensors, type Tensor } from "../../host/model/safetensors.js";
import {
  type NetworkShape,
  parseWeights,
  readWeights,
  serializeWeights,
  WEIGHT_NAMES,
  type WeightName,
  type WeightsContent,
  weightShapes,
  writeWeights,
} from "../../host/model/weights.js";
import { sameBits } from "../support/kernel-bed.js";
import { randomFloats } from "../support/net.js";

const test = suite("weights");
const SHAPE: NetworkShape = { inputSize: 5, hiddenSize: 12, summarySize: 7 };

function content(): WeightsContent {
  const prng = new Prng(1);
  const shapes = weightShapes(SHAPE);
  const tensors = Object.fromEntries(
    WEIGHT_NAMES.map((name) => {
      const count = shapes[name].reduce((product, size) => product * size, 1);
      return [name, randomFloats(prng, count, 1)];
    }),
  ) as Record<WeightName, Float32Array>;
  return { ...SHAPE, tensors, name: "tiny", metadata: { command: "none" } };
}

type Header = Record<string, Record<string, unknown>>;

/** The good file with its header edited, the payload as it was. */
function edited(edit: (header: Header) => void): Uint8Array {
  const bytes = serializeWeights(content());
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as Header;
  edit(header);
  return assemble(JSON.stringify(header), bytes.subarray(8 + length));
}

function changed(entry: string, field: string, value: unknown): Uint8Array {
  return edited((header) => {
    const found = header[entry] ?? {};
    found[field] = value;
  });
}

function assemble(header: string, payload: Uint8Array): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, payload]);
}

function refusal(bytes: Uint8Array): RepriseError {
  try {
    parseWeights(bytes, "some.safetensors");
  } catch (error) {
    if (isRepriseError(error)) return error;
    throw error;
  }
  throw new Error("the file was accepted");
}

test("what is written is read back to the bit, from any alignment", () => {
  const wanted = content();
  const bytes = serializeWeights(wanted);
  for (const shift of [0, 1, 2, 3]) {
    const moved = new Uint8Array(bytes.length + shift).subarray(shift);
    moved.set(bytes);
    // A Buffer too: its slice is a view, not a copy.
    for (const form of [moved, Buffer.from(moved)]) {
      const found = parseWeights(form, "x.safetensors");
      assert.equal(
        [found.inputSize, found.hiddenSize, found.summarySize],
        [SHAPE.inputSize, SHAPE.hiddenSize, SHAPE.summarySize],
      );
      for (const name of WEIGHT_NAMES) {
        assert.ok(sameBits(found.tensors[name], wanted.tensors[name]), name);
      }
      assert.match(found.version, /^tiny@[0-9a-f]{12}$/);
      assert.is(found.metadata.command, "none");
    }
  }
});

test("a file on disk: written whole, version from its payload, name from the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-weights-"));
  try {
    const file = join(folder, "model.safetensors");
    writeWeights(file, content());
    const found = readWeights(file);
    assert.is(found.version, parseWeights(readFileSync(file), file).version);
    assert.equal(readdirSync(folder), ["model.safetensors"]);
    const unnamed = edited((header) => {
      header.__metadata__ = {};
    });
    writeFileSync(file, unnamed);
    const digits = found.version.split("@")[1];
    assert.is(readWeights(file).version, `model@${digits}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file that is not there, or too large to be ours", () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-weights-"));
  try {
    assert.throws(
      () => readWeights(join(folder, "none.safetensors")),
      (error: RepriseError) =>
        error.code === "ERR_CONFIG" && /none\.safetensors/.test(error.message),
    );
    const file = join(folder, "large.safetensors");
    writeFileSync(file, "");
    // Sparse: takes no room on the disk.
    truncateSync(file, LIMITS.weightsBytesMax + 1);
    assert.throws(
      () => readWeights(file),
      (error: RepriseError) => error.code === "ERR_WEIGHTS_FORMAT" && /size/.test(error.message),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const BAD_FILES: readonly (readonly [string, () => Uint8Array, RegExp, RegExp])[] = [
  ["an empty file", () => new Uint8Array(0), /^some.safetensors: size check/, /got 0/],
  ["seven bytes", () => new Uint8Array(7), /size check/, /got 7, expected 8 to/],
  [
    "a header of 2^60 bytes",
    () => {
      const bytes = serializeWeights(content());
      new DataView(bytes.buffer).setBigUint64(0, 1n << 60n, true);
      return bytes;
    },
    /header length check/,
    /got 1152921504606846976, expected 2 to/,
  ],
  [
    "a header longer than the file",
    () => serializeWeights(content()).subarray(0, 100),
    /header length check/,
    /expected 2 to 92 bytes/,
  ],
  ["a header that is no JSON", () => assemble("{oops", new Uint8Array(4)), /header check/, /oops/],
  ["a header that is a list", () => assemble("[1]", new Uint8Array(4)), /header check/, /\[1\]/],
  [
    "a header that is not UTF-8",
    () => Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0xff, 0xfe])]),
    /header check/,
    /UTF-8/,
  ],
  [
    "metadata that is not text",
    () => changed("__metadata__", "name", 3),
    /field __metadata__: header check/,
    /object of strings/,
  ],
  [
    "a negative size",
    () => changed("head.0.bias", "shape", [-96]),
    /field head.0.bias.shape: header check/,
    /array of counts/,
  ],
  [
    "a missing tensor",
    () => edited((header) => void delete header["gru.bias_hh_l0"]),
    /field gru.bias_hh_l0: name check/,
    /to be there/,
  ],
  [
    "an unknown tensor",
    () =>
      edited((header) => {
        header["gru.weight_ih_l1"] = { dtype: "F32", shape: [0], data_offsets: [0, 0] };
      }),
    /field gru.weight_ih_l1: name check/,
    /unknown tensor/,
  ],
  [
    "another dtype",
    () => changed("head.2.bias", "dtype", "BF16"),
    /field head.2.bias: dtype check/,
    /got "BF16", expected F32/,
  ],
  [
    "a wrong shape",
    () => changed("head.2.bias", "shape", [8, 8]),
    /field head.2.bias: shape check/,
    /got \[8,8\], expected \[64\]/,
  ],
  [
    "a hidden size that is no multiple of 4",
    () => changed("gru.weight_hh_l0", "shape", [30, 10]),
    /field gru.weight_hh_l0: shape check/,
    /multiple of 4/,
  ],
  [
    "overlapping offsets",
    () => changed("head.4.bias", "data_offsets", [0, 192]),
    /offset check/,
    /got \[0,/,
  ],
  [
    "a truncated payload",
    () => {
      const bytes = serializeWeights(content());
      return bytes.subarray(0, bytes.length - 4);
    },
    /payload length check/,
    /bytes/,
  ],
  [
    "bytes after the payload",
    () => Buffer.concat([serializeWeights(content()), Buffer.alloc(4)]),
    /payload length check/,
    /bytes/,
  ],
  [
    "a changed payload",
    () => {
      const bytes = serializeWeights(content());
      bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
      return bytes;
    },
    /checksum check/,
    /__metadata__\.sha256/,
  ],
  [
    "a NaN among the weights",
    () => {
      const bytes = edited((header) => void delete header.__metadata__);
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).writeFloatLE(
        Number.NaN,
        bytes.length - 4,
      );
      return bytes;
    },
    /field head.4.bias\[47\]: value check/,
    /got NaN, expected a finite number/,
  ],
];

for (const [what, make, check, rest] of BAD_FILES) {
  test(`refuses ${what}`, () => {
    const error = refusal(make());
    assert.is(error.code, "ERR_WEIGHTS_FORMAT");
    assert.match(error.message, /some\.safetensors/);
    assert.match(error.message, check);
    assert.match(error.message, rest);
  });
}

test("cut anywhere, the file is refused and never half read", () => {
  const bytes = serializeWeights(content());
  for (let length = 0; length < bytes.length; length += 37) {
    assert.is(refusal(bytes.subarray(0, length)).code, "ERR_WEIGHTS_FORMAT");
  }
});

test("any order of tensors, F64 tensors and empty ones are read by the container", () => {
  const tensors = new Map<string, Tensor>([
    ["b", { dtype: "F64", shape: [2], data: Float64Array.of(0.1, -0) }],
    ["none", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
    ["scalar", { dtype: "F32", shape: [], data: Float32Array.of(7) }],
  ]);
  const { tensors: found } = parseTensors(serializeTensors(tensors, {}), "x");
  assert.equal([...found.keys()], ["b", "none", "scalar"]);
  for (const [name, tensor] of tensors) assert.equal(found.get(name), tensor);
});

test.run();
