import { test } from "uvu";
import * as assert from "uvu/assert";
import { killRounds } from "./kill-script.js";

test("killed 200 times under load, nothing that was acknowledged is lost, doubled or leaked", async () => {
  const report = await killRounds(200, 11);
  console.log(JSON.stringify(report));
  assert.ok(report.proceeded > 200, JSON.stringify(report));
});

test.run();
