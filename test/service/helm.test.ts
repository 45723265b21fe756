/** The chart: its values fit its schema, and what it renders is what the manifests say. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse, parseAllDocuments } from "yaml";
import { parseConfig } from "../../host/service/config/load.js";
import { render } from "../support/helm-subset.js";

const CHART = "deploy/helm/reprise";
const textOf = (path: string) => readFileSync(`${CHART}/${path}`, "utf8");
const values = parse(textOf("values.yaml")) as Record<string, unknown>;
const schema = JSON.parse(textOf("values.schema.json")) as object;

interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec: Record<string, unknown> };
    readonly volumeClaimTemplates?: readonly unknown[];
  };
}

function rendered(more: Record<string, unknown> = {}): Map<string, Manifest> {
  const { version, appVersion } = parse(textOf("Chart.yaml")) as Record<string, string>;
  const scope = {
    Values: { ...values, ...more },
    Release: { Name: "reprise" },
    Chart: { AppVersion: appVersion ?? version },
  };
  return manifestsOf(
    readdirSync(`${CHART}/templates`)
      .map((name) => render(textOf(`templates/${name}`), scope))
      .join("\n---\n"),
  );
}

function manifestsOf(text: string): Map<string, Manifest> {
  const documents = parseAllDocuments(text);
  assert.ok(Array.isArray(documents));
  return new Map(
    documents.map((document) => {
      assert.equal(document.errors, []);
      const manifest = document.toJS() as Manifest;
      return [manifest.kind, manifest];
    }),
  );
}

test("values fit the schema, and slips do not", () => {
  const check = new Ajv({ strict: false }).compile(schema);
  assert.ok(check(values), JSON.stringify(check.errors));
  for (const wrong of [
    { replicas: 2 },
    { service: { port: 0 } },
    { config: { ledger: { folder: "/elsewhere" } } },
    { storage: { size: "much" } },
  ]) {
    assert.not(check({ ...values, ...wrong }), JSON.stringify(wrong));
  }
});

test("what it renders is what the plain manifests say", () => {
  const chart = rendered();
  const plain = manifestsOf(readFileSync("deploy/kubernetes/reprise.yaml", "utf8"));
  assert.equal([...chart.keys()].sort(), [...plain.keys()].sort());
  const set = (all: Map<string, Manifest>) => all.get("StatefulSet")?.spec;
  assert.is(set(chart)?.replicas, 1);
  assert.equal(set(chart)?.volumeClaimTemplates, set(plain)?.volumeClaimTemplates);
  const { nodeSelector, tolerations, ...pod } = set(chart)?.template?.spec ?? {};
  assert.equal([nodeSelector, tolerations], [{}, []]);
  const [container] = pod.containers as [Record<string, unknown>];
  assert.is(container.imagePullPolicy, "IfNotPresent");
  delete container.imagePullPolicy;
  assert.equal(pod, set(plain)?.template?.spec);
  const config = (all: Map<string, Manifest>) => {
    const text = all.get("ConfigMap")?.data?.["reprise.yaml"] ?? "";
    return parseConfig(text, { file: "reprise.yaml", environment: {} });
  };
  assert.equal(config(chart), config(plain));
});

test("values reach their places", () => {
  const chart = rendered({
    image: { repository: "registry.example/reprise", tag: "9", pullPolicy: "Always" },
    config: { modes: { default: "enforce", groups: { web: "off" } } },
    storage: { size: "8Gi", className: "fast" },
    tolerations: [{ key: "spot", operator: "Exists" }],
  });
  const text = JSON.stringify(chart.get("StatefulSet"));
  for (const part of [
    '"image":"registry.example/reprise:9"',
    '"storageClassName":"fast","resources":{"requests":{"storage":"8Gi"}}',
    '"tolerations":[{"key":"spot","operator":"Exists"}]',
  ]) {
    assert.ok(text.includes(part), part);
  }
  const yaml = chart.get("ConfigMap")?.data?.["reprise.yaml"] ?? "";
  const { modes } = parseConfig(yaml, { file: "reprise.yaml", environment: {} });
  assert.equal(modes, { default: "enforce", groups: { web: "off" } });
});

const helm = spawnSync("helm", ["lint", "--strict", CHART], { encoding: "utf8" });
if (helm.error !== undefined) console.log("skipped: no helm is installed");

(helm.error === undefined ? test : test.skip)("helm itself finds nothing", () => {
  assert.is(helm.status, 0, helm.stdout + helm.stderr);
});

test.run();
