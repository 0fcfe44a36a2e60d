import type { RefreshResult } from "../../functions/refresh-reference.ts";
import { previewTrim, type StreamTrim, type StreamTrimPreview, type LogTrim } from "../../functions/trim.ts";
import type { FunctionName } from "../../shared/function-names.ts";
import { loadReferenceRows } from "../../shared/io/reference/reference-source.ts";
import { streamTrimmerOn } from "../../shared/io/streams/stream-trimmer.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import { summaryOf } from "../../shared/reference/row-faults.ts";
import { configuredBindings } from "../bindings/all-bindings.ts";
import type { Budget } from "../consume/budget.ts";
import { previewReclaim, type ReclaimPreview } from "../consume/preview-reclaim.ts";
import { reclaimGroups, type Reclaimed } from "../consume/reclaim-groups.ts";
import { timeLimit } from "../engine/time-limit.ts";
import type { Services } from "../setup/services.ts";
import type { Maintenance } from "./maintenance.ts";

/** This room runs what takes no entries: refresh, reclaim and trim, by schedule or on demand, and the tick of a scheduler. */

/** The names of these functions. */
export const JOB_NAMES = ["refresh-reference", "reclaim", "trim"] as const satisfies readonly FunctionName[];
export type JobName = (typeof JOB_NAMES)[number];

/** What each job answers. */
export interface JobAnswers {
  "refresh-reference": Omit<RefreshResult, "events" | "faultEvents" | "unusable">;
  reclaim: { readonly streams: readonly Reclaimed[] };
  /** `log` is null without LOG_RETENTION_DAYS. */
  trim: { readonly streams: readonly StreamTrim[]; readonly log: LogTrim | null };
}

/** What each job would do. */
export interface JobPreviews {
  "refresh-reference": Pick<RefreshResult, "version" | "counts" | "faults"> & {
    /** Version that is current now; null: there is none. */
    readonly current: string | null;
    /** Whether a refresh would publish. */
    readonly differs: boolean;
    readonly warnings: readonly string[];
  };
  reclaim: { readonly streams: readonly ReclaimPreview[] };
  /** Rows of the log from before `log.before` would go; null without LOG_RETENTION_DAYS. */
  trim: { readonly streams: readonly StreamTrimPreview[]; readonly log: { readonly before: string } | null };
}

export interface Job<Name extends JobName> {
  run(budget: Budget): Promise<JobAnswers[Name]>;
  /** What `run` would do now; changes nothing. */
  preview(): Promise<JobPreviews[Name]>;
}

export type Jobs = { readonly [Name in JobName]: Job<Name> };

const DAY_MS = 86_400_000;

/** The jobs by name. They throw what Redis and Postgres throw. */
export function jobsOf(services: Services, maintenance: Maintenance): Jobs {
  return {
    "refresh-reference": {
      async run() {
        const { state, version, counts, faults } = await services.refresh();
        return { state, version, counts, faults };
      },
      preview: async () => previewRefresh(services),
    },
    reclaim: {
      async run(budget) {
        return { streams: await reclaimGroups(configuredBindings(services), services, budget) };
      },
      async preview() {
        const streams: ReclaimPreview[] = [];
        for (const binding of configuredBindings(services))
          streams.push(await previewReclaim(binding, services));
        return { streams };
      },
    },
    trim: {
      async run(budget) {
        const stopping = timeLimit(budget.leftMs(), budget.stopping);
        const streams = await maintenance.trimStreams(stopping);
        return { streams, log: (await maintenance.trimLog(stopping)) ?? null };
      },
      preview: async () => previewTrimJob(services),
    },
  };
}

/** Reads and builds the reference, and publishes nothing. */
async function previewRefresh(services: Services): Promise<JobPreviews["refresh-reference"]> {
  const { content, version, warnings, faults } = buildReference(await loadReferenceRows(services.database));
  const current = (await services.referenceStore.currentVersion()) ?? null;
  return {
    version,
    current,
    differs: version !== current,
    counts: {
      tickers: content.tickers.size,
      strategies: content.strategies.size,
      phrases: content.phrases.size,
    },
    faults: summaryOf(faults),
    warnings: warnings.map(({ message }) => message),
  };
}

async function previewTrimJob({ redis, keys, clock, config }: Services): Promise<JobPreviews["trim"]> {
  const { streamRetentionMs: retentionMs, logRetentionDays: days } = config;
  const streams = await previewTrim(streamTrimmerOn(redis, keys, { retentionMs }));
  const log = days === 0 ? null : { before: new Date(clock.now() - days * DAY_MS).toISOString() };
  return { streams, log };
}
