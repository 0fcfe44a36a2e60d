import type { ClientRateLimitInfo, Store } from "hono-rate-limiter";
import type { AppEnv } from "../routes.ts";

/**
 * Counts of the rate limiter, in this process. The limiter's own store grows with every address; this one keeps at most
 * `clientsMax` and evicts the oldest, which helps only an attacker with more addresses than that.
 */
export function failedAuthCounts({ clientsMax }: { readonly clientsMax: number }): Store<AppEnv> {
  /** In the order in which their windows end, because all windows have the same length. */
  const counts = new Map<string, Count>();
  let windowMs = 0;

  const evict = (now: number): void => {
    for (const [key, { endsAt }] of counts) {
      if (endsAt > now && counts.size < clientsMax) return;
      counts.delete(key);
    }
  };

  return {
    localKeys: true,
    init(options) {
      windowMs = options.windowMs;
    },
    increment(key) {
      const now = performance.now();
      const known = counts.get(key);
      if (known !== undefined && known.endsAt > now) {
        known.totalHits += 1;
        return infoOf(known, now);
      }
      evict(now);
      const fresh = { totalHits: 1, endsAt: now + windowMs };
      counts.set(key, fresh);
      return infoOf(fresh, now);
    },
    decrement(key) {
      const known = counts.get(key);
      if (known !== undefined && known.totalHits > 0) known.totalHits -= 1;
    },
    resetKey(key) {
      counts.delete(key);
    },
  };
}

interface Count {
  totalHits: number;
  /** By \`performance.now()\`. */
  readonly endsAt: number;
}

/** The limiter takes what is left of the window from a date. */
function infoOf({ totalHits, endsAt }: Count, now: number): Required<ClientRateLimitInfo> {
  return { totalHits, resetTime: new Date(Date.now() + endsAt - now) };
}
