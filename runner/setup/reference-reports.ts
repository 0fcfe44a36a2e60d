import type { Redis } from "ioredis";
import type { Logger } from "pino";
import type { RefreshContext, RefreshResult } from "../../functions/refresh-reference.ts";
import type { Secrets } from "../../shared/config/secrets.ts";
import type { ReferenceStoreOptions } from "../../shared/io/reference/reference-store.ts";
import { publicReason, refreshFailuresOn } from "../../shared/io/reference/refresh-failures.ts";
import type { Keys } from "../../shared/keys.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { failureReporter } from "../telemetry/failure-reporter.ts";

/** What is wrong with the reference, put where people see it: events, and in Redis for the health. */
export interface ReferenceReports {
  readonly onChecked: NonNullable<ReferenceStoreOptions["onChecked"]>;
  readonly failures: NonNullable<RefreshContext["failures"]>;
  /** Does the recording of changes; that it fails is a WARNING, and the refresh goes on. */
  recording(record: () => Promise<unknown>): Promise<void>;
  refreshed(result: RefreshResult): void;
}

export interface ReferenceReportsDeps {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly events: EventLog;
  readonly logger: Logger;
  readonly secrets: Secrets;
}

const SOURCE = "refresh-reference";

export function referenceReportsOf({
  redis,
  keys,
  events,
  logger,
  secrets,
}: ReferenceReportsDeps): ReferenceReports {
  const failures = refreshFailuresOn(redis, keys);
  const damaged = failureReporter(events, {
    source: SOURCE,
    level: "ERROR",
    what: "the reference in Redis is not what was published; nothing is decided on it, and the next refresh writes it again",
  });
  const newerFormat = failureReporter(events, {
    source: SOURCE,
    level: "ERROR",
    what: "this router does not refresh the reference",
  });

  const history = failureReporter(events, {
    source: SOURCE,
    what: "what was changed in the reference by SQL is not recorded in reference_changes",
  });

  let isMarked = false;

  /** Health that cannot be written must not hide what it is about, which is reported as well. */
  async function noted(writing: Promise<void>): Promise<void> {
    await writing.catch((error: unknown) =>
      logger.warn({ err: error }, "what is wrong with the reference could not be written to Redis"),
    );
  }

  return {
    onChecked(version, damage) {
      if (damage === undefined) {
        damaged.recovered();
        if (isMarked) void noted(failures.repaired());
        isMarked = false;
        return;
      }
      damaged.failed(`version ${version} ${damage}`);
      isMarked = true;
      void noted(failures.damaged(version, damage));
    },
    failures: {
      failed: async (error) => noted(failures.failed(secrets.redact(publicReason(error)))),
      recovered: async () => noted(failures.recovered()),
    },
    async recording(record) {
      try {
        await record();
        history.recovered();
      } catch (error) {
        history.failed(error);
      }
    },
    refreshed({ state, version, events: found }) {
      for (const event of found) events.publish(event);
      if (state !== "newer_format") return newerFormat.recovered();
      newerFormat.failed(
        `a newer version of the router has published the current one, in a form of the data that this router does not know, and would have been replaced by version ${version}; upgrade this router`,
      );
    },
  };
}
