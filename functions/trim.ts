import type { SystemEvent } from "../shared/events.ts";
import type { LogRetention, LogTable } from "../shared/io/log/log-retention.ts";
import type {
  BehindGroup,
  StreamTrimmer,
  TrimPreview,
  TrimmedStream,
} from "../shared/io/streams/stream-trimmer.ts";

/**
 * Trims every stream but `dead_letters`: removes entries that are older than STREAM_RETENTION_MS, or than 10 minutes while Redis
 * is full, and that no group needs, step by step, so that other commands run in between. Throws what the trimmer throws.
 */
export async function trimStreams({ trimmer, stopping }: TrimContext): Promise<readonly StreamTrim[]> {
  const trims: StreamTrim[] = [];
  // Asked once, so that trimming frees more than the last bytes over the limit.
  const isFull = await trimmer.isFull();
  for (const stream of TRIMMED) {
    let trim: StreamTrim = { stream, removed: 0, behind: [] };
    while (!stopping.aborted) {
      const step = await trimmer.step(stream, { isFull });
      trim = { stream, removed: trim.removed + step.removed, behind: behindAfter(trim.behind, step.behind) };
      if (step.removed === 0) break;
    }
    trims.push(trim);
  }
  return trims;
}

export interface TrimContext {
  readonly trimmer: Pick<StreamTrimmer, "isFull" | "step">;
  /** When it aborts, the rest is left for the next run. */
  readonly stopping: AbortSignal;
}

/** The result of trimming one stream. */
export interface StreamTrim {
  readonly stream: TrimmedStream;
  /** Entries removed. */
  readonly removed: number;
  /** Groups further behind than the retention, and what that means for the entries they still need. */
  readonly behind: readonly BehindGroup[];
}

const TRIMMED: readonly TrimmedStream[] = [
  "signals_stream",
  "strategy_input_stream",
  "signal_results",
  "system_events",
];

/** What {@link trimStreams} would remove now, and which groups hold the rest back; removes nothing. */
export async function previewTrim(
  trimmer: Pick<StreamTrimmer, "isFull" | "preview">,
): Promise<readonly StreamTrimPreview[]> {
  const isFull = await trimmer.isFull();
  const previews: StreamTrimPreview[] = [];
  for (const stream of TRIMMED) previews.push({ stream, ...(await trimmer.preview(stream, { isFull })) });
  return previews;
}

/** What trimming would do to one stream. */
export interface StreamTrimPreview extends TrimPreview {
  readonly stream: TrimmedStream;
}

/** A later step knows more about a group, except about the entries that the group has already lost. */
function behindAfter(earlier: readonly BehindGroup[], later: readonly BehindGroup[]): BehindGroup[] {
  const lost = earlier.filter(({ state }) => state === "loses");
  const others = later.filter((group) => !lost.some((one) => one.group === group.group));
  return [...lost, ...others];
}

/** Groups that lose entries, as `stream group`; the caller keeps them from one run to the next. */
export type Losing = ReadonlySet<string>;

/**
 * One warning for each group that loses entries. A group counts as losing until it has caught up, so that a dead one is
 * reported once and not each time another of its entries is removed.
 */
export function lossWarnings(
  trims: readonly StreamTrim[],
  losingBefore: Losing,
): { readonly events: readonly SystemEvent[]; readonly losing: Losing } {
  const events: SystemEvent[] = [];
  const losing = new Set<string>();
  for (const { stream, behind } of trims) {
    for (const one of behind) {
      const name = `${stream} ${one.group}`;
      const wasLosing = losingBefore.has(name);
      if (one.state !== "loses" && !wasLosing) continue;
      losing.add(name);
      if (one.state === "loses" && !wasLosing) events.push(lossWarning(stream, one.group, one.from));
    }
  }
  return { events, losing };
}

function lossWarning(stream: TrimmedStream, group: string, from: string): SystemEvent {
  return {
    level: "WARNING",
    source: "trim",
    message:
      `group ${group} of ${stream} is behind by more than twice STREAM_RETENTION_MS: entries it has not acknowledged are ` +
      "trimmed until it has caught up; remove the group if it is no longer used (XGROUP DESTROY)",
    details: { stream, group, from },
  };
}

/** Removes rows of the log older than LOG_RETENTION_DAYS, by each row's own time, in small batches. */
export async function trimLog({
  log,
  retentionDays,
  now,
  stopping,
  tables = LOG_TABLES,
}: LogTrimContext): Promise<LogTrim> {
  const before = new Date(now - retentionDays * DAY_MS);
  const removed = { signal_log_entries: 0, signal_log: 0, system_log: 0 };
  for (const table of tables) {
    while (!stopping.aborted) {
      const answer = await log.step(table, before);
      if (answer.status === "unavailable") return { removed, error: answer.error };
      removed[table] += answer.rows;
      if (answer.rows === 0) break;
    }
  }
  return { removed };
}

export interface LogTrimContext {
  readonly log: LogRetention;
  /** Older rows are removed. More than 0. */
  readonly retentionDays: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Default: all of them. */
  readonly tables?: readonly LogTable[];
  readonly stopping: AbortSignal;
}

/** Rows removed from each table; with `error` when Postgres was unavailable and the rest is left for the next run. */
export interface LogTrim {
  readonly removed: Readonly<Record<LogTable, number>>;
  readonly error?: string;
}

const DAY_MS = 86_400_000;
/** What belongs to a signal is removed before the signal. */
export const LOG_TABLES: readonly LogTable[] = ["signal_log_entries", "signal_log", "system_log"];
