import { degraded, type Fault } from "./fault.ts";

/** What is wrong with Postgres, without which trading goes on and nothing is logged. */
export function postgresFaults({ postgresReachable, postgresRefusal }: PostgresHealth): Fault[] {
  if (postgresRefusal !== undefined) return [degraded(`${postgresRefusal}; records wait in signal_results`)];
  return postgresReachable === false
    ? [degraded("Postgres cannot be reached; records wait in signal_results")]
    : [];
}

export interface PostgresHealth {
  /** Null when it was not checked. */
  readonly postgresReachable: boolean | null;
  /** What it refuses the router, without addresses and users: `/readyz` answers without a token. */
  readonly postgresRefusal?: string | undefined;
}
