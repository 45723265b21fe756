/** OpenTelemetry metrics as protobuf: `ExportMetricsServiceRequest`, gauges and sums of it. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { RepriseError } from "../../lib/errors.js";
import { LABELS_MAX, type MetricPoint } from "./points.js";
import { eachField } from "./wire.js";

type Labels = ReadonlyMap<string, string>;

const DELTA = 1;
const NO_VALUE = 1;
const MS = 1_000_000n;

/** @throws ERR_TRACE_FORMAT; then nothing was read */
export function readOtlpBinary(body: Uint8Array): MetricPoint[] {
  const points: MetricPoint[] = [];
  try {
    each(body, 1, (resourceMetrics) => readResource(resourceMetrics, points));
  } catch (cause) {
    const expected = "an ExportMetricsServiceRequest";
    throw new RepriseError("ERR_TRACE_FORMAT", "not OpenTelemetry metrics", { expected }, cause);
  }
  return points;
}

function readResource(bytes: Uint8Array, points: MetricPoint[]): void {
  const labels = new Map<string, string>();
  each(bytes, 1, (resource) => each(resource, 1, (pair) => addAttribute(pair, labels)));
  each(bytes, 2, (scope) => each(scope, 2, (metric) => readMetric(metric, labels, points)));
}

function readMetric(bytes: Uint8Array, labels: Labels, points: MetricPoint[]): void {
  let name = "";
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field !== 1) return false;
    name = reader.string();
    return true;
  });
  const of = { name, labels, isDelta: false };
  each(bytes, 5, (gauge) => each(gauge, 1, (point) => readPoint(point, of, points)));
  each(bytes, 7, (sum) => {
    let temporality = 0;
    eachField(new BinaryReader(sum), (field, reader) => {
      if (field !== 2) return false;
      temporality = reader.int32();
      return true;
    });
    const isDelta = temporality === DELTA;
    each(sum, 1, (point) => readPoint(point, { ...of, isDelta }, points));
  });
}

interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly isDelta: boolean;
}

function readPoint(bytes: Uint8Array, { name, labels, isDelta }: Series, points: MetricPoint[]) {
  const all = new Map(labels);
  let [sinceMs, timeMs, value, flags] = [0, 0, Number.NaN, 0];
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 2) sinceMs = toMs(reader.fixed64());
    else if (field === 3) timeMs = toMs(reader.fixed64());
    else if (field === 4) value = reader.double();
    else if (field === 6) value = Number(reader.sfixed64());
    else if (field === 7) addAttribute(reader.bytes(), all);
    else if (field === 8) flags = reader.uint32();
    else return false;
    return true;
  });
  if ((flags & NO_VALUE) !== 0) value = Number.NaN;
  points.push({ name, labels: all, timeMs, value, ...(isDelta ? { sinceMs } : {}) });
}

function addAttribute(bytes: Uint8Array, labels: Map<string, string>): void {
  let key = "";
  let text: string | undefined;
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 1) key = reader.string();
    else if (field === 2) text = readValue(reader.bytes());
    else return false;
    return true;
  });
  if (text !== undefined) labels.set(key, text);
  if (labels.size > LABELS_MAX) throw new RangeError(`more than ${LABELS_MAX} attributes`);
}

/** Lists and maps name nobody. */
function readValue(bytes: Uint8Array): string | undefined {
  let text: string | undefined;
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 1) text = reader.string();
    else if (field === 2) text = `${reader.bool()}`;
    else if (field === 3) text = `${reader.int64()}`;
    else if (field === 4) text = `${reader.double()}`;
    else return false;
    return true;
  });
  return text;
}

/** Each message of a repeated field. */
function each(bytes: Uint8Array, wanted: number, read: (message: Uint8Array) => void): void {
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field !== wanted) return false;
    read(reader.bytes());
    return true;
  });
}

function toMs(nanoseconds: bigint | string): number {
  return Number(BigInt(nanoseconds) / MS);
}
