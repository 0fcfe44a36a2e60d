import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { createDatabase, type FreshDatabase } from "./database.ts";

/** URL of the run's Redis, shared by all test files: use a prefix of `freshPrefix`. */
export const redisUrl = (): string => inject("redisUrl");

/** A KEY_PREFIX that nobody else uses. */
export const freshPrefix = (): string => `t${randomBytes(6).toString("hex")}:`;

/** A database of one's own on the run's Postgres, without tables. */
export const freshDatabase = async (): Promise<FreshDatabase> => createDatabase(inject("postgresUrl"));

/** The same with all tables, empty. */
export const migratedDatabase = async (): Promise<FreshDatabase> =>
  createDatabase(inject("postgresUrl"), { template: inject("migratedTemplate") });
