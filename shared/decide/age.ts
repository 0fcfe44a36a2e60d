import type { Direction } from "../reference/reference.ts";
import type { SubscribedStrategy } from "../reference/snapshot.ts";
import type { Detail, Signal } from "../signal/signal.ts";
import type { DecisionContext } from "./decision.ts";

/** The age of a signal in milliseconds as limits see it: never negative, and 0 when no signal is too old. */
export function ageOf(
  { ageFrom }: Pick<Signal, "ageFrom">,
  { now, anyAge = false }: Pick<DecisionContext, "now" | "anyAge">,
): number {
  return anyAge ? 0 : Math.max(0, now - ageFrom);
}

/** The detail of `stale` when the age is over the limit; undefined when it is not. A limit of 0 is none. */
export function staleDetail(ageMs: number, ageMsMax: number): Detail | undefined {
  return ageMsMax > 0 && ageMs > ageMsMax ? { age_ms: ageMs, age_ms_max: ageMsMax } : undefined;
}

/** What the detail of a stale exit has as `limit` when that is the router's: nothing else in its record says so. */
export const ROUTER_LIMIT = "SIGNAL_AGE_MS_MAX";

/**
 * The detail of `stale` for one strategy: of the router's limit, else of the strategy's own. Its limit for exits, where it has
 * one, counts for them in place of both.
 */
export function staleFor(
  strategy: Pick<SubscribedStrategy, "signal_age_ms_max" | "exit_age_ms_max">,
  ageMs: number,
  { direction, signalAgeMsMax }: { readonly direction: Direction | null; readonly signalAgeMsMax: number },
): Detail | undefined {
  const { signal_age_ms_max, exit_age_ms_max } = strategy;
  if (direction === "flat" && exit_age_ms_max !== undefined) return staleDetail(ageMs, exit_age_ms_max);
  const stale = staleDetail(ageMs, signalAgeMsMax);
  if (stale === undefined) return staleDetail(ageMs, signal_age_ms_max ?? 0);
  return direction === "flat" ? { ...stale, limit: ROUTER_LIMIT } : stale;
}
