import type { Redis } from "ioredis";
import { counterRaiserOn } from "../../shared/io/redis/raise-counter.ts";
import type { Keys } from "../../shared/keys.ts";
import { delayedWrite } from "./delayed-write.ts";
import type { EventLog } from "./event-log.ts";
import { failureReporter } from "./failure-reporter.ts";

/**
 * Counters of what no commit knows of, in the same hash. They are added up in the process and written every few seconds, so that
 * requests of strangers cost Redis no write each; what was not written when a process is killed is lost.
 */
export interface ProcessCounters {
  /** Raises a field of the `metrics` hash. */
  add(field: string, by?: number): void;
  /** Writes what has been counted. Never rejects. */
  flush(): Promise<void>;
  /** The same, unless that was done a moment ago: for requests of strangers. */
  flushIfDue(): Promise<void>;
  close(): void;
}

const WRITE_EVERY_MS = 2_000;

export function processCounters(redis: Redis, keys: Keys, events: EventLog): ProcessCounters {
  const raise = counterRaiserOn(redis);
  let counted = new Map<string, number>();
  let writtenAt = -Infinity;

  function add(field: string, by = 1): void {
    counted.set(field, (counted.get(field) ?? 0) + by);
  }

  async function write(): Promise<void> {
    if (counted.size === 0) return;
    writtenAt = performance.now();
    const fields = counted;
    counted = new Map();
    const written = await Promise.allSettled(
      [...fields].map(async ([field, by]) => raise(keys.metrics, field, by)),
    );
    const failed = written.find((one) => one.status === "rejected");
    for (const [i, [field, by]] of [...fields].entries())
      if (written[i]?.status === "rejected") add(field, by);
    if (failed !== undefined) throw failed.reason;
  }

  const writing = delayedWrite(write, {
    delayMs: WRITE_EVERY_MS,
    reporter: failureReporter(events, {
      source: "runner",
      what: "counters of this process cannot be written",
    }),
  });
  return {
    add(field, by) {
      add(field, by);
      writing.request();
    },
    flush: async () => writing.flush(),
    async flushIfDue() {
      if (performance.now() - writtenAt >= WRITE_EVERY_MS) await writing.flush();
    },
    close: () => writing.close(),
  };
}
