import { openServices } from "../../../runner/setup/services.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { appOn, callApp, type Answered, type HttpFixture } from "./http-fixture.ts";

/** Calls the app of a fixture as it is while Postgres cannot be reached. */
export async function callWithoutPostgres(
  { services }: HttpFixture,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answered> {
  const url = "postgres://nobody@127.0.0.1:1/none";
  const database = await openDatabase({ url, dataDir: "", connectMsMax: 1_000, onError: () => undefined });
  const disconnected = openServices({ ...services, database });
  try {
    return await callApp(appOn(disconnected), method, path, body);
  } finally {
    disconnected.close();
    await database.close();
  }
}
