import { setTimeout as after } from "node:timers/promises";

/** What a router process uses after garbage collection, as it reports itself. */
export interface ProcessUse {
  /** Of the heap, and of buffers outside it. */
  readonly bytes: number;
  /** Files and connections; 0 where the system does not say. */
  readonly openFiles: number;
}

/** Makes a process collect its garbage whenever it receives SIGUSR2; for NODE_OPTIONS. */
export const COLLECTING = `--import=data:text/javascript,${encodeURIComponent(
  `import { setFlagsFromString } from "node:v8";
   import { runInNewContext } from "node:vm";
   setFlagsFromString("--expose-gc");
   const collect = runInNewContext("gc");
   process.on("SIGUSR2", () => { collect(); collect(); });`,
)}`;

/** Asks a router that was started with {@link COLLECTING}. */
export async function processUse(router: CollectingRouter): Promise<ProcessUse> {
  const { url, token, signal } = router;
  signal("SIGUSR2");
  // The first answer may be from before the signal arrived.
  await metrics(url, token);
  await after(SETTLED_MS);
  const text = await metrics(url, token);
  const value = (name: string): number =>
    Number(new RegExp(`^signal_router_${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
  return {
    bytes: value("nodejs_heap_size_used_bytes") + value("nodejs_external_memory_bytes"),
    openFiles: value("process_open_fds"),
  };
}

export interface CollectingRouter {
  readonly url: string;
  readonly token: string;
  readonly signal: (name: NodeJS.Signals) => void;
}

const SETTLED_MS = 500;

async function metrics(url: string, token: string): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
}
