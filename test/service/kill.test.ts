import { test } from "uvu";
import * as assert from "uvu/assert";
import { killRounds } from "./kill-script.js";

test("killed twice under load, nothing that was acknowledged is lost, doubled or leaked", async () => {
  const report = await killRounds(2, 7);
  assert.ok(report.proceeded > 1, JSON.stringify(report));
});

test.run();
