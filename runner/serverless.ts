import { Hono, type Context } from "hono";
import { MisconfigurationError, type Environment } from "./environment.ts";
import { bareProblemResponse } from "./http/bare-problem.ts";
import { openLogger } from "./logger.ts";
import { openInstance, type Instance } from "./serverless-instance.ts";
import { messageOf } from "./trouble.ts";

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

  async function usableInstance(): Promise<Instance> {
    const known = opened;
    if (known === undefined) return open();
    const instance = await known;
    if (await instance.isUsable()) return instance;
    // Whoever comes first opens the next one for all.
    if (opened === known) {
      opened = undefined;
      // Not waited for: what is left on lost connections may take its time.
      void instance.close();
    }
    return opened ?? open();
  }

  return new Hono().all("*", async (c) => {
    const instance = await usableInstance().catch(refusal);
    if (instance instanceof Response) return instance;
    const response = await instance.app.fetch(c.req.raw, c.env);
    return endingWith(async () => instance.flush(), response);
  });
}

/** The response, whose end does not arrive before this is done. */
async function endingWith(last: () => Promise<void>, response: Response): Promise<Response> {
  if (response.body === null) {
    await last();
    return response;
  }
  const body = response.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ flush: last }));
  return new Response(body, response);
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
