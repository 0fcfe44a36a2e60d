import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { createDatabase, type FreshDatabase } from "./database.ts";

/** URL of the Redis of the test run. All test files share it: use a prefix of {@link freshPrefix}. */
export const redisUrl = (): string => inject("redisUrl");

/** A KEY_PREFIX that no other test uses. */
export const freshPrefix = (): string => `t${randomBytes(6).toString("hex")}:`;

/** A new database without tables on the Postgres of the test run. */
export const freshDatabase = async (): Promise<FreshDatabase> => createDatabase(inject("postgresUrl"));

/** The same with all tables, empty. */
export const migratedDatabase = async (): Promise<FreshDatabase> =>
  createDatabase(inject("postgresUrl"), { template: inject("migratedTemplate") });
