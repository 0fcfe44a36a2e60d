import { Hono, type Context } from "hono";
import { messageOf } from "../../shared/error-message.ts";
import { MisconfigurationError, type Environment } from "../environment.ts";
import { bareProblemResponse } from "../http/server/bare-problem.ts";
import { openLogger } from "../telemetry/logger.ts";
import { openInstance, type Instance } from "./instance.ts";
import { endingWith } from "./requests-in-flight.ts";

export interface ServerlessOptions {
  /** Read at the first request. */
  readonly env: () => Environment;
  /** Address of the peer, as the platform knows it. */
  readonly peerAddressOf: (c: Context) => string | undefined;
}

/** The app for serverless platforms: connects when first asked, once for all who ask meanwhile, and again when that is lost. */
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
    // Counted while it looks: it is not closed between a good answer and the use of it.
    if (await used.instance.isUsable()) return used;
    used.end();
    // Whoever comes first opens the next one for all.
    if (opened === known) {
      opened = undefined;
      // Not waited for: what is under way on it, and what is left on lost connections, may take its time.
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

/** An instance that is kept until `end` is called. */
interface InUse {
  readonly instance: Instance;
  readonly end: () => void;
}

function inUse(instance: Instance): InUse {
  return { instance, end: instance.begin() };
}

/** Says in the log what is wrong, and to whoever asks only as much as to find it there. */
function refusal(error: unknown): Response {
  const logger = openLogger("info", { forPeople: false });
  if (error instanceof MisconfigurationError) {
    logger.fatal(`the environment is not usable: ${error.message.split("\n").join("; ")}`);
    return bareProblemResponse({
      status: 503,
      code: "misconfigured",
      detail: `the router cannot start: something is wrong with ${variablesIn(error.message).join(", ")}`,
      hint: "its log says what",
    });
  }
  logger.error({ err: error }, `the router cannot start: ${messageOf(error)}`);
  return bareProblemResponse({
    status: 503,
    code: "unavailable",
    detail: "Redis cannot be reached or did not answer in time",
    hint: "ask again",
  });
}

/** The variables a text of faults is about, without what they are set to. */
function variablesIn(faults: string): string[] {
  const named = faults.split("\n").map((line) => /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(line)?.[0]);
  return [...new Set(named.filter((name) => name !== undefined))];
}
