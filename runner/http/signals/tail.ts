import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import { SEARCH_STATUSES } from "../../../shared/io/log/search-statement.ts";
import type { FeedViewer } from "../../telemetry/feed-viewer.ts";
import { resultsFeedOn, VIEWERS_MAX } from "../../telemetry/results-feed.ts";
import { integerIn, membersOf, oneOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf, strategySchema } from "../named-strategy.ts";
import { meantSymbol, symbolInRecords } from "../named-symbol.ts";
import { Problem } from "../problem.ts";
import { BEARER, newRoutes, problems } from "../routes.ts";
import { symbolSchema } from "./search-query.ts";
import { tailed, type TailFilter } from "./tail-filter.ts";
import { tailLineSchema } from "./tail-schemas.ts";

/** `GET /tail`: decisions and outcomes of all routers as they are made, in lines. */

const LINES_TYPE = "application/x-ndjson";
const HEARTBEAT_MS = 15_000;

/** Has this wide type because the library's own accepts only JSON itself as a content type that ends in `json`. */
const responses: RouteConfig["responses"] = {
  200: { description: "a line for each", content: { [LINES_TYPE]: { schema: tailLineSchema } } },
  ...problems(401, 422, 503),
};

const route = createRoute({
  method: "get",
  path: "/tail",
  security: BEARER,
  tags: ["signals"],
  summary: "Decisions, attempts and outcomes as they are made, in lines",
  description:
    'The first line is `{"kind": "began"}`: what is published after it is in the answer, which ends with the router\'s stop or after `seconds`. ' +
    'A client that reads too slowly gets `{"kind": "missed", "count": …}` in place of the oldest.',
  request: {
    query: membersOf(
      {
        strategy: strategySchema.optional().describe("id or name: what concerns this strategy"),
        symbol: symbolSchema.optional(),
        status: oneOf(SEARCH_STATUSES)
          .optional()
          .describe(
            "of the decision, of a strategy's outcome, or of a task; with `strategy`, that strategy's",
          ),
        failed: oneOf(["true"]).optional().describe("true: only attempts and tasks that failed"),
        seconds: integerIn({ what: "a number of seconds", min: 1, max: 86_400, example: 60 })
          .optional()
          .describe("the answer ends after so long; absent: it does not end by itself"),
      },
      "?strategy=4&failed=true",
    ),
  },
  responses,
});

export function tailRoutes({ services }: HttpDeps) {
  const feed = resultsFeedOn({ ...services, symbolOf: async (text) => symbolInRecords(text, services) });
  return newRoutes().openapi(route, async (c) => {
    const { strategy: given, failed, seconds, ...query } = c.req.valid("query");
    const strategy = given === undefined ? undefined : await strategyIdOf(given, services);
    const headers = {
      "content-type": LINES_TYPE,
      "cache-control": "no-store",
      // nginx would collect lines before it passes them on.
      "x-accel-buffering": "no",
    };
    // Its body is dropped unread, so nothing would ever close the viewer.
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    const viewer = await feed.open();
    if (viewer === "full") throw tooMany();
    if (viewer === "unavailable") throw unavailable();
    const filter = {
      ...query,
      ...(await meantSymbol(query.symbol, services)),
      strategy,
      failed: failed === "true",
    };
    const endsAt = seconds === undefined ? Infinity : performance.now() + seconds * 1_000;
    c.req.raw.signal.addEventListener("abort", () => viewer.close(), { once: true });
    const isReading = (): boolean => feed.isReading();
    return c.body(
      tailLines(viewer, { filter, endsAt, isReading, now: () => services.clock.now() }),
      200,
      headers,
    );
  });
}

interface TailOptions {
  readonly filter: TailFilter;
  /** By the monotonic clock, ms. */
  readonly endsAt: number;
  readonly isReading: () => boolean;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: () => number;
}

/** The lines of a viewer: they are asked for only as fast as the client reads, and it is closed when the client leaves. */
function tailLines(
  viewer: FeedViewer,
  { filter, endsAt, isReading, now }: TailOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let [hasBegun, isLeft] = [false, false];
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (lines: readonly object[]): void =>
          controller.enqueue(encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
        if (!hasBegun) {
          hasBegun = true;
          send([{ kind: "began", at: new Date(now()).toISOString() }]);
          return;
        }
        for (let heartbeatAt = performance.now() + HEARTBEAT_MS; ;) {
          const waitMs = Math.min(heartbeatAt, endsAt) - performance.now();
          const part = waitMs > 0 ? await viewer.next(waitMs) : { items: [], missed: 0 };
          if (isLeft) return;
          if (part === undefined || performance.now() >= endsAt) {
            viewer.close();
            controller.close();
            return;
          }
          const { missed } = part;
          const lines = [
            ...(missed > 0 ? [{ kind: "missed", count: missed }] : []),
            ...part.items.flatMap((item) => tailed(item, filter) ?? []),
          ];
          if (lines.length > 0) return send(lines);
          if (performance.now() < heartbeatAt) continue;
          const redis = isReading() ? "available" : "unavailable";
          return send([{ kind: "heartbeat", at: new Date(now()).toISOString(), redis }]);
        }
      },
      cancel() {
        isLeft = true;
        viewer.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function tooMany(): Problem {
  const detail = `${VIEWERS_MAX} clients follow this router already, which is the maximum`;
  return new Problem({ status: 503, code: "too_many_tails", detail, hint: "end one of them" });
}

function unavailable(): Problem {
  const detail = "Redis does not answer, or the router is stopping";
  return new Problem({ status: 503, code: "redis_unavailable", detail, hint: "try again later" });
}
