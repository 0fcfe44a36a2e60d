import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { Unconfirmed } from "../../replay/commit-batch.ts";
import { prepareReplay, type Replay } from "../../replay/replay.ts";
import { ReplayRefused, type ReplayRequest } from "../../replay/request.ts";
import type { Services } from "../../setup/services.ts";
import type { HttpDeps } from "../http-deps.ts";
import {
  Problem,
  problemBody,
  problemOf,
  requestIdOf,
  unexpectedProblem,
  type ProblemBody,
} from "../problem.ts";
import { BEARER, jsonBody, newRoutes, problems } from "../routes.ts";
import { replayLines, type StartedBatches } from "./ndjson.ts";
import { replayAnswerSchema, replayLineSchema, replayRequestOf, replayRequestSchema } from "./schemas.ts";

/** `POST /replays`: decides signals again, and answers as one JSON document or in lines. */
export function replayRoutes({ services }: HttpDeps) {
  return newRoutes().openapi(route, async (c) => {
    const replay = await prepared(replayRequestOf(c.req.valid("json")), services, c.req.raw.signal);
    const started = await start(replay);
    const types = { supports: [JSON_TYPE, LINES_TYPE], default: JSON_TYPE };
    c.header(SIGNALS_HEADER, String(replay.listed));
    const type = accepts(c, { header: "Accept", ...types });
    return type === LINES_TYPE || replay.listed > JSON_SIGNALS_MAX
      ? inLines(c, started, services)
      : asJson(c, started, services);
  });
}

/** How many signals the answer has, at most: it comes before the first of them. */
export const SIGNALS_HEADER = "x-replay-signals";

/** More signals are answered in lines. */
const JSON_SIGNALS_MAX = 1_000;

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";

/** Has this wide type because the library's own accepts only JSON itself as a content type that ends in `json`. */
const responses: RouteConfig["responses"] = {
  200: {
    description: "for each signal the logged decision, the new one, and the difference",
    content: { [JSON_TYPE]: { schema: replayAnswerSchema }, [LINES_TYPE]: { schema: replayLineSchema } },
  },
  ...problems(401, 409, 413, 415, 422, 503),
};

const route = createRoute({
  method: "post",
  path: "/replays",
  summary: "Decide signals again: as a dry run, only missing decisions, or by force",
  description:
    `Up to ${JSON_SIGNALS_MAX} signals are answered as JSON. More are answered in lines, and so is every request that accepts ${LINES_TYPE}: ` +
    'a line for each signal, then `{"replay": …}`. A last line `{"problem": …}` means that the replay stopped before its end.',
  security: BEARER,
  tags: ["replays"],
  request: { body: jsonBody(replayRequestSchema) },
  responses,
});

interface StartedReplay extends StartedBatches {
  readonly replay: Replay;
}

async function prepared(request: ReplayRequest, services: Services, abort: AbortSignal): Promise<Replay> {
  try {
    return await prepareReplay(request, services, { abort });
  } catch (error) {
    if (!(error instanceof ReplayRefused)) throw error;
    const { kind, code, detail, hint } = error.refusal;
    throw new Problem({ status: kind === "invalid" ? 422 : 409, code, detail, hint });
  }
}

/** Runs the first batch before the answer begins, so that an immediate failure is a problem with a status of its own. */
async function start(replay: Replay): Promise<StartedReplay> {
  const rest = replay.run();
  const first = await rest.next();
  const failure = replay.failure();
  if (failure !== undefined && !(failure instanceof Unconfirmed) && isNothingDone(replay)) {
    await rest.return();
    throw failure;
  }
  return { replay, first, rest };
}

function isNothingDone(replay: Replay): boolean {
  const { dispatched, ignored, duplicate, rejected, held, fenced } = replay.summary().counts;
  return dispatched + ignored + duplicate + rejected + held + fenced === 0;
}

async function asJson(c: Context, { replay, first, rest }: StartedReplay, services: Services) {
  const signals = first.done === true ? [] : [...first.value];
  for await (const batch of untilDisconnect(rest, c.req.raw.signal)) signals.push(...batch);
  const failure = replay.failure();
  const problem = failure === undefined ? {} : { problem: embeddedProblem(c, failure, services) };
  return c.json({ replay: replay.summary(), signals, ...problem }, 200);
}

/** The batches until the client disconnects. */
async function* untilDisconnect<T>(
  batches: AsyncGenerator<T, void>,
  disconnected: AbortSignal,
): AsyncGenerator<T, void> {
  try {
    while (!disconnected.aborted) {
      const next = await batches.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await batches.return();
  }
}

function inLines(c: Context, { replay, ...batches }: StartedReplay, services: Services): Response {
  const problemLine = (error: unknown) => ({ problem: embeddedProblem(c, error, services) });
  const lines = replayLines({
    ...batches,
    lastLines() {
      const failure = replay.failure();
      return [{ replay: replay.summary() }, ...(failure === undefined ? [] : [problemLine(failure)])];
    },
    errorLines: (error) => [problemLine(error)],
  });
  return c.body(lines, 200, { "content-type": LINES_TYPE });
}

/** A problem inside an answer that has begun, in the form it would have as an answer. */
function embeddedProblem(c: Context, error: unknown, { redis, logger }: Services): ProblemBody {
  const known = problemOf(error, { redisReady: redis.status === "ready" });
  return problemBody(known ?? unexpectedProblem(c, error, logger), requestIdOf(c));
}
