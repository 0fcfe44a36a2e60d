import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Bytes this process uses after garbage collection: the heap, and buffers outside it. */
export function usedBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
