import { signalFields } from "../../../builders.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { useHttpApp } from "../http-fixture.ts";

/** How long `vi.waitFor` waits for the effect of ticks. */
export const UNTIL = { timeout: 20_000, interval: 50 };

export interface PartView {
  readonly part: string;
  readonly function?: string;
  readonly status: string;
}

/** The status of each part of a tick, by its name and function: `poll process-signals`. */
export const statusOf = (parts: readonly PartView[]) =>
  Object.fromEntries(parts.map((part) => [[part.part, part.function].join(" ").trim(), part.status]));

/** An app whose ticks refresh the reference only after `unconfirm`, with the steps of its tests. */
export function useTicks() {
  const changes = `${freshPrefix()}changes`;
  const http = useHttpApp({
    settings: {
      CLAIM_IDLE_MS: "300",
      DELIVERIES_MAX: "3",
      REFERENCE_REFRESH_MS: "60000",
      REFERENCE_STREAMS: changes,
    },
  });
  return {
    http,
    /** The only one of REFERENCE_STREAMS. */
    changes,
    tick: async (query = "") => http.call("POST", `/tick${query}`),
    publish: async (...uids: string[]) =>
      Promise.all(uids.map(async (uid) => http.publish(signalFields({ uid })))),
    logged: async () => http.sql("SELECT uid, status FROM signal_log ORDER BY uid"),
    /** Makes a refresh of the reference due. */
    unconfirm: async () => http.services.redis.set(http.services.keys.referenceConfirmedAt, "1"),
  };
}
