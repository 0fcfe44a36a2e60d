import type { Redis } from "ioredis";
import { deadLetterEffects } from "../../shared/dead-letter.ts";
import type { Entry } from "../../shared/entry.ts";
import { messageOf } from "../../shared/error-message.ts";
import { eventAppend, type SystemEvent } from "../../shared/events.ts";
import type { Branch } from "../../shared/function.ts";
import { lostEntriesOn, type LostEvidence, type Suspect } from "../../shared/io/streams/lost-entries.ts";
import { GroupMissingError } from "../../shared/io/streams/pending-entries.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { ProcessDeps, ProcessedEntry } from "../engine/process-batch.ts";

/**
 * Watches the entries that a consumer was given and did not commit. After CLAIM_IDLE_MS each is pending for some consumer, or
 * finished; one that is neither was dropped by its group, and this process alone still has its fields.
 */
export interface LostEntryWatch {
  /** To be called with each entry as soon as its work has ended, and with what became of it, as far as that is known. */
  watch(entries: readonly Entry[], processed?: ProcessedEntry): void;
  /** Checks at once what is still watched; to be called before the consumer leaves. */
  close(): Promise<void>;
}

export interface LostEntryDeps extends Pick<ProcessDeps, "clock" | "events"> {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly claimIdleMs: number;
}

/** Streams whose entries are lost when their group drops them; a record that is dropped has been written to the log. */
const WATCHED_STREAMS: readonly string[] = ["signals_stream", "strategy_input_stream"];

interface Watched extends Suspect {
  /** From `performance.now()`. */
  readonly checkAt: number;
}

export function watchLostEntries(binding: Binding, deps: LostEntryDeps): LostEntryWatch {
  const { redis, keys, claimIdleMs } = deps;
  if (!WATCHED_STREAMS.includes(binding.stream)) return NOTHING_WATCHED;
  const lostEntries = lostEntriesOn(redis, keys, binding);
  let watched: Watched[] = [];
  let timer: NodeJS.Timeout | undefined;
  let checking: Promise<void> = Promise.resolve();

  async function check(due: readonly Watched[]): Promise<void> {
    try {
      await lostEntries.settleLost(due);
    } catch (error) {
      watched = [...due.map((one) => ({ ...one, checkAt: performance.now() + claimIdleMs })), ...watched];
      // Without its group nothing is known about an entry, and the loop reports that the group is missing.
      if (!(error instanceof GroupMissingError)) reportFailure(error);
    }
  }

  function reportFailure(error: unknown): void {
    const message = `whether entries of ${binding.stream} were lost could not be checked: ${messageOf(error)}; it is checked again`;
    deps.events.publish({ level: "WARNING", source: binding.functionName, message });
  }

  function schedule(): void {
    if (watched.length === 0 || timer !== undefined) return;
    const nextAt = Math.min(...watched.map(({ checkAt }) => checkAt));
    timer = setTimeout(() => void (checking = checkDue()), Math.max(1, nextAt - performance.now())).unref();
  }

  async function checkDue(): Promise<void> {
    const now = performance.now();
    const due = watched.filter(({ checkAt }) => checkAt <= now);
    watched = watched.filter(({ checkAt }) => checkAt > now);
    await check(due);
    timer = undefined;
    schedule();
  }

  return {
    watch(entries, processed) {
      if (entries.length === 0) return;
      const checkAt = performance.now() + claimIdleMs;
      for (const entry of entries) {
        watched.push({
          entry,
          checkAt,
          effects: (evidence) => effectsOf({ entry, processed, evidence }, binding, deps),
        });
      }
      schedule();
    },
    async close() {
      await checking;
      clearTimeout(timer);
      if (watched.length > 0) await check(watched);
      watched = [];
    },
  };
}

const NOTHING_WATCHED: LostEntryWatch = { watch: () => undefined, close: async () => undefined };

/** Whether the entry was committed by this process; any other may have been dropped by its group. */
export function isFinished(processed: ProcessedEntry): boolean {
  return processed.status === "committed" && processed.outcome !== "fenced";
}

/** The outcome of a task that was run to its end; else a dead letter, since only a person can tell whether it is still wanted. */
function effectsOf(
  {
    entry,
    processed,
    evidence,
  }: { entry: Entry; processed: ProcessedEntry | undefined; evidence: LostEvidence },
  { stream, group, functionName, concurrent }: Binding,
  { clock }: Pick<LostEntryDeps, "clock">,
): Branch {
  const at = clock.now();
  const origin = { stream, functionName, deliveries: 1, at };
  const dropped = `${group} no longer had it pending (XGROUP DELCONSUMER, or an XACK of another program)`;
  if (stream === "strategy_input_stream" && processed?.status === "committed") {
    const { result } = processed;
    const branch = result.status === "done" ? result.effects : deadLetterEffects(entry, result, origin);
    const event: SystemEvent = {
      level: "ERROR",
      source: functionName,
      message: `task ${entry.id} was run, but ${dropped}: its outcome is recorded all the same; find out what removed it`,
      details: { stream, entry_id: entry.id },
      actionNeeded: true,
    };
    return { ...branch, append: [...branch.append, eventAppend(event, at)] };
  }
  const what = stream === "signals_stream" ? "decided" : "run to its end";
  const left = processed?.status === "left" ? `; this router last reported: ${processed.error}` : "";
  const unsure = evidence.allRecordsKept
    ? ""
    : "; records of that time are deleted, so look at the log before a retry";
  const error = `it was not ${what} when ${dropped}${left}${unsure}`;
  const reason = "entry_lost";
  const also = concurrent?.unfinishedEffects(entry, { error, deliveries: 0, reason });
  const result = { id: entry.id, status: "dead", reason, error, level: "ERROR" } as const;
  return deadLetterEffects(entry, also === undefined ? result : { ...result, also }, origin);
}
