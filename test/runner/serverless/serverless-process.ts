import { pathToFileURL } from "node:url";

/**
 * An instance of a serverless platform: loads the entry named on the command line when it starts, and answers what it is
 * sent. `later` is what the clock shows after a freeze.
 */
const [, , entry = ""] = process.argv;
const entryPoint = (await import(pathToFileURL(entry).href)) as {
  readonly handler?: (event: unknown) => Promise<unknown>;
  readonly default?: { fetch(request: Request): Promise<Response> };
};

export interface Asked {
  readonly id: number;
  /** For Lambda: an event. */
  readonly event?: unknown;
  /** For a `fetch` entry. */
  readonly url?: string;
  readonly init?: RequestInit;
  readonly laterMs?: number;
}

process.on("message", ({ id, event, url, init, laterMs = 0 }: Asked) => {
  if (laterMs > 0) {
    const { now } = Date;
    Date.now = () => now() + laterMs;
  }
  const answer = url === undefined ? entryPoint.handler?.(event) : viaFetch(new Request(url, init));
  answer?.then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.send?.("ready");

async function viaFetch(request: Request): Promise<unknown> {
  const response = await entryPoint.default?.fetch(request);
  return { statusCode: response?.status, body: await response?.text() };
}
