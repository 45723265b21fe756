import { test } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { DemoCluster } from "../../host/service/demo/demo-cluster.js";
import { Service } from "../../host/service/serve.js";
import { configOf } from "./support.js";

test("the virtual cluster lives in the service, and both end when asked", async () => {
  const demo = await DemoCluster.open({ seed: 1, minutesPerSecond: 10_000 });
  const { instanceCount } = demo;
  const config = configOf(`
profiler: { instancesMax: ${instanceCount}, workers: 0 }
modes: { default: enforce }
log: { level: silent }`);
  const service = await Service.open({ config, version: "test", demo });
  try {
    const { ledger, allocator, profiler } = service.runtime;
    for (let n = 0; n < 600 && ledger.count("decision") < 5; n++) await sleep(50);
    assert.is(profiler.instanceCount, instanceCount);
    assert.ok(ledger.count("decision") >= 5, `${ledger.count("decision")} decisions`);
    allocator.checkInvariants();
  } finally {
    await service.close();
  }
});

test.run();
