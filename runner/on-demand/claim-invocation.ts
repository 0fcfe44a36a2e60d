import { loggedInvocation, type LoggedInvocation } from "../../shared/io/log/logged-invocation.ts";
import { DatabaseError } from "../../shared/io/postgres/database.ts";
import { invocationMarksOn, type InvocationMark } from "../../shared/io/streams/invocation-marks.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { printable } from "../../shared/text.ts";
import type { Services } from "../setup/services.ts";

/**
 * The id that a client gives its run on demand. A repeated call with it goes on with the run, so it must be the same run:
 * same kind, signals, mode and strategies, and begun so lately that what it has committed is still fenced.
 */
export type ClaimDeps = Pick<Services, "redis" | "keys" | "config">;

/** The id belongs to another run, or to one that can no longer be continued. Nothing was done. */
export class InvocationRefused extends Error {
  override readonly name = "InvocationRefused";
  /** Stable, for programs. */
  readonly code: "invocation_taken" | "invocation_expired";
  /** What to do about it. */
  readonly hint: string;

  constructor(code: InvocationRefused["code"], detail: string) {
    super(detail);
    this.code = code;
    this.hint =
      code === "invocation_taken"
        ? "repeat the call as it was to continue that run, or leave `invocation` out to begin another one"
        : "see in the log what it has done (GET /signals?invocation=…), and begin another run for the rest";
  }
}

/**
 * The run that was begun under this id, for a replay that may continue it; undefined when the id is free.
 * @throws InvocationRefused when it is no replay, too old, or another router's, and DatabaseError
 */
export async function knownInvocation(
  id: string,
  { database, ...deps }: ClaimDeps & Pick<Services, "database">,
): Promise<InvocationMark | undefined> {
  // In this order: a mark that ends in between has left a row.
  const mark = await marksOn(deps).read(id);
  const logged = await loggedInvocation(database, id);
  if (mark !== undefined || logged === undefined) return mark;
  if (logged.kind === "replay") throw expired(id, logged);
  throw ofOtherKind(id, logged.kind, "replay");
}

/**
 * Makes the id one of posted entries. Calls of one invocation may post different entries, at any time.
 * @throws InvocationRefused when another kind of run has it, or has had it: decisions under it would count as that run's
 */
export async function claimPosted(
  id: string,
  { database, ...deps }: ClaimDeps & Pick<Services, "database">,
): Promise<void> {
  // In this order, as above; without Postgres the mark alone decides.
  const mark = await marksOn(deps).read(id);
  const logged = mark === undefined ? await loggedIfAvailable(database, id) : undefined;
  if (logged !== undefined && logged.kind !== POSTED.kind) throw ofOtherKind(id, logged.kind, POSTED.kind);
  await claimInvocation(id, POSTED, deps);
}

const POSTED = { kind: "manual", mode: null, selection: null, openRange: null, strategies: null } as const;

async function loggedIfAvailable(
  database: Services["database"],
  id: string,
): Promise<LoggedInvocation | undefined> {
  try {
    return await loggedInvocation(database, id);
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === "unavailable") return undefined;
    throw error;
  }
}

function ofOtherKind(
  id: string,
  is: LoggedInvocation["kind"],
  wanted: LoggedInvocation["kind"],
): InvocationRefused {
  const differs = `it is ${KINDS[is]}, not ${KINDS[wanted]}`;
  return new InvocationRefused("invocation_taken", takenText(id, [differs]));
}

/** Makes the id this run's own, or continues it. @throws InvocationRefused when another run has it */
export async function claimInvocation(
  id: string,
  wanted: InvocationMark,
  deps: ClaimDeps & Named,
): Promise<void> {
  const before = await marksOn(deps).claim(id, wanted);
  if (before !== undefined) refuseOther(id, before, wanted, deps);
}

interface Named {
  /** The name of a strategy, for people. */
  readonly nameOf?: (strategyId: number) => string | undefined;
}

/** Why a run can no longer go on: its mark has ended, and fences of what was committed may end, too. */
export async function endedClaim(id: string, deps: ClaimDeps): Promise<InvocationRefused | undefined> {
  return (await marksOn(deps).read(id)) === undefined ? expired(id, undefined) : undefined;
}

/** @throws InvocationRefused naming what differs */
export function refuseOther(
  id: string,
  begun: InvocationMark,
  wanted: InvocationMark,
  { nameOf }: Named = {},
): void {
  const text = (ids: readonly number[] | null): string =>
    ids === null ? "all strategies" : ids.map((one) => strategyLabel(one, nameOf?.(one))).join(", ");
  const differs = differences(begun, wanted, text);
  if (differs.length > 0) throw new InvocationRefused("invocation_taken", takenText(id, differs));
}

function marksOn({ redis, keys, config }: ClaimDeps) {
  return invocationMarksOn(redis, keys, config);
}

function differences(
  begun: InvocationMark,
  wanted: InvocationMark,
  text: (strategies: readonly number[] | null) => string,
): string[] {
  if (begun.kind !== wanted.kind) return [`it is ${KINDS[begun.kind]}, not ${KINDS[wanted.kind]}`];
  const mode = begun.mode === wanted.mode ? [] : [`its mode is ${begun.mode}, not ${wanted.mode}`];
  const signals = begun.selection === wanted.selection ? [] : ["it is for other signals"];
  const [was, now] = [text(begun.strategies), text(wanted.strategies)];
  return [...mode, ...signals, ...(was === now ? [] : [`it is for ${was}, not for ${now}`])];
}

function takenText(id: string, differs: readonly string[]): string {
  return `invocation ${printable(id)} was begun as another run: ${differs.join(" and ")}`;
}

const KINDS = {
  replay: "a replay",
  dead_letter: "a retry of dead letters",
  manual: "posted entries",
  retry: "a retry of a failed run",
} as const;

function expired(id: string, logged: LoggedInvocation | undefined): InvocationRefused {
  const name = printable(id);
  const began =
    logged === undefined
      ? `invocation ${name} began more than DEDUP_TTL_MS ago`
      : `invocation ${name} is ${KINDS[logged.kind]} of ${logged.startedAt.toISOString()} by ${printable(logged.requestedBy ?? "an unnamed client")}`;
  return new InvocationRefused(
    "invocation_expired",
    `${began}, and this router no longer knows what it has committed (fences are kept for DEDUP_TTL_MS), so it cannot be continued without doing it twice`,
  );
}
