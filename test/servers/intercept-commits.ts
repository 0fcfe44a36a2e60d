import type { Redis } from "ioredis";

/** Both texts of the commit script, by the names they are defined with. */
const COMMITS: ReadonlySet<string | symbol> = new Set(["commitEntries", "commitEntriesWhenFull"]);

/** The connection, except that `around` decides when and whether each call of the commit script is sent. */
export function interceptCommits(
  redis: Redis,
  around: (send: () => Promise<unknown>) => Promise<unknown>,
): Redis {
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (!COMMITS.has(name) || typeof value !== "function") return value;
      return async (...args: unknown[]) => around(async () => value.apply(redis, args) as Promise<unknown>);
    },
  });
}
