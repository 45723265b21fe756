/** Prometheus remote-write 1.0: a snappy block that holds a `prometheus.WriteRequest`. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { uncompress } from "snappyjs";
import { RepriseError } from "../../lib/errors.js";
import { LABELS_MAX, type MetricPoint } from "./points.js";
import { eachField } from "./wire.js";

/**
 * @param bytesMax of the message once it is uncompressed
 * @throws ERR_TRACE_FORMAT; then nothing was read
 */
export function readRemoteWrite(body: Uint8Array, bytesMax: number): MetricPoint[] {
  const points: MetricPoint[] = [];
  try {
    const message = new BinaryReader(uncompress(body, bytesMax));
    eachField(message, (field, reader) => {
      if (field !== 1) return false;
      readSeries(new BinaryReader(reader.bytes()), points);
      return true;
    });
  } catch (cause) {
    const expected = "a snappy block of a prometheus.WriteRequest";
    throw new RepriseError("ERR_TRACE_FORMAT", "not remote-write", { expected }, cause);
  }
  return points;
}

function readSeries(series: BinaryReader, points: MetricPoint[]): void {
  const labels = new Map<string, string>();
  const samples: { value: number; timeMs: number }[] = [];
  eachField(series, (field, reader) => {
    if (field === 1) {
      const [name, value] = readLabel(new BinaryReader(reader.bytes()));
      labels.set(name, value);
      if (labels.size > LABELS_MAX) throw new RangeError(`more than ${LABELS_MAX} labels`);
      return true;
    }
    if (field !== 2) return false;
    samples.push(readSample(new BinaryReader(reader.bytes())));
    return true;
  });
  const name = labels.get("__name__");
  if (name === undefined) return;
  for (const sample of samples) points.push({ name, labels, ...sample });
}

function readLabel(label: BinaryReader): [string, string] {
  let [name, value] = ["", ""];
  eachField(label, (field, reader) => {
    if (field === 1) name = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  return [name, value];
}

function readSample(sample: BinaryReader): { value: number; timeMs: number } {
  let [value, timeMs] = [0, 0];
  eachField(sample, (field, reader) => {
    if (field === 1) value = reader.double();
    else if (field === 2) timeMs = Number(reader.int64());
    else return false;
    return true;
  });
  return { value, timeMs };
}
