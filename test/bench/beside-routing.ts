import type { Bench } from "./measure.ts";
import { rateOf, routeBacklog, type Backlog } from "./route-backlog.ts";
import type { StageOptions } from "./stage.ts";

export interface BesideRouting<Other> {
  /** Signals per second of one router, mean of a run right before and one right after the other thing. */
  readonly routing: number;
  /** Signals per second if Redis' main thread had done this work without a pause in these runs: more is not to be had. */
  readonly routingMax: number;
  readonly other: Other;
}

/** Measures something between two runs of routing, so that a machine that changes its speed changes both. */
export async function besideRouting<Other>(
  bench: Bench,
  count: number,
  measureOther: () => Promise<Other>,
  options: Pick<StageOptions, "aof"> = {},
): Promise<BesideRouting<Other>> {
  const before = await routed(bench, count, options);
  const other = await measureOther();
  const after = await routed(bench, count, options);
  const busyUs = before.redis.mainThreadUs + after.redis.mainThreadUs;
  return {
    routing: (rateOf(before) + rateOf(after)) / 2,
    routingMax: (before.signals + after.signals) / (busyUs / 1e6),
    other,
  };
}

async function routed(bench: Bench, count: number, options: Pick<StageOptions, "aof">): Promise<Backlog> {
  bench.say(`${count} signals through one router, to compare with`);
  return routeBacklog(bench, { count, ...options });
}
