import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { readConfig, type Config } from "../shared/config/config.ts";

/** Environment variables, as an entry point was given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Folder for the data of a stack that runs on this machine. */
export const DATA_DIR = fileURLToPath(new URL("../.data", import.meta.url));

/** Exit code for a bad environment or schema: starting again will not help. */
export const EXIT_BAD_CONFIG = 2;

/** Something is there and cannot be used as it is: starting again will not help, a person has to act. */
export class MisconfigurationError extends Error {
  override readonly name = "MisconfigurationError";
}

/** The configuration, or the end of the process with every fault printed. */
export function configOrExit(env: Environment): Config {
  const answer = readConfig(env);
  if (answer.ok) return answer.config;
  console.error(`The environment is not usable:\n${answer.message}`);
  process.exit(EXIT_BAD_CONFIG);
}

/** A consumer name nobody else has: host, process id and random characters. */
export function uniqueConsumerName(): string {
  return `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
}
