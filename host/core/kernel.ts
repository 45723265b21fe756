import { instantiateSync } from "@assemblyscript/loader";
import { RepriseError } from "../lib/errors.js";
import { ABI_VERSION } from "./abi.js";
import type { KernelExports } from "./exports.js";

/** An opened core: raw functions over the memory it was opened with. */
export type Kernel = Readonly<KernelExports>;

/**
 * Instantiates the core over a memory that the host owns. One module may be opened many times over
 * one memory, once a thread.
 *
 * @throws ERR_ABI_MISMATCH when the binary was built for another plan
 */
export function openKernel(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel {
  const { exports } = instantiateSync<KernelExports>(module, { env: { memory } });
  const found = exports.abiVersion();
  if (found !== ABI_VERSION) {
    throw new RepriseError("ERR_ABI_MISMATCH", "the core's binary has another ABI version", {
      got: found,
      expected: `${ABI_VERSION}`,
    });
  }
  return raw(exports);
}

/** Behind the loader's wrappers, which collect the arguments of every call in an array. */
function raw(exports: KernelExports): Kernel {
  const functions = Object.entries(exports).map(([name, wrapped]) => {
    return [name, (wrapped as Wrapped | undefined)?.original ?? wrapped] as const;
  });
  return Object.freeze(Object.fromEntries(functions) as unknown as Kernel);
}

interface Wrapped {
  readonly original?: unknown;
}

/**
 * Runs one kernel call. A trap means a broken invariant inside the core: the instance is not to be
 * used again.
 *
 * @throws ERR_KERNEL_TRAP
 */
export function callKernel<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof WebAssembly.RuntimeError) {
      throw new RepriseError(
        "ERR_KERNEL_TRAP",
        `kernel ${name} trapped: ${cause.message}`,
        {},
        cause,
      );
    }
    throw cause;
  }
}
