import { readFile } from "node:fs/promises";
import { sql } from "../servers/insert-reference.ts";

/** Fills an empty database with the tables of an old system, in `public`, with rows of every kind. */
export async function loadOldSystem(url: string, system: "v4" | "v2"): Promise<void> {
  await sql(url, await readFile(new URL(`${system}.sql`, import.meta.url), "utf8"));
}
