import { redactUrl } from "../../../shared/config/redact-url.ts";
import { messageOf } from "../../../shared/error-message.ts";
import { isReading } from "../../../shared/health/heartbeats.ts";
import { TooFewReplicasError } from "../../../shared/io/redis/confirm.ts";
import { readHeartbeats } from "../../../shared/io/streams/consumer-heartbeats.ts";
import type { Services } from "../../setup/services.ts";

/** Makes a stored reference the one that every router decides on, and says whether it is. */
export type MakeCurrent = (edited: EditedReference) => Promise<Currency>;

export interface EditedReference {
  readonly status: "done" | "unchanged";
  readonly version: string;
}

export interface Currency {
  /** Whether signals are decided on it; null: it was only previewed. */
  readonly current: boolean | null;
  readonly warnings: readonly string[];
}

export const NOT_ASKED: Currency = { current: null, warnings: [] };

type Needed = Pick<
  Services,
  "refresh" | "referenceStore" | "logger" | "redis" | "redisUrl" | "keys" | "clock" | "config"
>;

/** The one implementation, for HTTP and commands. What was stored stays stored when this fails, so that is no failure of the edit. */
export function makeCurrentOn(services: Needed): MakeCurrent {
  const { refresh, referenceStore, logger } = services;
  return async ({ status, version }) => {
    try {
      const { state, version: read } = await refresh();
      // Another refresh, which began later, has published what this one read, or what came after it.
      const published = state === "refused" ? await referenceStore.currentVersion() : read;
      if (published !== version || state === "newer_format")
        return { current: false, warnings: [`it is stored, and version ${published} was read (${state})`] };
      if (await isRouting(services)) return { current: true, warnings: [] };
      return { current: false, warnings: status === "done" ? [noRouterText(services)] : [] };
    } catch (error) {
      // It is current; only a fail-over could bring back the version before.
      if (error instanceof TooFewReplicasError)
        return { current: await isRouting(services), warnings: [error.message] };
      logger.warn({ err: error }, `the edited reference is not current yet: ${messageOf(error)}`);
      const warning =
        "it is stored, but signals are not decided on it yet: it is read within REFERENCE_REFRESH_MS";
      return { current: false, warnings: [warning] };
    }
  };
}

function noRouterText({ redisUrl, config }: Needed): string {
  const others =
    config.databaseUrl === undefined ? "" : "; routers on another Redis read it within REFERENCE_REFRESH_MS";
  return `no router is running on ${redactUrl(redisUrl)}: signals are decided on it as soon as one is started there${others}`;
}

/** Whether a router reads signals. */
async function isRouting({ redis, keys, clock, config }: Needed): Promise<boolean> {
  const heartbeats = await readHeartbeats(redis, keys);
  return heartbeats.some(
    ({ group, at, ...rest }) =>
      group === "signal_processor" && isReading({ ...rest, agoMs: clock.now() - at }, config),
  );
}
