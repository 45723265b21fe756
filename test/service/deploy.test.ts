/** What is shipped to operate it names only what there is. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAllDocuments } from "yaml";
import { parseConfig } from "../../host/service/config/load.js";
import { ENFORCING, withService } from "./support.js";

const test = suite("deploy");
const DEPLOY = "deploy";
const textOf = (...path: string[]) => readFileSync(join(DEPLOY, ...path), "utf8");

interface Manifest {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: {
      readonly spec: {
        readonly securityContext: object;
        readonly containers: readonly { readonly securityContext: object }[];
      };
    };
  };
}

function manifests(): Manifest[] {
  const documents = parseAllDocuments(textOf("kubernetes", "reprise.yaml"));
  assert.ok(Array.isArray(documents));
  return documents.map((document) => {
    assert.equal(document.errors, []);
    return document.toJS() as Manifest;
  });
}

test("alerts and dashboard ask for metrics that are there", async () => {
  await withService(ENFORCING, async (_call, { metrics }) => {
    const known = new Set(metrics.registry.getMetricsAsArray().map(({ name }) => name));
    const [rules] = parseAllDocuments(textOf("prometheus", "alerts.yaml")) as {
      errors: unknown[];
    }[];
    assert.equal(rules?.errors, []);
    for (const text of [textOf("prometheus", "alerts.yaml"), textOf("grafana", "reprise.json")]) {
      const names = [...new Set(text.match(/\breprise_[a-z_]+/g))];
      assert.ok(names.length > 4);
      for (const name of names) {
        assert.ok(known.has(name.replace(/_(bucket|count|sum)$/, "")), `no metric ${name}`);
      }
    }
    const { panels } = JSON.parse(textOf("grafana", "reprise.json")) as { panels: unknown[] };
    assert.ok(panels.length > 5);
  });
});

test("the manifests run one writer without rights, with a configuration that loads", () => {
  const all = manifests();
  const set = all.find(({ kind }) => kind === "StatefulSet");
  assert.is(set?.spec?.replicas, 1);
  const rights = JSON.stringify(set?.spec?.template?.spec.securityContext);
  assert.ok(rights.includes(`"runAsNonRoot":true`), rights);
  const [container] = set?.spec?.template?.spec.containers ?? [];
  const text = JSON.stringify(container?.securityContext);
  for (const word of ['"readOnlyRootFilesystem":true', '"drop":["ALL"]']) {
    assert.ok(text.includes(word), text);
  }
  const yaml = all.find(({ kind }) => kind === "ConfigMap")?.data?.["reprise.yaml"] ?? "";
  const config = parseConfig(yaml, { file: "reprise.yaml", environment: {} });
  assert.is(config.listen.host, "0.0.0.0");
});

test("systemd takes the unit, the image runs without root and copies what is there", () => {
  const verify = spawnSync("systemd-analyze", ["verify", join(DEPLOY, "systemd/reprise.service")]);
  if (verify.error === undefined) {
    // The machine that tests need not have node where the unit has it.
    const lines = String(verify.stderr).split("\n");
    assert.equal(
      lines.filter((line) => line.includes("reprise.service") && !line.includes("not executable")),
      [],
    );
  }
  const image = textOf("Dockerfile");
  assert.match(image, /^USER node$/m);
  const copied = [...image.matchAll(/^COPY --from=build \S+ (.+) \S+$/gm)].flatMap((found) =>
    (found[1] ?? "").split(" ").map((path) => path.replace("/src/", "")),
  );
  assert.ok(copied.includes("host/model"));
  const there = readdirSync(".");
  for (const path of copied) assert.ok(there.includes(path.split("/")[0] ?? ""), path);
});

test.run();
