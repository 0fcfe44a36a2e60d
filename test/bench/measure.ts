import type { FreshDatabase } from "../servers/database.ts";
import type { NeonBridge } from "../servers/neon-bridge.ts";
import type { RedisServer } from "../servers/redis.ts";

/** What a measure works with. Whatever it starts is ended with the bench, if not before. */
export interface Bench {
  /**
   * A Redis of its own, with the AOF written once a second, as `npm start` runs it, but never rewritten: that happens in a
   * process of its own at moments that depend on what was before, and would take one of two cores for a while.
   */
  startRedis(options?: { readonly aof?: "everysec" | "off" }): Promise<RedisServer>;
  /** An empty, migrated database on the run's PostgreSQL, which has the settings it has out of the box. */
  freshDatabase(): Promise<FreshDatabase>;
  /** A proxy for the Neon driver in front of that PostgreSQL. */
  startNeonBridge(): Promise<NeonBridge>;
  /** That many, or fewer in a quick run. */
  scaled(count: number): number;
  /** Tells who waits what is being done. */
  say(text: string): void;
}

/** What a figure has to reach. */
export type Goal = { readonly least: number } | { readonly most: number };

/** One number of the table. */
export interface Figure {
  /** A sentence's worth: `routing, one runner`. */
  readonly name: string;
  readonly value: number;
  /** `signals/s`, `µs/signal`, `ms`, `×`, `%`, `MB` … */
  readonly unit: string;
  readonly goal?: Goal;
  /** What a reader has to know to take it for what it is. */
  readonly note?: string;
}

/** One thing that is measured; it throws when what it measured did not do its work rightly. */
export interface Measure {
  /** For `--only`: `routing`. */
  readonly id: string;
  readonly title: string;
  run(bench: Bench): Promise<readonly Figure[]>;
}
