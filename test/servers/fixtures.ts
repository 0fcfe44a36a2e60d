import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";

/** URL of the run's Redis, shared by all test files: use a prefix of `freshPrefix`. */
export const redisUrl = (): string => inject("redisUrl");

/** A KEY_PREFIX that nobody else uses. */
export const freshPrefix = (): string => `t${randomBytes(6).toString("hex")}:`;

/** An empty database of one's own on the run's Postgres. */
export interface FreshDatabase {
  readonly url: string;
  /** Deletes it, ending the connections that are still open. */
  drop(): Promise<void>;
}

/** Creates a database without tables; `migrate` of shared/io makes them. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const name = `t${randomBytes(6).toString("hex")}`;
  await asAdmin(`CREATE DATABASE ${name}`);
  const url = new URL(inject("postgresUrl"));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
