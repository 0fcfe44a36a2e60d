import { messageOf } from "../../shared/error-message.ts";
import type { Database, Migration, MigrateOptions } from "../../shared/io/postgres/database.ts";
import { MigrationRefusedError, readReferenceOrigin } from "../../shared/io/postgres/migration-history.ts";
import { compatStatements } from "../../shared/io/reference-mapping/compat.ts";
import { readMappingReport } from "../../shared/io/reference-mapping/mapping.ts";
import { loadReferenceRows } from "../../shared/io/reference/reference-source.ts";
import { buildReference } from "../../shared/reference/build-reference.ts";
import {
  isSameOrigin,
  originText,
  type ReferenceKind,
  type ReferenceOrigin,
} from "../../shared/reference/reference-kind.ts";
import { splitTickers, splitTickerText } from "../../shared/reference/split-tickers.ts";
import { oldSystemSettings } from "../setup/old-system-settings.ts";
import { changeReference } from "./reference-request.ts";

/** This room migrates a database: its log, and the reference, which may be another system's. */

/** What was typed. */
export interface MigrateRequest {
  readonly reference?: ReferenceKind | undefined;
  readonly source?: string | undefined;
  readonly compat?: "on" | "off" | undefined;
  readonly yes: boolean;
  readonly switch: boolean;
  readonly beside: boolean;
}

export interface MigrateIo {
  /** Whose decisions the log of the system before is united with. */
  readonly shard: string;
  print(line: string): void;
  /** A person's answer; undefined when there is no terminal to ask on. */
  confirm(question: string): Promise<boolean | undefined>;
  readonly onWait: (message: string) => void;
}

/** Does what was asked, and returns what was done, for people. @throws MigrationRefusedError, DatabaseError */
export async function migrate(database: Database, request: MigrateRequest, io: MigrateIo): Promise<string> {
  const options: MigrateOptions = { onWait: io.onWait, beside: request.beside };
  if (request.compat !== undefined) return switchCompat(database, request, { ...options, shard: io.shard });
  const { reference } = request;
  if (reference === undefined) {
    if (request.source !== undefined || request.switch)
      throw new MigrationRefusedError("--source and --switch need --reference");
    const applied = await database.migrate(options);
    await showSplits(database, applied, io);
    return doneText(applied);
  }
  const origin = originOf(reference, request.source);
  const stored = await readReferenceOrigin(database);
  const isChange = stored !== undefined && !isSameOrigin(stored, origin);
  const isMapped = origin.source !== undefined;
  if (isMapped && (!isChange || request.switch)) await showReport(database, origin, io);
  // A reference that is new and not mapped changes nothing that anybody trades on.
  if (isMapped || isChange) await showDifferences(database, { origin, request, options, io });
  const applied = await database.migrate({ ...options, steps: stepsFor(origin, request, database) });
  await showSplits(database, applied, io);
  const settings = oldSystemSettings(reference);
  if (settings.length > 0)
    for (const line of ["Set these for the router, so that it sees changes at once:", ...settings])
      io.print(line);
  return `${doneText(applied)}; the reference is ${originText(origin)}`;
}

function originOf(kind: ReferenceKind, source: string | undefined): ReferenceOrigin {
  if (kind === "v4" || kind === "v2") return { kind, source: source ?? "public" };
  if (source !== undefined) throw new MigrationRefusedError("--source belongs to --reference v4 or v2");
  return { kind };
}

function stepsFor(
  origin: ReferenceOrigin,
  request: MigrateRequest,
  { table }: Database,
): NonNullable<MigrateOptions["steps"]> {
  return async (migration) =>
    (await changeReference(migration, { origin, isSwitch: request.switch }, table)).applied;
}

