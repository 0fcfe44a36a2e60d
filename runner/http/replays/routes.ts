import { createRoute, type RouteConfig, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { messageOf } from "../../../shared/error-message.ts";
import { Unconfirmed } from "../../replay/commit-batch.ts";
import { prepareReplay, type Replay } from "../../replay/replay.ts";
import type { ReplayedSignal } from "../../replay/replayed-signal.ts";
import { ReplayRefused, type ReplayRequest } from "../../replay/request.ts";
import type { Services } from "../../setup/services.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem, problemOf, problemResponse, problemSchema } from "../problem.ts";
import { BEARER, jsonBody, newRoutes, problems } from "../routes.ts";
import { replayLines } from "./ndjson.ts";
import { replayAnswerSchema, replayLineSchema, replayRequestOf, replayRequestSchema } from "./schemas.ts";

/** Up to this many signals are answered in one piece. */
const ONE_PIECE_MAX = 1_000;

const JSON_TYPE = "application/json";
const LINES_TYPE = "application/x-ndjson";

/** Of this wide type, since the library's own takes nothing that ends in `json` but JSON itself. */
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
  summary: "Decide signals again: what would differ, what is missing, or once more for good",
  description:
    `Up to ${ONE_PIECE_MAX} signals are answered as JSON; more, or whenever ${LINES_TYPE} is accepted, in lines: a signal each, ` +
    'then `{"replay": …}`. A last line `{"problem": …}` says that it was stopped before its end.',
  security: BEARER,
  tags: ["replays"],
  request: { body: jsonBody(replayRequestSchema) },
  responses,
});

/** `POST /replays` */
export function replayRoutes({ services }: HttpDeps) {
  return newRoutes().openapi(route, async (c) => {
    const replay = await prepared(replayRequestOf(c.req.valid("json")), services, c.req.raw.signal);
    const answered = await begun(replay);
    const types = { supports: [JSON_TYPE, LINES_TYPE], default: JSON_TYPE };
    const type = accepts(c, { header: "Accept", ...types });
    return type === LINES_TYPE || replay.listed > ONE_PIECE_MAX
      ? inLines(c, answered, services)
      : inOnePiece(c, answered, services);
  });
}

/** A replay whose first batch is done. */
interface Begun {
  readonly replay: Replay;
  readonly first: IteratorResult<readonly ReplayedSignal[], void>;
  readonly rest: AsyncGenerator<readonly ReplayedSignal[], void>;
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

/** Before the answer begins, so that what is away at once is a problem with a status of its own. */
async function begun(replay: Replay): Promise<Begun> {
  const rest = replay.run();
  const first = await rest.next();
  const failure = replay.failure();
  if (failure !== undefined && !(failure instanceof Unconfirmed) && nothingDone(replay)) {
    await rest.return();
    throw failure;
  }
  return { replay, first, rest };
}

function nothingDone(replay: Replay): boolean {
  const { dispatched, ignored, duplicate, rejected, held, fenced } = replay.summary().counts;
  return dispatched + ignored + duplicate + rejected + held + fenced === 0;
}

async function inOnePiece(c: Context, { replay, first, rest }: Begun, services: Services) {
  const signals = first.done === true ? [] : [...first.value];
  for await (const batch of untilGone(rest, c.req.raw.signal)) signals.push(...batch);
  const failure = replay.failure();
  const problem = failure === undefined ? {} : { problem: await problemBody(c, failure, services) };
  return c.json({ replay: replay.summary(), signals, ...problem }, 200);
}

/** The batches as long as somebody waits for the answer. */
async function* untilGone<T>(batches: AsyncGenerator<T, void>, gone: AbortSignal): AsyncGenerator<T, void> {
  try {
    while (!gone.aborted) {
      const next = await batches.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await batches.return();
  }
}

function inLines(c: Context, { replay, first, rest }: Begun, services: Services): Response {
  const problemLine = async (error: unknown) => ({ problem: await problemBody(c, error, services) });
  const lines = replayLines({
    first,
    rest,
    async end() {
      const failure = replay.failure();
      return [{ replay: replay.summary() }, ...(failure === undefined ? [] : [await problemLine(failure)])];
    },
    broken: async (error) => [await problemLine(error)],
  });
  return c.body(lines, 200, { "content-type": LINES_TYPE });
}

/** A problem inside of an answer that has begun, in the form it would have had as an answer. */
async function problemBody(
  c: Context,
  error: unknown,
  { redis, logger }: Services,
): Promise<z.infer<typeof problemSchema>> {
  const known = problemOf(error, { redisReady: redis.status === "ready" });
  if (known === undefined)
    logger.error({ err: error, request_id: c.get("requestId") }, `replay failed: ${messageOf(error)}`);
  const response = problemResponse(
    c,
    known ?? {
      status: 500,
      code: "internal_error",
      detail: "something went wrong that should not have",
      hint: "the router's log has the details under this request_id",
    },
  );
  return problemSchema.parse(await response.json());
}
