import type { Redis } from "ioredis";
import { persistLog, type PersistContext } from "../../functions/persist-log.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Entry } from "../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../shared/function.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import type { Confirm } from "../../shared/io/redis/confirm.ts";
import { pendingDecisionsOn } from "../../shared/io/streams/pending-decisions.ts";
import type { Keys } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { ReportEvents } from "../telemetry/report-events.ts";
import { checkedAnswers } from "./checked-answers.ts";
import { confirmedRecords } from "./records-confirmed.ts";

export interface LogBindingDeps {
  readonly config: Pick<Config, "redisReplicasMin">;
  readonly confirm: Confirm;
  readonly log: LogStore;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly reportEvents: ReportEvents;
}

/** `persist-log` on one of the two streams whose records it stores. */
export function logBinding(
  stream: PersistContext["stream"],
  { config, confirm, log, redis, keys, clock, reportEvents }: LogBindingDeps,
): Binding {
  const context: PersistContext = {
    stream,
    log,
    now: () => clock.now(),
    ...pendingDecisionsOn(redis, keys),
    onUnknown: (count) => reportEvents.unknown(count),
  };
  const binding: Binding = {
    functionName: "persist-log",
    stream,
    group: "log_writer",
    run: (entries) => checkedAnswers(entries, persistLog(entries, context)),
    invalidate: () => {},
  };
  if (config.redisReplicasMin === 0) return binding;
  const group = { key: keys.stream(stream), group: keys.group("log_writer") };
  return {
    ...binding,
    asConsumer: () => ({
      ...binding,
      async *run(entries) {
        const found = await confirmedRecords(entries, group, { redis, confirm });
        if ("status" in found) return yield found;
        const { present, gone } = found;
        if (gone.length > 0) yield { status: "answered", results: gone.map(acknowledged) };
        yield* binding.run(present);
      },
    }),
  };
}

/** It finds nothing pending, and nothing else happens. */
function acknowledged({ id }: Entry): Result {
  return { id, status: "done", effects: NO_EFFECTS };
}
