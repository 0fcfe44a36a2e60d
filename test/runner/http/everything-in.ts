import { contentsOf } from "../../servers/redis-contents.ts";
import type { HttpFixture } from "./http-fixture.ts";

/** Every key of the router in Redis and every row of its tables in Postgres, to show that a call changed nothing. */
export async function everythingIn(http: HttpFixture): Promise<unknown> {
  const tables = await http.sql(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1",
  );
  const rows: Record<string, unknown> = {};
  for (const { name } of tables) {
    rows[String(name)] = await http.sql(`SELECT to_jsonb(t) AS row FROM "${String(name)}" t ORDER BY 1`);
  }
  const { redis, keys } = http.services;
  return { redis: await contentsOf(redis, keys.prefix), rows };
}
