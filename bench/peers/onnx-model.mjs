/**
 * Writes an ONNX model of one GRU: just enough of the protocol-buffer format for it, so that the
 * benchmark needs neither Python nor a file made elsewhere. Field numbers are those of onnx.proto
 * (IR version 8, operator set 14).
 */

const VARINT = 0;
const BYTES = 2;
const FLOAT_TENSOR = 1;
const INT_ATTRIBUTE = 2;

function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const number = (field, value) => Buffer.concat([varint(field * 8 + VARINT), varint(value)]);
const bytes = (field, body) =>
  Buffer.concat([varint(field * 8 + BYTES), varint(body.length), body]);
const text = (field, value) => bytes(field, Buffer.from(value, "utf8"));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little-endian). */
function initializer(name, dims, floats) {
  const raw = Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
  return message(
    5,
    ...dims.map((dim) => number(1, dim)),
    number(2, FLOAT_TENSOR),
    text(8, name),
    bytes(9, raw),
  );
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 } } }. */
function value(field, name, dims) {
  const shape = message(2, ...dims.map((dim) => message(1, number(1, dim))));
  const type = message(2, message(1, number(1, FLOAT_TENSOR), shape));
  return message(field, text(1, name), type);
}

/** AttributeProto: name 1, i 3, type 20. */
const integer = (name, setting) =>
  message(5, text(1, name), number(3, setting), number(20, INT_ATTRIBUTE));

/** Rows of the gates r, z, n (PyTorch) in the order z, r, n that ONNX wants. */
function reorder(floats, rowCount) {
  const block = floats.length / 3;
  if (!Number.isInteger(block / rowCount)) throw new Error("a gate's rows have no whole width");
  const swapped = Float32Array.from(floats);
  swapped.set(floats.subarray(block, 2 * block), 0);
  swapped.set(floats.subarray(0, block), block);
  return swapped;
}

/**
 * The model of one case of `bench/support/gru-case.ts`: inputs `x` f32[step][batch][input] and `h`
 * f32[1][batch][hidden], output `y` f32[1][batch][hidden], the state after the last step.
 */
export function gruModel(gruCase) {
  const { inputSize, hiddenSize, batchSize, stepCount } = gruCase;
  const rows = hiddenSize;
  const bias = new Float32Array(6 * hiddenSize);
  bias.set(reorder(gruCase.biasIh, rows), 0);
  bias.set(reorder(gruCase.biasHh, rows), 3 * hiddenSize);
  const inputs = ["x", "w", "r", "b", "", "h"].map((name) => text(1, name));
  const node = message(
    1,
    ...inputs,
    text(2, ""),
    text(2, "y"),
    text(4, "GRU"),
    integer("hidden_size", hiddenSize),
    integer("linear_before_reset", 1),
  );
  const graph = message(
    7,
    node,
    text(2, "gru"),
    initializer("w", [1, 3 * hiddenSize, inputSize], reorder(gruCase.weightIh, rows)),
    initializer("r", [1, 3 * hiddenSize, hiddenSize], reorder(gruCase.weightHh, rows)),
    initializer("b", [1, 6 * hiddenSize], bias),
    value(11, "x", [stepCount, batchSize, inputSize]),
    value(11, "h", [1, batchSize, hiddenSize]),
    value(12, "y", [1, batchSize, hiddenSize]),
  );
  return Buffer.concat([number(1, 8), graph, message(8, number(2, 14))]);
}
