import { Redis } from "ioredis";
import { afterAll, afterEach } from "vitest";
import type { Holding, Holdings } from "../../../runner/holding/holdings.ts";
import { holdingsOn } from "../../../runner/holding/open-holdings.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { FUNCTION_NAMES, type FunctionName } from "../../../shared/function-names.ts";
import { keysOf, type Keys, type OrderedGroup } from "../../../shared/keys.ts";
import { freshPrefix } from "../../servers/fixtures.ts";

/** One runner of a test, without anything that reads. */
export interface Runner extends Holdings {
  readonly name: string;
  readonly keys: Keys;
  readonly events: readonly SystemEvent[];
  /** Holds the group and keeps it alive; resolves when it is held. */
  keep(group: OrderedGroup): Promise<Holding>;
}

interface RunnerOptions {
  readonly functions?: readonly FunctionName[];
  /** Default: that of the test. */
  readonly prefix?: string;
  /** A way to the same Redis; default: the direct one. */
  readonly redisUrl?: string;
}

/** Runners on one Redis, with keys of their own in each test. */
export function useRunners(url: () => string, { leaseMs }: { readonly leaseMs: number }) {
  let keys = keysOf(freshPrefix());
  let redis: Redis | undefined;
  const open: Holdings[] = [];
  const stopping = new AbortController();
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (holdings) => holdings.close()));
    keys = keysOf(freshPrefix());
  });
  afterAll(() => redis?.disconnect());
  return {
    get keys() {
      return keys;
    },
    get redis() {
      if (redis === undefined) {
        redis = new Redis(url());
        redis.on("error", () => undefined);
      }
      return redis;
    },
    runner(
      name: string,
      { functions = FUNCTION_NAMES, prefix, redisUrl = url() }: RunnerOptions = {},
    ): Runner {
      const events: SystemEvent[] = [];
      const ownKeys = prefix === undefined ? keys : keysOf(prefix);
      const holdings = holdingsOn({
        config: { leaseMs, functions: [...functions] },
        redisUrl,
        consumer: name,
        keys: ownKeys,
        events: { publish: (event) => void events.push(event), flush: async () => undefined },
      });
      open.push(holdings);
      return {
        ...holdings,
        name,
        keys: ownKeys,
        events,
        async keep(group) {
          const holding = await holdings.hold(group, { stopping: stopping.signal });
          if (holding === undefined) throw new Error("stopped");
          const timer = setInterval(() => holding.alive(), leaseMs / 5);
          holding.lost.addEventListener("abort", () => clearInterval(timer));
          return holding;
        },
      };
    },
    async leaseOf(group: OrderedGroup, of: Pick<Runner, "keys"> = { keys }) {
      return this.redis.hgetall(of.keys.groupLease(group));
    },
  };
}
