import { TIMER_MS_MAX, type Config } from "./config.ts";

/** How long one run of a strategy may take, with what does not count for STRATEGY_TIMEOUT_MS. */

/** Longest time to look up a host, to connect to it and to agree on TLS, in ms. */
export const CONNECT_MS_MAX = 5_000;
/** Longest wait for one of the connections of STRATEGY_CONNECTIONS_PER_HOST_MAX, in ms; then the run is tried again. */
export const CONNECTION_WAIT_MS_MAX = 60_000;

type Limits = Pick<Config, "strategyTimeoutMs" | "strategyConnectionsPerHostMax">;

/** Longest time in which the limit of a run stands still because it has no connection yet, in ms. */
export function connectionMsMaxOf({ strategyConnectionsPerHostMax: max }: Limits): number {
  return max === undefined ? CONNECT_MS_MAX : CONNECTION_WAIT_MS_MAX + CONNECT_MS_MAX;
}

/** Longest time of a run, in ms. */
export function runMsMaxOf(config: Limits): number {
  return Math.min(config.strategyTimeoutMs + connectionMsMaxOf(config), TIMER_MS_MAX);
}
