import type { Health } from "../../shared/health/health.ts";
import type { Status } from "../../shared/io/status/status.ts";

/** The state of the router as `cli status --json` and `GET /status` show it. */
export interface RouterStatus extends Status {
  readonly health: Health;
}

export function routerStatus(health: Health, status: Status): RouterStatus {
  return { health, ...status };
}
