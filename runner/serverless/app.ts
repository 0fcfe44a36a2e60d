import { Hono, type Context } from "hono";
import { messageOf } from "../../shared/error-message.ts";
import { redisRefusalIn } from "../../shared/redis-refusal.ts";
import { MisconfigurationError, type Environment } from "../environment.ts";
import { bareProblemResponse } from "../http/server/bare-problem.ts";
import { openLogger } from "../telemetry/logger.ts";
import { openInstance, type Instance } from "./instance.ts";
import { endingWith } from "./requests-in-flight.ts";

/** This room runs the router on serverless platforms, where an instance may be frozen between two requests. */

/** The app for these platforms. It connects at the first request, and again when the connections are lost. */
export function serverlessApp({ env, peerAddressOf }: ServerlessOptions): Hono {
  let opened: Promise<Instance> | undefined;

  function open(): Promise<Instance> {
    const opening = openInstance({ env: env(), peerAddressOf });
    opening.catch(() => {
      if (opened === opening) opened = undefined;
    });
    opened = opening;
    return opening;
  }

  async function usableInstance(): Promise<InUse> {
    const known = opened;
    if (known === undefined) return inUse(await open());
    const used = inUse(await known);
    // Counted before the check, so that it is not closed between the check and its use.
    if (await used.instance.isUsable()) return used;
    used.end();
    // The first request that finds it unusable opens the next one for all.
    if (opened === known) {
      opened = undefined;
      // Not awaited: requests in flight on it, and lost connections, may take long.
      void used.instance.close();
    }
    return inUse(await (opened ?? open()));
  }

  return new Hono().all("*", async (c) => {
    const used = await usableInstance().catch(refusal);
    if (used instanceof Response) return used;
    const { instance, end } = used;
    try {
      const response = await instance.app.fetch(c.req.raw, c.env);
      return await endingWith(async () => instance.flush().finally(end), response);
    } catch (error) {
      end();
      throw error;
    }
  });
}

export interface ServerlessOptions {
  /** Read at the first request. */
  readonly env: () => Environment;
  /** Address of the peer, as the platform reports it. */
  readonly peerAddressOf: (c: Context) => string | undefined;
}

/** An instance that stays open until `end` is called. */
interface InUse {
  readonly instance: Instance;
  readonly end: () => void;
}

function inUse(instance: Instance): InUse {
  return { instance, end: instance.begin() };
}

/** Logs what is wrong in full; the client gets only enough to find it in the log. */
function refusal(error: unknown): Response {
  const logger = openLogger("info", { forPeople: false });
  if (error instanceof MisconfigurationError) {
    logger.fatal(`the environment is not usable: ${error.message.split("\n").join("; ")}`);
    const variables = variablesIn(error.message);
    const which =
      variables.length > 0 ? `; these variables are missing or invalid: ${variables.join(", ")}` : "";
    return bareProblemResponse({
      status: 503,
      code: "misconfigured",
      detail: `the router cannot start${which}`,
      hint: "the router's log has the details",
    });
  }
  logger.error({ err: error }, `the router cannot start: ${messageOf(error)}`);
  return bareProblemResponse({
    status: 503,
    code: "unavailable",
    detail: redisRefusalIn(error) === undefined ? NO_ANSWER : messageOf(error),
    hint: "ask again later",
  });
}

const NO_ANSWER = "Redis cannot be reached or did not answer in time";

/** The names of the variables in a text of faults, without their values. */
function variablesIn(faults: string): string[] {
  const named = faults.split("\n").map((line) => /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(line)?.[0]);
  return [...new Set(named.filter((name) => name !== undefined))];
}
