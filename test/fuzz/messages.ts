/** Readers of single messages and files against mutants of real ones. */
import { readFileSync } from "node:fs";
import type fc from "fast-check";
import { compress } from "snappyjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseTensors, serializeTensors } from "../../host/model/safetensors.js";
import {
  parseWeights,
  serializeWeights,
  WEIGHT_NAMES,
  type WeightName,
  weightShapes,
} from "../../host/model/weights.js";
import { type ConfigOrigin, parseConfig } from "../../host/service/config/load.js";
import { readOtlpBinary } from "../../host/sources/push/otlp-binary.js";
import { readOtlpJson } from "../../host/sources/push/otlp-json.js";
import type { MetricPoint } from "../../host/sources/push/points.js";
import { PushBoard } from "../../host/sources/push/push-board.js";
import { readRemoteWrite } from "../../host/sources/push/remote-write.js";
import { ENFORCING } from "../service/support.js";
import { BINARY_FIRST, BINARY_SECOND } from "../support/otlp-bytes.js";
import { remoteWriteMessage } from "../support/remote-write-bytes.js";
import { ROOT } from "../support/source-files.js";
import { fuzz, readOrRefuse } from "./fuzz.js";
import { mutantBytes, mutantJson } from "./mutants.js";
import { OTLP_JSON } from "./seeds.js";

const BYTES_MAX = 1 << 20;
/** A line of YAML that is all errors takes its time. */
const STRETCH_BYTES = 9_000;
const ORIGIN: ConfigOrigin = { file: "reprise.yaml", environment: {} };

/** A whole file of weights, small enough for many. */
function smallWeights(): Uint8Array {
  const shape = { inputSize: 5, hiddenSize: 12, summarySize: 7 };
  const shapes = weightShapes(shape);
  const tensors = Object.fromEntries(
    WEIGHT_NAMES.map((name) => {
      const count = shapes[name].reduce((product, size) => product * size, 1);
      return [name, Float32Array.from({ length: count }, (_, n) => n / count)];
    }),
  ) as Record<WeightName, Float32Array>;
  return serializeWeights({ ...shape, tensors, name: "tiny", metadata: { command: "none" } });
}

/** The header's members are changed as JSON, its length put right, the payload as it was. */
function mutantHeaders(file: Uint8Array): fc.Arbitrary<Buffer> {
  const bytes = Buffer.from(file);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const header: unknown = JSON.parse(bytes.subarray(8, end).toString());
  return mutantJson([header]).map((text) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, bytes.subarray(end)]);
  });
}

function weightTests(add: Add): void {
  const small = smallWeights();
  const { tensors } = parseTensors(small, "small");
  const without = Buffer.from(serializeTensors(tensors, {}));
  const shipped = readFileSync(`${ROOT}host/model/weights/reprise-h32.safetensors`);
  const read = (bytes: Buffer) =>
    readOrRefuse(["ERR_WEIGHTS_FORMAT"], () => {
      for (const data of Object.values(parseWeights(bytes, "w").tensors)) {
        assert.ok(data.every(Number.isFinite));
      }
    });
  const files = [small, small, small, small, small, small, small, small, without, shipped];
  add("weights, byte by byte", mutantBytes(files), read);
  add("weights, their header", mutantHeaders(small), read);
}

function configTests(add: Add): void {
  const manifest = readFileSync(`${ROOT}deploy/kubernetes/reprise.yaml`, "utf8");
  const whole = JSON.stringify(parseConfig(ENFORCING, ORIGIN));
  const yaml = [
    ...[ENFORCING, ENFORCING, EVERY_KIND, EVERY_KIND],
    ...[`a: &a [1]\nb: [*a, *a]\n${ENFORCING}`, manifest, whole],
  ].map((text) => Buffer.from(text));
  const read = (bytes: Buffer) =>
    readOrRefuse(["ERR_CONFIG", "ERR_ARGUMENT"], () => {
      const config = parseConfig(bytes.toString("utf8"), ORIGIN);
      // What is in force is itself a configuration, and the same one.
      assert.equal(parseConfig(JSON.stringify(config), ORIGIN), config);
    });
  add("configuration as text", mutantBytes(yaml, STRETCH_BYTES), read);
  add("configuration as a tree", mutantJson([JSON.parse(whole)], STRETCH_BYTES), read);
}

const EVERY_KIND = `
source: host
host: { rules: [{ kind: cgroup, path: /system.slice/*.service, name: "{1}" }] }
push: { mappings: [{ metric: up, instance: "{pod}", resource: cpu, match: { job: a } }] }
notices: { cloud: azure, endpoint: "http://127.0.0.1:1", nodes: { vm0: n1 } }
auth: { tokensFile: tokens.jsonl }
modes: { default: off, groups: { web: enforce } }
`;

function pushTests(add: Add): void {
  const labels = { __name__: "container.cpu.time", "k8s.pod.name": "cart-0" };
  const message = remoteWriteMessage([
    {
      labels,
      samples: [
        [1_795_000_000_000, 2.5],
        [1_795_000_060_000, 3],
      ],
    },
    { labels: { ...labels, __name__: "container.memory.usage" }, samples: [[1, Number.NaN]] },
  ]);
  const board = () =>
    new PushBoard({
      mappings: (["cpu", "memory"] as const).map((resource) => ({
        metric: resource === "cpu" ? "container.cpu.time" : "container.memory.usage",
        match: {},
        instance: "{k8s.pod.name}",
        resource,
        scale: 1,
        kind: resource === "cpu" ? ("counter" as const) : ("gauge" as const),
      })),
      ...{ windowMs: 60_000, settleMs: 0, seriesMax: 100 },
    });
  const taken = (read: (bytes: Buffer) => MetricPoint[]) => (bytes: Buffer) =>
    readOrRefuse(["ERR_TRACE_FORMAT"], () => {
      const points = board();
      points.take(read(bytes), 1_795_000_100_000);
      for (const { instanceId, timeMs } of points.due(1_795_000_200_000)) {
        assert.ok(instanceId !== "" && Number.isSafeInteger(timeMs) && timeMs > 0);
      }
    });
  const remote = taken((bytes) => readRemoteWrite(bytes, BYTES_MAX));
  add("remote-write, packed", mutantBytes([Buffer.from(compress(message))]), remote);
  add("remote-write, its message", mutantBytes([message]), (bytes) =>
    remote(Buffer.from(compress(bytes))),
  );
  const binary = [BINARY_FIRST, BINARY_SECOND].map((text) => Buffer.from(text, "base64"));
  add("OpenTelemetry as protobuf", mutantBytes(binary), taken(readOtlpBinary));
  const json = Buffer.from(JSON.stringify(OTLP_JSON));
  add("OpenTelemetry as JSON, bytes", mutantBytes([json]), taken(readOtlpJson));
  add("OpenTelemetry as JSON, members", mutantJson([OTLP_JSON]), taken(readOtlpJson));
}

type Add = (
  name: string,
  mutants: fc.Arbitrary<Buffer>,
  read: (mutant: Buffer) => Promise<unknown>,
) => void;

export function messageTests(runs: number) {
  const test = suite("mutants of messages");
  const add: Add = (name, mutants, read) => test(name, () => fuzz(runs, mutants, read));
  weightTests(add);
  configTests(add);
  pushTests(add);
  return test;
}
