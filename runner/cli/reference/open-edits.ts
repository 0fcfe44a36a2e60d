import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { VARIABLES } from "../../../shared/config/config.ts";
import { unknownVariables } from "../../../shared/config/unknown-variables.ts";
import { messageOf } from "../../../shared/error-message.ts";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { referenceEditsOn, type ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { configOrExit, DATA_DIR, type Environment } from "../../environment.ts";
import { CliError } from "../connection.ts";

/** Runs a command with the database of DATABASE_URL, or the embedded one. @throws CliError when it cannot be used */
export async function withReferenceEdits<T>(
  env: Environment,
  command: (edits: ReferenceEdits) => Promise<T>,
): Promise<T> {
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = configOrExit(env);
  // Without its DATABASE_URL it would change the embedded database.
  for (const { message } of unknownVariables(env, VARIABLES)) console.error(`Warning: ${message}`);
  const options = { url, schema, neonWsProxy, dataDir: DATA_DIR, onError: () => undefined };
  const database = await openDatabase(options).catch((error: unknown) => {
    throw new CliError(
      url === undefined
        ? `${messageOf(error)}. Only one process can use the embedded database of this folder: stop the router (Ctrl-C) and run this command again`
        : messageOf(error),
    );
  });
  try {
    // With DATABASE_URL only `npm run migrate` changes the schema.
    if (url === undefined) await database.migrate();
    return await command(referenceEditsOn(database, { handlers: HANDLERS }));
  } catch (error) {
    if (error instanceof DatabaseError) throw new CliError(error.message);
    throw error;
  } finally {
    await database.close();
  }
}
