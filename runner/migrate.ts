import { Command, InvalidArgumentError, Option } from "commander";
import { isSchemaName, SCHEMA_EXPECTED } from "../shared/config/config-values.ts";
import { VARIABLES } from "../shared/config/config.ts";
import { redactUrl } from "../shared/config/redact-url.ts";
import { unknownVariables } from "../shared/config/unknown-variables.ts";
import { messageOf } from "../shared/error-message.ts";
import { openDatabase } from "../shared/io/postgres/open-database.ts";
import { keysOf } from "../shared/keys.ts";
import { REFERENCE_KINDS } from "../shared/reference/reference-kind.ts";
import { printable } from "../shared/text.ts";
import { configOrExit, DATA_DIR } from "./environment.ts";
import { migrate, refusalOf, type MigrateRequest } from "./migrate/migrate-command.ts";
import { confirmOnTerminal } from "./setup/confirm.ts";

/** `npm run migrate`: brings the schema of DATABASE_URL, or of the embedded database, up to date. */

const program = new Command("npm run migrate --")
  .description("Brings the database of DATABASE_URL, or the embedded one, up to date; all or nothing.")
  .addOption(
    new Option(
      "--reference <kind>",
      "whose reference it is (default: as before; own in a new database)",
    ).choices(REFERENCE_KINDS),
  )
  .option("--source <schema>", "schema of the tables of v4 or v2 (default: public)", schemaName)
  .option("--switch", "allow another kind of reference than before", false)
  .option("--yes", "confirm what is shown", false)
  .addOption(
    new Option("--compat <state>", "with --reference v4: unite its log with this router's").choices([
      "on",
      "off",
    ]),
  )
  .option("--beside", "make new tables in DATABASE_SCHEMA beside those of another router", false)
  .showHelpAfterError("(--help lists the options)")
  .action(run);

await program.parseAsync();

async function run(request: MigrateRequest): Promise<void> {
  const config = configOrExit(process.env);
  // Without its DATABASE_URL it would migrate the embedded database.
  for (const { message } of unknownVariables(process.env, VARIABLES)) console.error(`Warning: ${message}`);
  const at = config.databaseUrl === undefined ? "the embedded database" : redactUrl(config.databaseUrl);
  const where = config.databaseSchema === undefined ? at : `${at}, schema ${config.databaseSchema}`;
  try {
    const database = await openDatabase({
      url: config.databaseUrl,
      schema: config.databaseSchema,
      neonWsProxy: config.neonWsProxy,
      dataDir: DATA_DIR,
      onError: (error) => console.error(messageOf(error)),
    });
    try {
      const done = await migrate(database, request, {
        shard: keysOf(config.keyPrefix, config).shard,
        print: (line) => console.log(printable(line)),
        confirm: confirmOnTerminal,
        onWait: (message) => console.error(`${where}: ${message}`),
      });
      console.log(`${where}: ${done}`);
    } finally {
      await database.close();
    }
  } catch (error) {
    console.error(`${where}: ${refusalOf(error)}`);
    process.exitCode = 1;
  }
}

function schemaName(text: string): string {
  if (!isSchemaName(text)) throw new InvalidArgumentError(`Expected ${SCHEMA_EXPECTED}.`);
  return text;
}