/** The check of the tables that views would be made over. @throws MigrationRefusedError when they cannot be */
async function showReport(
  { query }: Database,
  { kind, source = "" }: ReferenceOrigin,
  io: MigrateIo,
): Promise<void> {
  if (kind !== "v4" && kind !== "v2") return;
  const { lines, faults } = await readMappingReport(query, { system: kind, source });
  for (const line of lines) io.print(line);
  if (faults.length > 0)
    throw new MigrationRefusedError(
      `the views cannot be made:\n${faults.map((one) => `  ${one}`).join("\n")}`,
    );
}

/** Rehearses the change, shows what it does to trading, and asks. @throws MigrationRefusedError without a yes */
async function showDifferences(
  database: Database,
  {
    origin,
    request,
    options,
    io,
  }: {
    readonly origin: ReferenceOrigin;
    readonly request: MigrateRequest;
    readonly options: MigrateOptions;
    readonly io: MigrateIo;
  },
): Promise<void> {
  const steps = async (migration: Migration): Promise<readonly string[]> => {
    const change = await changeReference(migration, { origin, isSwitch: request.switch }, database.table);
    if (change.differences !== undefined)
      for (const line of differenceLines(change.differences)) io.print(line);
    return change.applied;
  };
  await database.migrate({ ...options, rehearse: true, steps });
  if (request.yes) return;
  const answer = await io.confirm(`Make the reference ${originText(origin)}?`);
  if (answer === true) return;
  throw new MigrationRefusedError(
    answer === undefined ? "there is no terminal to ask on: add --yes to confirm" : "it was not confirmed",
  );
}

function differenceLines(differences: readonly string[]): readonly string[] {
  if (differences.length === 0) return ["Nothing would be traded differently."];
  return ["What would be traded differently:", ...differences.map((line) => `  ${line}`)];
}

/** The migration of the version in which X.P beside X became a ticker of its own. */
const SPLITS_SINCE = "009_router_tables";

/** Says which tickers are two now, once: with the version that has this rule. */
async function showSplits(
  database: Database,
  applied: readonly string[],
  { print }: Pick<MigrateIo, "print">,
): Promise<void> {
  if (!applied.includes(SPLITS_SINCE)) return;
  try {
    const { content } = buildReference(await loadReferenceRows(database));
    const splits = splitTickers(content);
    if (splits.length > 0)
      print("Until this version X.P was the same ticker as X, also where both are listed:");
    for (const split of splits) print(`${splitTickerText(split)}.`);
  } catch (error) {
    // The migration has succeeded all the same.
    print(`Which tickers are two now could not be found out: ${messageOf(error)}`);
  }
}

/** The view that the old system's web UI reads as its log. */
async function switchCompat(
  database: Database,
  { reference, compat, source }: MigrateRequest,
  { shard, ...options }: MigrateOptions & Pick<MigrateIo, "shard">,
): Promise<string> {
  if (reference !== "v4") throw new MigrationRefusedError("--compat belongs to --reference v4");
  const stored = await readReferenceOrigin(database);
  const isOverThem = stored?.kind === "v4" && (source ?? stored.source) === stored.source;
  // It may be the router's own again when the log is given back.
  if (stored === undefined || (compat === "on" && !isOverThem))
    throw new MigrationRefusedError(
      `the reference is not views over these tables of v4: run \`npm run migrate -- --reference v4\` without --compat first`,
    );
  const place = source ?? stored.source ?? "public";
  const of = { on: compat === "on", source: place, table: database.table, shard };
  const applied = await database.migrate({
    ...options,
    steps: async ({ query, run, apply }) => {
      for (const statement of await compatStatements(query, of)) await run(statement);
      return apply(stored);
    },
  });
  return `${doneText(applied)}; the log of v4 in schema ${place} is ${compat === "on" ? "united with this router's" : "as it was"}`;
}

function doneText(applied: readonly string[]): string {
  return applied.length === 0 ? "the schema is up to date" : `applied ${applied.join(", ")}`;
}

/** Why nothing was done, for people. */
export function refusalOf(error: unknown): string {
  return error instanceof MigrationRefusedError
    ? `nothing was changed: ${error.message}`
    : `the migration failed and has changed nothing: ${messageOf(error)}`;
}
