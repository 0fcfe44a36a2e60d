import { maintenanceOf } from "../../jobs/maintenance.ts";
import { jobsOf } from "../../jobs/run-job.ts";
import { tickOf } from "../../jobs/tick.ts";
import type { HttpDeps } from "../http-deps.ts";
import { newRoutes } from "../routes.ts";
import { callRoutes } from "./call.ts";
import { pollRoutes } from "./poll.ts";
import { runStrategyRoutes } from "./run-strategy.ts";
import { tickRoutes } from "./tick.ts";

/** This room calls functions over HTTP: on posted entries, for one strategy, on what waits in streams, as jobs, or all in one tick. */
export function functionRoutes({ services }: HttpDeps) {
  const maintenance = maintenanceOf(services);
  const jobs = jobsOf(services, maintenance);
  const routes = newRoutes();
  for (const path of ["/functions/*", "/tick", "/strategies/:id/run"]) {
    routes.use(path, async (_c, next) => {
      await next();
      await services.flush(FLUSH_MS_MAX);
    });
  }
  routes.route("/", callRoutes(services, jobs));
  routes.route("/", pollRoutes(services));
  routes.route("/", runStrategyRoutes(services));
  routes.route("/", tickRoutes(tickOf({ services, jobs, maintenance }), services));
  return routes;
}

/** On platforms that stop a process after its answer, events must be sent before it. */
const FLUSH_MS_MAX = 1_000;
