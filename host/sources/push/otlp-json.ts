/** OpenTelemetry metrics as JSON, the same message in camel case. */
import { RepriseError } from "../../lib/errors.js";
import { LABELS_MAX, type MetricPoint } from "./points.js";

type Tree = Readonly<Record<string, unknown>>;

const MS = 1_000_000n;

/** @throws ERR_TRACE_FORMAT; then nothing was read */
export function readOtlpJson(body: Uint8Array): MetricPoint[] {
  const points: MetricPoint[] = [];
  try {
    const root = tree(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)));
    for (const part of list(root.resourceMetrics)) {
      const labels = withAttributes(new Map(), tree(part.resource ?? {}).attributes);
      for (const scope of list(part.scopeMetrics)) {
        for (const metric of list(scope.metrics)) readMetric(metric, labels, points);
      }
    }
  } catch (cause) {
    const expected = "an ExportMetricsServiceRequest as JSON";
    throw new RepriseError("ERR_TRACE_FORMAT", "not OpenTelemetry metrics", { expected }, cause);
  }
  return points;
}

function readMetric(metric: Tree, labels: Map<string, string>, points: MetricPoint[]): void {
  const name = String(metric.name ?? "");
  const sum = tree(metric.sum ?? {});
  const { aggregationTemporality } = sum;
  const isDelta =
    aggregationTemporality === 1 || aggregationTemporality === "AGGREGATION_TEMPORALITY_DELTA";
  const gauges = list(tree(metric.gauge ?? {}).dataPoints);
  for (const point of gauges) points.push(toPoint(point, { name, labels, isDelta: false }));
  for (const point of list(sum.dataPoints)) points.push(toPoint(point, { name, labels, isDelta }));
}

interface Series {
  readonly name: string;
  readonly labels: Map<string, string>;
  readonly isDelta: boolean;
}

function toPoint(point: Tree, { name, labels, isDelta }: Series): MetricPoint {
  const hasNone = (Number(point.flags ?? 0) & 1) !== 0;
  const value = hasNone ? Number.NaN : Number(point.asDouble ?? point.asInt ?? Number.NaN);
  const all = withAttributes(new Map(labels), point.attributes);
  const timeMs = toMs(point.timeUnixNano);
  const since = isDelta ? { sinceMs: toMs(point.startTimeUnixNano) } : {};
  return { name, labels: all, timeMs, value, ...since };
}

function withAttributes(labels: Map<string, string>, attributes: unknown): Map<string, string> {
  for (const { key, value } of list(attributes)) {
    const { stringValue, boolValue, intValue, doubleValue } = tree(value ?? {});
    const scalar = stringValue ?? boolValue ?? intValue ?? doubleValue;
    if (scalar !== undefined) labels.set(String(key), String(scalar));
  }
  if (labels.size > LABELS_MAX) throw new RangeError(`more than ${LABELS_MAX} attributes`);
  return labels;
}

function toMs(nanoseconds: unknown): number {
  return Number(BigInt(String(nanoseconds ?? 0)) / MS);
}

function tree(value: unknown): Tree {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Tree;
  throw new TypeError("an object was expected");
}

function list(value: unknown): readonly Tree[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map(tree);
  throw new TypeError("a list was expected");
}
