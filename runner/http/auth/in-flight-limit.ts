import type { Context, MiddlewareHandler } from "hono";
import { webhookSecretsOf } from "../../../shared/config/webhook-secrets.ts";
import type { NetworkDeps } from "../http-deps.ts";
import { Problem, type ProblemOptions } from "../problem.ts";
import type { AppEnv, PlatformBindings } from "../routes.ts";
import { clientAddressOf, clientGroup } from "./client-address.ts";
import { shownCredential } from "./shown-credential.ts";
import { turns } from "./turns.ts";

/**
 * Limits how many requests of one address are in flight, and how many begin at once, without the token or the secret in path or
 * headers; others are not limited. A body that holds the secret counts as without it until it is read.
 */
export function limitInFlight(
  deps: NetworkDeps,
  { onRefused }: InFlightLimitOptions,
): MiddlewareHandler<AppEnv> {
  const { token, services } = deps;
  const isShown = shownCredential({ token, secrets: webhookSecretsOf(services.config)?.byName ?? new Map() });
  const addressOf = clientAddressOf(deps);
  const others = inFlightCounts(IN_FLIGHT_MAX);
  // Counted apart, so that a flood from the address of a proxy does not fail the probes that come through it too.
  const probes = inFlightCounts(IN_FLIGHT_MAX);
  const turn = turns(BEGUN_PER_TURN_MAX);
  return async (c, next) => {
    const bindings = c.env as PlatformBindings | undefined;
    if (isShown(c)) {
      bindings?.authenticated?.();
      return next();
    }
    const client = clientGroup(addressOf(c));
    const isClosed = (): boolean => bindings?.incoming?.socket?.destroyed === true;
    await turn.next({ client, isClosed });
    // No client reads an answer.
    if (isClosed()) return c.body(null, 400);
    const end = (PROBES.has(c.req.path) ? probes : others).begin(client);
    if (end === undefined) {
      onRefused(c, TOO_MANY);
      throw new Problem(TOO_MANY);
    }
    c.set("authenticated", () => {
      end();
      bindings?.authenticated?.();
    });
    try {
      return await next();
    } finally {
      end();
    }
  };
}

export interface InFlightLimitOptions {
  readonly onRefused: (c: Context, problem: ProblemOptions) => void;
}

/** Each takes a few hundred microseconds. */
const BEGUN_PER_TURN_MAX = 4;

/** Of one address. */
export const IN_FLIGHT_MAX = 50;

const PROBES: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

const TOO_MANY: ProblemOptions = {
  status: 429,
  code: "too_many_in_flight",
  detail: `${IN_FLIGHT_MAX} requests from this address without the token or the secret in path or headers are in flight`,
  hint: "send the secret in the path or in `X-Webhook-Secret`, the token in `Authorization`: such requests are not limited; behind a proxy, list it in TRUSTED_PROXIES",
  headers: { "retry-after": "1" },
};

/** Counts what is in flight under each key, up to a maximum. */
export function inFlightCounts(max: number): { begin(key: string): (() => void) | undefined } {
  const counts = new Map<string, number>();
  return {
    /** What ends it, once; undefined when the maximum is in flight. */
    begin(key) {
      const count = counts.get(key) ?? 0;
      if (count >= max) return undefined;
      counts.set(key, count + 1);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}
