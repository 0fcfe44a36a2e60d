import type { Bench } from "./measure.ts";
import { routeBacklog } from "./route-backlog.ts";

const known = new WeakMap<Bench, Map<number, number>>();

/**
 * Signals per second of one router with `count` signals waiting, for comparisons; taken once in a run of the bench for each
 * count, since machines drift from one run to the next.
 */
export async function routingRate(bench: Bench, count: number): Promise<number> {
  const rates = known.get(bench) ?? new Map<number, number>();
  known.set(bench, rates);
  const before = rates.get(count);
  if (before !== undefined) return before;
  bench.say(`${count} signals through one router, to compare with`);
  const { signals, seconds } = await routeBacklog(bench, { count });
  const rate = signals / seconds;
  rates.set(count, rate);
  return rate;
}
