import type { FreshDatabase } from "../servers/database.ts";
import type { NeonBridge } from "../servers/neon-bridge.ts";
import type { RedisServer } from "../servers/redis.ts";

/** What a measure works with. A server that it starts is stopped with the bench at the latest. */
export interface Bench {
  /**
   * A new Redis that writes its AOF once a second, as `npm start` runs it, but never rewrites it: a rewrite is a process
   * of its own, which starts at moments that depend on earlier work, and would take one of two cores for a while.
   */
  startRedis(options?: { readonly aof?: "everysec" | "off" }): Promise<RedisServer>;
  /** An empty, migrated database on the run's PostgreSQL, which has its default settings. */
  freshDatabase(): Promise<FreshDatabase>;
  /** A proxy for the Neon driver in front of that PostgreSQL. */
  startNeonBridge(): Promise<NeonBridge>;
  /** The count at the scale of this run, at least 1. */
  scaled(count: number): number;
  /** Prints a line of progress. */
  say(text: string): void;
}

/** The bound that a figure should keep. */
export type Goal = { readonly least: number } | { readonly most: number };

/** Unit of a figure; `%` and `×` are ratios that its name explains, `× base` is that to the base of its measure. */
export type Unit =
  | "signals/s"
  | "tasks/s"
  | "rows/s"
  | "µs"
  | "ms"
  | "MB"
  | "commands"
  | "×"
  | "× base"
  | "%";

/** One number of the table. */
export interface Figure {
  /** Such as `routing, one router`. */
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly goal?: Goal;
  /** What a reader has to know to judge it. */
  readonly note?: string;
}

/** Every measure, as `--only` takes it, in the order in which they are taken and shown. */
export const MEASURE_IDS = [
  "routing",
  "extra",
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

/** One thing that is measured; it throws when the measured work had a wrong result. */
export interface Measure {
  readonly id: MeasureId;
  readonly title: string;
  /** @throws PartlyMeasured when only a part failed */
  run(bench: Bench): Promise<readonly Figure[]>;
}

/** A part of a measure failed; carries the figures of the rest. */
export class PartlyMeasured extends Error {
  readonly figures: readonly Figure[];

  constructor(message: string, figures: readonly Figure[]) {
    super(message);
    this.figures = figures;
  }
}
