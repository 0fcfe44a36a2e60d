import { createRoute, z } from "@hono/zod-openapi";
import { readActivity } from "../../../shared/io/log/strategy-activity.ts";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { readSignalNames } from "../../../shared/io/reference/signal-names.ts";
import type { Strategy } from "../../../shared/reference/reference.ts";
import type { Services } from "../../setup/services.ts";
import { strategiesHealth } from "../../telemetry/health.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf, strategySchema } from "../named-strategy.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { healthChecker } from "./health-check.ts";
import { noSnapshot } from "./reference.ts";
import { noStatus } from "./status.ts";
import { shownStrategySchema, strategiesSchema } from "./strategy-schemas.ts";
import { strategyView } from "./strategy-view.ts";

/** `GET /strategies` and `GET /strategies/{id}`: the strategies of the current snapshot, and how each is doing. */

const common = { method: "get" as const, security: BEARER, tags: ["operations"] };

const listRoute = createRoute({
  ...common,
  path: "/strategies",
  summary: "All strategies: what they are, whether they can be run, and what they have done",
  responses: { 200: json(strategiesSchema, "all of them"), ...problems(401, 404, 503) },
});

const showRoute = createRoute({
  ...common,
  path: "/strategies/{id}",
  summary: "One strategy, by its id or its name",
  request: { params: z.object({ id: strategySchema.describe("id, or name percent-encoded") }) },
  responses: { 200: json(shownStrategySchema, "the strategy"), ...problems(401, 404, 422, 503) },
});

export function strategyRoutes({ services }: HttpDeps) {
  const checkHealth = healthChecker(services);

  async function viewsOf(select: (strategies: ReadonlyMap<number, Strategy>) => readonly Strategy[]) {
    const [stored, { status, health }] = await Promise.all([services.referenceStore.load(), checkHealth()]);
    if (stored === undefined) throw noSnapshot();
    if (status === undefined) throw noStatus(health.reasons);
    const { version, content } = stored;
    const strategies = select(content.strategies);
    const logged = await readLogged(strategies, services);
    const strategyHealth = strategiesHealth(status, services.config);
    const facts = { content, status, health: strategyHealth, ...logged };
    return {
      version,
      log: logged.activity === undefined ? ("unavailable" as const) : ("available" as const),
      runners: strategyHealth.consumers,
      views: strategies.map((strategy) => strategyView(strategy, facts)),
    };
  }

  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { views, ...others } = await viewsOf((all) => [...all.values()].toSorted((a, b) => a.id - b.id));
      return c.json({ ...others, strategies: views }, 200);
    })
    .openapi(showRoute, async (c) => {
      const id = await strategyIdOf(c.req.valid("param").id, services, { status: 404 });
      const { views, ...others } = await viewsOf((all) => [...all.values()].filter((one) => one.id === id));
      const [strategy] = views;
      if (strategy === undefined) throw noSuchStrategy(id);
      return c.json({ ...others, strategy }, 200);
    });
}

/** What Postgres has beside the snapshot; undefined while it is unavailable. */
async function readLogged(strategies: readonly Strategy[], { database, keys }: Services) {
  const ids = strategies.map(({ id }) => id);
  try {
    const [signalNames, activity] = await Promise.all([
      readSignalNames(database),
      readActivity(database, keys.shard, ids),
    ]);
    return { signalNames, activity };
  } catch (error) {
    if (error instanceof DatabaseError) return { signalNames: undefined, activity: undefined };
    throw error;
  }
}

function noSuchStrategy(id: number): Problem {
  const detail = `the current snapshot has no strategy ${id}`;
  return new Problem({ status: 404, code: "no_such_strategy", detail, hint: "GET /strategies lists them" });
}
