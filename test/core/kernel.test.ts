import { test } from "uvu";
import * as assert from "uvu/assert";
import { ABI_VERSION } from "../../host/core/abi.js";
import { ArenaPlan } from "../../host/core/arena.js";
import {
  type BinaryName,
  compileBinary,
  readBinary,
  supportsRelaxed,
} from "../../host/core/binary.js";
import { callKernel, openKernel } from "../../host/core/kernel.js";
import { thrownBy } from "../support/thrown.js";

const memoryFor = (name: BinaryName) =>
  new ArenaPlan(1024).createMemory(name === "shared" || name === "relaxed");

/** A module whose only function, abiVersion, returns `version`. Hand-assembled. */
function moduleWithVersion(version: number): WebAssembly.Module {
  const name = new TextEncoder().encode("abiVersion");
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  bytes.push(1, 5, 1, 0x60, 0, 1, 0x7f); // type () -> i32
  bytes.push(3, 2, 1, 0); // one function of it
  bytes.push(7, name.length + 4, 1, name.length, ...name, 0, 0);
  bytes.push(10, 6, 1, 4, 0, 0x41, version, 0x0b); // i32.const version
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

for (const name of ["debug", "release", "shared"] as const) {
  test(`${name} opens over the host's memory`, () => {
    const kernel = openKernel(compileBinary(name), memoryFor(name));
    assert.is(kernel.abiVersion(), ABI_VERSION);
    assert.ok(kernel.arenaBase() >= 1024 && kernel.arenaBase() % 64 === 0);
  });
}

test("relaxed opens where the engine accepts it, and is refused where it does not", () => {
  if (supportsRelaxed()) {
    const kernel = openKernel(compileBinary("relaxed"), memoryFor("relaxed"));
    assert.is(kernel.abiVersion(), ABI_VERSION);
  } else {
    const isRefusal = (thrown: unknown) => thrown instanceof WebAssembly.CompileError;
    assert.throws(() => compileBinary("relaxed"), isRefusal);
  }
});

test("one module opens many times over one memory", () => {
  const module = compileBinary("shared");
  const memory = memoryFor("shared");
  const first = openKernel(module, memory);
  const second = openKernel(module, memory);
  assert.is(first.arenaBase(), second.arenaBase());
});

test("a binary of another plan is refused, both versions named", () => {
  const other = ABI_VERSION + 1;
  const error = thrownBy(() => openKernel(moduleWithVersion(other), memoryFor("release")));
  assert.is(error.code, "ERR_ABI_MISMATCH");
  assert.match(error.message, new RegExp(`got ${other}, expected ${ABI_VERSION}`));
  const good = openKernel(moduleWithVersion(ABI_VERSION), memoryFor("release"));
  assert.is(good.abiVersion(), ABI_VERSION);
});

test("the shared binary takes no unshared memory", () => {
  assert.throws(() => openKernel(compileBinary("shared"), memoryFor("release")), /shared/);
});

test("a missing binary is a configuration error that says what to run", () => {
  const error = thrownBy(() => readBinary("nothing" as BinaryName));
  assert.is(error.code, "ERR_CONFIG");
  assert.match(error.message, /npm run build/);
  assert.match(error.context.file ?? "", /nothing\.wasm$/);
});

test("a trap becomes a typed error that names the kernel, other errors pass", () => {
  const trap = () => {
    throw new WebAssembly.RuntimeError("unreachable");
  };
  const error = thrownBy(() => callKernel("gruStep", trap));
  assert.is(error.code, "ERR_KERNEL_TRAP");
  assert.match(error.message, /gruStep/);
  assert.ok(error.cause instanceof WebAssembly.RuntimeError);
  const passed = () =>
    callKernel("gruStep", () => {
      throw new TypeError("not a trap");
    });
  assert.throws(passed, (thrown: unknown) => thrown instanceof TypeError);
  assert.is(
    callKernel("gruStep", () => 7),
    7,
  );
});

test.run();
