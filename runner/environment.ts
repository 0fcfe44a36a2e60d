import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { readConfig, type Config } from "../shared/config/config.ts";

/** What the entry points share: the environment, the data folder, exit codes and the consumer name. */

/** The environment variables of an entry point. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Folder for the data of local servers. */
export const DATA_DIR = fileURLToPath(new URL("../.data", import.meta.url));

/** Exit code for a wrong environment or schema: a restart does not help. */
export const EXIT_BAD_CONFIG = 2;

/** Something is wrong that a restart does not fix: an operator has to act. */
export class MisconfigurationError extends Error {
  override readonly name = "MisconfigurationError";
}

/** The configuration; on faults reports all of them and exits. */
export function configOrExit(env: Environment, report: (message: string) => void = console.error): Config {
  const answer = readConfig(env);
  if (answer.ok) return answer.config;
  report(`The environment variables are not valid:\n${answer.message}`);
  process.exit(EXIT_BAD_CONFIG);
}

/** A unique consumer name: host, process id and random characters. */
export function uniqueConsumerName(): string {
  return `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
}
