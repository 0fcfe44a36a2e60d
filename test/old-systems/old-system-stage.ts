import { afterEach, expect, inject, vi } from "vitest";
import { freshDatabase } from "../servers/fixtures.ts";
import { sql } from "../servers/insert-reference.ts";
import { useRouters, type RouterFixture } from "../servers/router-fixture.ts";
import type { RouterProcess } from "../servers/router-process.ts";
import { loadOldSystem } from "./load-old-system.ts";

/** Redis and a database as an old system leaves them, and the routers that take its place there. */
export interface OldSystemStage {
  /** Its `sql` is that of the superuser, who owns the old tables. */
  readonly routers: RouterFixture;
  /**
   * The environment of a router in a schema that is there already, with a role that owns it and may read the old tables,
   * and no more.
   */
  ownSchema(schema: string): Promise<Readonly<Record<string, string>>>;
  /** Runs `npm run migrate -- …` in the environment of the routers; returns what it printed. */
  migrate(...args: string[]): Promise<string>;
}

const PASSWORD = "secret";

/** Makes one before each test of the file. */
export function useOldSystem(system: "v4" | "v2"): OldSystemStage {
  const roles: string[] = [];
  // After the database, which has what the roles own.
  afterEach(async () => {
    for (const role of roles.splice(0)) await sql(inject("postgresUrl"), `DROP ROLE ${role}`);
  });
  const routers = useRouters({
    database: async () => {
      const fresh = await freshDatabase();
      await loadOldSystem(fresh.url, system);
      return fresh;
    },
  });
  return {
    routers,
    async ownSchema(schema) {
      const url = new URL(routers.databaseUrl);
      const role = `${url.pathname.slice(1)}_${schema}`;
      await routers.sql(
        `CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'; CREATE SCHEMA ${schema} AUTHORIZATION ${role};
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
      );
      roles.push(role);
      Object.assign(url, { username: role, password: PASSWORD });
      return { DATABASE_URL: url.href, DATABASE_SCHEMA: schema };
    },
    async migrate(...args) {
      const { code, output } = await routers.run("migrate.ts", ...args);
      expect({ code, output }).toMatchObject({ code: 0 });
      return output;
    },
  };
}

/** What a router with HTTP says of its health: `ready`, or everything that is wrong. */
export async function healthOf(router: RouterProcess): Promise<string> {
  const [, url = ""] = /"http":"(http[^"]+)"/.exec(router.output()) ?? [];
  const answer = await fetch(`${url}/readyz`);
  const { status, reasons } = (await answer.json()) as { status: string; reasons: readonly string[] };
  return [status, ...reasons].join("\n");
}

/** Waits until it says something that matches. */
export async function untilHealth(router: RouterProcess, expected: RegExp): Promise<void> {
  await vi.waitFor(async () => expect(await healthOf(router)).toMatch(expected), { timeout: 60_000 });
}

/** Settings of a router that answers for its health. */
export const WITH_HTTP = { HTTP_TOKEN: "a-token-for-these-tests", HTTP_PORT: "0" };
