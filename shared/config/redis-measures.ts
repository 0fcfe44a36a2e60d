import { fault, ok, warning, type Remark } from "./remark.ts";

/** What measurements on a Redis mean for the router. */

/** A decision waits for a few round trips. */
const LATENCY_MS_MAX = 10;
/** From here on health is `degraded`. */
const MEMORY_SHARE_MAX = 0.8;
/** A blocking read that ends sooner than this part of its time was cut off. */
const BLOCK_SHARE_MIN = 0.9;

/** @param medianMs of several round trips */
export function latencyRemark(medianMs: number): Remark {
  const shown = `a round trip takes ${medianMs < 10 ? medianMs.toFixed(1) : Math.round(medianMs)} ms`;
  if (medianMs <= LATENCY_MS_MAX) return ok(shown);
  return warning(
    `${shown} (median): every decision waits for a few of them; run the router nearer to Redis (up to ${LATENCY_MS_MAX} ms is fine)`,
  );
}

/** Bytes; null where the server does not report them. `max` 0: without a limit. */
export function memoryRemark({
  used,
  max,
}: {
  readonly used: number | null;
  readonly max: number | null;
}): Remark {
  if (used === null || max === null) return ok("the server does not report its memory");
  if (max === 0) return ok(`${megabytes(used)} of memory in use, without a limit (maxmemory 0)`);
  const shown = `${Math.round((100 * used) / max)} % of maxmemory in use (${megabytes(used)} of ${megabytes(max)})`;
  if (used < MEMORY_SHARE_MAX * max) return ok(shown);
  return warning(`${shown}: a full Redis decides no signals; raise maxmemory, or lower STREAM_RETENTION_MS`);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}

/** @param asked how long the read was to wait, in ms */
export function blockingRemark({ asked, took }: { readonly asked: number; readonly took: number }): Remark {
  if (took >= BLOCK_SHARE_MIN * asked) return ok(`blocking reads work (waited ${asked} ms)`);
  return fault(
    `a blocking read ended after ${Math.round(took)} ms instead of ${asked}: something between the router and Redis does not let it wait, such as a proxy; connect to Redis itself`,
  );
}

/** Clocks that differ by more make times in the log hard to compare. */
const CLOCK_MS_MAX = 5_000;

/** @param offsetMs how far the clock is ahead of Redis', in ms */
export function clockRemark(whose: string, offsetMs: number): Remark {
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
  if (Math.abs(offsetMs) <= CLOCK_MS_MAX) return ok(`${whose} and Redis' differ by ${seconds} s`);
  const way = offsetMs > 0 ? "ahead of" : "behind";
  return warning(
    `${whose} is ${seconds} s ${way} Redis': ages are measured by Redis' clock, so signals with a sent_at may seem stale or from the future; synchronise both (NTP)`,
  );
}
