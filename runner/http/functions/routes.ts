import { maintenanceOf } from "../../jobs/maintenance.ts";
import { jobsOf } from "../../jobs/run-job.ts";
import { tickOf } from "../../jobs/tick.ts";
import type { HttpDeps } from "../http-deps.ts";
import { newRoutes } from "../routes.ts";
import { callRoutes } from "./call.ts";
import { pollRoutes } from "./poll.ts";
import { tickRoutes } from "./tick.ts";

/** Where nothing goes on running after the answer, what was to be said must be on its way before it. */
const FLUSH_MS_MAX = 1_000;

/** `POST /functions/{name}`, its `/poll`, and `POST /tick` */
export function functionRoutes({ services }: HttpDeps) {
  const maintenance = maintenanceOf(services);
  const jobs = jobsOf(services, maintenance);
  const routes = newRoutes();
  for (const path of ["/functions/*", "/tick"]) {
    routes.use(path, async (_c, next) => {
      await next();
      await services.events.flush(FLUSH_MS_MAX);
    });
  }
  routes.route("/", callRoutes(services, jobs));
  routes.route("/", pollRoutes(services));
  routes.route("/", tickRoutes(tickOf({ services, jobs, maintenance }), services));
  return routes;
}
