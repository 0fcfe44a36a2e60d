import { setTimeout as pause } from "node:timers/promises";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { VARIABLES } from "../../../shared/config/config.ts";
import { secretsOf } from "../../../shared/config/secrets.ts";
import { unknownVariables } from "../../../shared/config/unknown-variables.ts";
import { messageOf } from "../../../shared/error-message.ts";
import { DatabaseError, type Database } from "../../../shared/io/postgres/database.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import type { EditAnswer } from "../../../shared/io/reference-edits/edit.ts";
import { ReferenceNotOwnError } from "../../../shared/io/reference-edits/not-own.ts";
import type { ReferenceEdits } from "../../../shared/io/reference-edits/reference-edits.ts";
import { referenceEditsFor } from "../../bindings/reference-edits.ts";
import { DATA_DIR, type Environment } from "../../environment.ts";
import { CliError, withRedisStarted, type Connection } from "../connection.ts";

/** How long a running router may take until it has a change, in ms; it is told at once. */
const TAKEN_MS_MAX = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Runs a command with the reference in the database of DATABASE_URL, or in the embedded one. @throws CliError when it cannot be
 * used
 */
export async function withReferenceEdits<T>(
  env: Environment,
  command: (edits: ReferenceEdits) => Promise<T>,
): Promise<T> {
  // Without its DATABASE_URL it would change the embedded database.
  for (const { message } of unknownVariables(env, VARIABLES)) console.error(`Warning: ${message}`);
  return withRedisStarted(env, async (connection) => {
    const database = await openFor(connection);
    try {
      const { config, redis, keys } = connection;
      const deps = { database, redis, keys, handlers: HANDLERS, config, secrets: secretsOf(env, config) };
      return await command(taken(referenceEditsFor(deps), connection));
    } catch (error) {
      if (error instanceof DatabaseError || error instanceof ReferenceNotOwnError)
        throw new CliError(error.message);
      throw error;
    } finally {
      await database.close();
    }
  });
}

async function openFor({ config }: Connection): Promise<Database> {
  const { databaseUrl: url, databaseSchema: schema, neonWsProxy } = config;
  const options = { url, schema, neonWsProxy, dataDir: DATA_DIR, onError: () => undefined };
  const database = await openDatabase(options).catch((error: unknown) => {
    throw new CliError(
      url === undefined
        ? `${messageOf(error)}. While the router runs, it changes its reference itself: GET and PUT /reference/document (runner/http/README.md)`
        : messageOf(error),
    );
  });
  // With DATABASE_URL only `npm run migrate` changes the schema.
  if (url === undefined) await database.migrate();
  return database;
}

/** The same edits, which ask running routers to take what was changed, and say when none has. */
function taken(edits: ReferenceEdits, { redis, keys, config }: Connection): ReferenceEdits {
  const [channel] = config.referenceChannels;
  async function announced<Answer extends EditAnswer | undefined>(answer: Answer): Promise<Answer> {
    if (answer?.status !== "done") return answer;
    const heard = channel === undefined ? 0 : await redis.publish(channel, "changed");
    const until = performance.now() + (heard === 0 ? 0 : TAKEN_MS_MAX);
    while ((await redis.get(keys.referenceCurrent)) !== answer.version) {
      if (performance.now() > until) {
        const why = "no running router has it yet: it is read at the next refresh, or when a router starts";
        const { summary } = answer;
        return { ...answer, summary: { ...summary, warnings: [...summary.warnings, why] } };
      }
      await pause(LOOK_EVERY_MS);
    }
    return answer;
  }
  return {
    ...edits,
    apply: async (edit) => announced(await edits.apply(edit)),
    rollback: async (id, options) => announced(await edits.rollback(id, options)),
  };
}
