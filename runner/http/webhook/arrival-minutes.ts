import { hash } from "node:crypto";

/**
 * The bar time of alerts that have none: the minute in which they arrive. One that could not be confirmed will be sent again, perhaps in
 * the next minute: for the same body that minute is kept, so that both are one signal.
 */
export function arrivalMinutes(): ArrivalMinutes {
  const kept = new Map<string, { readonly minute: number; readonly until: number }>();
  return {
    minuteOf(alert, now) {
      const found = kept.size === 0 ? undefined : kept.get(keyOf(alert));
      return found !== undefined && now < found.until ? found.minute : now - (now % MINUTE_MS);
    },
    keep(alert, minute, now) {
      for (const [key, { until }] of kept) {
        if (until > now && kept.size < KEPT_MAX) break;
        kept.delete(key);
      }
      const key = keyOf(alert);
      // Its new place is the last one, as its end is.
      kept.delete(key);
      kept.set(key, { minute, until: now + KEPT_MS });
    },
  };
}

export interface ArrivalMinutes {
  /** The minute of an alert that arrives now, milliseconds since 1970. */
  readonly minuteOf: (alert: SentAlert, now: number) => number;
  /** Keeps the minute of an alert that was not confirmed. */
  readonly keep: (alert: SentAlert, minute: number, now: number) => void;
}

export interface SentAlert {
  readonly source: string;
  readonly body: string;
}

const MINUTE_MS = 60_000;
/** TradingView sends again after 5 s, and three times at most. */
const KEPT_MS = 60_000;
const KEPT_MAX = 10_000;

function keyOf({ source, body }: SentAlert): string {
  return hash("sha256", JSON.stringify([source, body]), "base64");
}
