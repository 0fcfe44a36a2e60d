import type { KeyedLimit } from "../../shared/keyed-limit.ts";

/** Runs a job as soon as each host that the strategy posts to has a connection for it. */
export type HostRooms = <T>(strategyId: number, job: () => Promise<T>) => Promise<T>;

export interface HostRoomsOptions {
  readonly limit: KeyedLimit<string>;
  /** The params of a strategy; undefined while they are not known. */
  readonly paramsOf: (strategyId: number) => Promise<unknown>;
}

/** Rooms for the hosts of the URLs in a strategy's params. Others are known only once it runs, and then its posts wait. */
export function hostRooms({ limit, paramsOf }: HostRoomsOptions): HostRooms {
  return async (strategyId, job) => {
    const hosts = [...hostsIn(await paramsOf(strategyId))];
    // In the same order everywhere, so that two runs never wait for each other.
    return hosts.toSorted().reduce((inner, host) => async () => limit(host, inner), job)();
  };
}

/** The hosts, with their ports, of the http:// and https:// URLs in a value. */
export function hostsIn(value: unknown): Set<string> {
  if (typeof value === "string") {
    const url = /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : undefined;
    return new Set(url === undefined ? [] : [url.host]);
  }
  if (typeof value !== "object" || value === null) return new Set();
  return new Set(Object.values(value).flatMap((one) => [...hostsIn(one)]));
}
