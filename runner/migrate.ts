import { VARIABLES } from "../shared/config/config.ts";
import { redactUrl } from "../shared/config/redact-url.ts";
import { unknownVariables } from "../shared/config/unknown-variables.ts";
import { messageOf } from "../shared/error-message.ts";
import { openDatabase } from "../shared/io/postgres/open-database.ts";
import { configOrExit, DATA_DIR } from "./environment.ts";

/** `npm run migrate`: brings the schema of DATABASE_URL, or of the embedded database, up to date. */

const config = configOrExit(process.env);
// Without its DATABASE_URL it would migrate the embedded database.
for (const { message } of unknownVariables(process.env, VARIABLES)) console.error(`Warning: ${message}`);
const where = config.databaseUrl === undefined ? "the embedded database" : redactUrl(config.databaseUrl);
try {
  const database = await openDatabase({
    url: config.databaseUrl,
    neonWsProxy: config.neonWsProxy,
    dataDir: DATA_DIR,
    onError: (error) => console.error(messageOf(error)),
  });
  try {
    const applied = await database.migrate({ onWait: (message) => console.error(`${where}: ${message}`) });
    const done = applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`;
    console.log(`${where}: ${done}`);
  } finally {
    await database.close();
  }
} catch (error) {
  console.error(`${where}: the migration failed and has changed nothing: ${messageOf(error)}`);
  process.exitCode = 1;
}
