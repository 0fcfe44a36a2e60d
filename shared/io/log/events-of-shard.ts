import type { LogRows } from "../../log-rows.ts";
import type { LogStore } from "./log-store.ts";

/** The log of a router with GROUP_SUFFIX: its events name its shard, since all routers of a database share `system_log`. */
export function namingShard(store: LogStore, shard: string): LogStore {
  return {
    async write({ events, ...rows }: LogRows) {
      const named = events.map((event) => ({
        ...event,
        details: { ...Object(event.details), shard } as object,
      }));
      return store.write({ ...rows, events: named });
    },
  };
}
