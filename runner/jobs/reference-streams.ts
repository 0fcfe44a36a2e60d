import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { messageOf } from "../../shared/error-message.ts";
import { lastIdsOf, waitForEntryAfter } from "../../shared/io/streams/last-ids.ts";
import type { Running } from "../../shared/running.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";

export interface ReferenceStreamsDeps {
  /** Streams of other programs, named literally; there may be none of that name yet. */
  readonly streams: readonly string[];
  /** A connection of its own, for reads that block. */
  readonly blocking: Redis;
  /** Longest wait of one read, in ms. */
  readonly blockMs: number;
  /** Called when there are new entries, however many, and when some may have been missed. */
  readonly onEntries: () => void;
  readonly events: EventLog;
}

/** A stream that was removed and made anew may have lower ids, which only the next look at its last id shows. */
const BLOCK_MS_MAX = 2_000;
const RETRY_MS = 200;
const SOURCE = "refresh-reference";

/**
 * Watches REFERENCE_STREAMS from now on, without a group, until it is stopped. Each round looks at the last id of every stream
 * and then waits for an entry after it, so that nothing added in between is missed, and a thousand entries are one call.
 */
export function watchReferenceStreams(deps: ReferenceStreamsDeps): Running {
  const { streams, blocking, onEntries, events } = deps;
  const blockMs = Math.min(deps.blockMs, BLOCK_MS_MAX);
  const stopping = new AbortController();
  const reading = failureReporter(events, {
    source: SOURCE,
    what: `REFERENCE_STREAMS (${streams.join(", ")}) cannot be read; changes are seen every REFERENCE_REFRESH_MS`,
  });
  const unreadable = new Map<string, string>();

  function reportUnreadable(stream: string, why: string): void {
    if (unreadable.get(stream) === why) return;
    unreadable.set(stream, why);
    const message = `${stream} of REFERENCE_STREAMS cannot be read as a stream: ${why}. Until that is corrected, what it says is seen every REFERENCE_REFRESH_MS`;
    events.publish({ level: "WARNING", source: SOURCE, message, details: { stream } });
  }

  /** Undefined until the last ids are known; then some entries may have been missed before. */
  let known: ReadonlyMap<string, string> | undefined;

  async function round(): Promise<void> {
    const ids = new Map<string, string>();
    for (const [stream, id] of await lastIdsOf(blocking, streams)) {
      if (typeof id === "string") {
        ids.set(stream, id);
        unreadable.delete(stream);
      } else {
        reportUnreadable(stream, messageOf(id));
      }
    }
    if (known === undefined || [...ids].some(([stream, id]) => known?.get(stream) !== id)) onEntries();
    known = ids;
    reading.recovered();
    if (ids.size > 0) await waitForEntryAfter(blocking, ids, blockMs);
    else await pause(blockMs, undefined, { signal: stopping.signal });
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await round();
      } catch (error) {
        if (stopping.signal.aborted) return;
        known = undefined;
        reading.failed(error);
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  const watching = watch();
  return {
    async stop() {
      stopping.abort();
      blocking.disconnect();
      await watching;
      return "finished";
    },
  };
}
