import { readFileSync } from "node:fs";
import { RepriseError } from "../lib/errors.js";

/** `shared` is the host's default; `release` is the one for embedders; `relaxed` is opt-in. */
export type BinaryName = "debug" | "release" | "shared" | "relaxed";

/** From build/js/host/core to build/wasm. */
const BINARY_FOLDER = new URL("../../../wasm/", import.meta.url);

const compiled = new Map<BinaryName, WebAssembly.Module>();

/**
 * One of the core's binaries, read and compiled at the first call: a module holds no state, so that
 * all who open it in this thread share it. @throws ERR_CONFIG when it was not built
 */
export function compileBinary(name: BinaryName): WebAssembly.Module {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const module = new WebAssembly.Module(readBinary(name));
  compiled.set(name, module);
  return module;
}

export function readBinary(name: BinaryName): Uint8Array<ArrayBuffer> {
  const file = new URL(`${name}.wasm`, BINARY_FOLDER);
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    throw new RepriseError(
      "ERR_CONFIG",
      `the core's ${name} binary is missing; run npm run build`,
      {
        file: file.pathname,
      },
      cause,
    );
  }
}

/** Whether this engine accepts the relaxed-SIMD binary. */
export function supportsRelaxed(): boolean {
  return WebAssembly.validate(readBinary("relaxed"));
}
