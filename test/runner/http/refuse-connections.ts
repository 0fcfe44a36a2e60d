import { sql } from "../../servers/insert-reference.ts";

/** Makes a database refuse connections and closes the open ones, until it is called with `false`. */
export async function refuseConnections(databaseUrl: string, refused: boolean): Promise<void> {
  const admin = new URL(databaseUrl);
  const name = admin.pathname.slice(1);
  admin.pathname = "/postgres";
  await sql(admin.href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS ${String(!refused)}`);
  if (refused)
    await sql(admin.href, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [
      name,
    ]);
}
