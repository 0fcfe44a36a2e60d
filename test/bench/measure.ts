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

/** What a figure is in; `%` and `×` are ratios that say what of, `× base` is one to the base of its measure. */
export type Unit = "signals/s" | "tasks/s" | "rows/s" | "µs" | "ms" | "MB" | "×" | "× base" | "%";

/** One number of the table. */
export interface Figure {
  /** A sentence's worth: `routing, one runner`. */
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly goal?: Goal;
  /** What a reader has to know to take it for what it is. */
  readonly note?: string;
}

/** Every measure, for `--only`, in the order they are taken and shown in. */
export const MEASURE_IDS = [
  "routing",
  "ceiling",
  "bullmq",
  "plain-loop",
  "latency",
  "pinging",
  "log",
  "execution",
  "growth",
  "memory",
  "cold-start",
] as const;

export type MeasureId = (typeof MEASURE_IDS)[number];

/** One thing that is measured; it throws when what it measured did not do its work rightly. */
export interface Measure {
  readonly id: MeasureId;
  readonly title: string;
  /** @throws PartlyMeasured when some of it has been measured */
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** A part of a measure has failed, and there are figures of the rest. */
export class PartlyMeasured extends Error {
  readonly figures: readonly Figure[];

  constructor(message: string, figures: readonly Figure[]) {
    super(message);
    this.figures = figures;
  }
}
