import type { Bench } from "./measure.ts";
import { rateOf, routeBacklog, type Backlog } from "./route-backlog.ts";
import type { StageOptions } from "./stage.ts";

/** Measures something between two runs of routing, so that a machine whose speed changes affects both alike. */
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

export interface BesideRouting<Other> {
  /** Signals per second of one router: mean of a run right before and a run right after the other measurement. */
  readonly routing: number;
  /** Upper limit: signals per second if Redis' main thread had been busy with this work all the time. */
  readonly routingMax: number;
  readonly other: Other;
}

async function routed(bench: Bench, count: number, options: Pick<StageOptions, "aof">): Promise<Backlog> {
  bench.say(`${count} signals through one router, for comparison`);
  return routeBacklog(bench, { count, ...options });
}
