import type { Config } from "../../shared/config/config.ts";
import type { Keys } from "../../shared/keys.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import type { Holdings } from "./holdings.ts";

export interface HoldingsOptions {
  readonly config: Config;
  readonly redisUrl: string;
  readonly consumer: string;
  readonly keys: Keys;
  readonly events: EventLog;
}

/** What this process holds; it connects when it is first asked to hold something. */
export function holdingsOn(_options: HoldingsOptions): Holdings {
  throw new Error("not built yet");
}
