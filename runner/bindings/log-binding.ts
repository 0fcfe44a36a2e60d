import type { Redis } from "ioredis";
import { persistLog, type PersistContext } from "../../functions/persist-log.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import { pendingDecisionsOn } from "../../shared/io/streams/pending-decisions.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { ReportEvents } from "../telemetry/report-events.ts";
import { checkedAnswers } from "./checked-answers.ts";

export interface LogBindingDeps {
  readonly log: LogStore;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly reportEvents: ReportEvents;
}

/** `persist-log` on one of the two streams whose records it stores. */
export function logBinding(
  stream: PersistContext["stream"],
  { log, redis, keys, clock, reportEvents }: LogBindingDeps,
): Binding {
  const context: PersistContext = {
    stream,
    log,
    now: () => clock.now(),
    ...pendingDecisionsOn(redis, keys),
    onUnknown: (count) => reportEvents.unknown(count),
  };
  return {
    functionName: "persist-log",
    stream,
    group: "log_writer",
    run: (entries) => checkedAnswers(entries, persistLog(entries, context)),
    invalidate: () => {},
  };
}
