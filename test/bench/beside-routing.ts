import type { Bench } from "./measure.ts";
import type { StageOptions } from "./stage.ts";
import { rateOf, routeBacklog } from "./route-backlog.ts";

export interface BesideRouting<Other> {
  /** Signals per second of one router, mean of a run right before and one right after the other thing. */
  readonly routing: number;
  readonly other: Other;
}

/** Measures something between two runs of routing, so that a machine that changes its speed changes both. */
export async function besideRouting<Other>(
  bench: Bench,
  count: number,
  measureOther: () => Promise<Other>,
  options: Pick<StageOptions, "aof"> = {},
): Promise<BesideRouting<Other>> {
  const before = await routingRate(bench, count, options);
  const other = await measureOther();
  const after = await routingRate(bench, count, options);
  return { routing: (before + after) / 2, other };
}

async function routingRate(bench: Bench, count: number, options: Pick<StageOptions, "aof">): Promise<number> {
  bench.say(`${count} signals through one router, to compare with`);
  return rateOf(await routeBacklog(bench, { count, ...options }));
}
