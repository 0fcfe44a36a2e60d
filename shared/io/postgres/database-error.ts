import { postgresRefusal } from "../../config/postgres-refusal.ts";
import { DatabaseError } from "./database.ts";

/** Turns what a driver threw into a DatabaseError whose message holds no row values and no credentials. */
export function toDatabaseError(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  const sqlstate = sqlstateOf(thrown);
  if (sqlstate === undefined) {
    return new DatabaseError(
      `Postgres is unavailable: ${connectionMessage(thrown)}`,
      "unavailable",
      undefined,
    );
  }
  const said = answer(thrown, sqlstate);
  if (REFUSED.test(sqlstate)) return new DatabaseError(`Postgres refused: ${said}`, "refused", sqlstate);
  const { what, remedy } = postgresRefusal(sqlstate, said) ?? { what: "Postgres failed" };
  const advice = remedy === undefined ? "" : `; ${remedy}`;
  return new DatabaseError(`${what}: ${said}${advice}`, "unavailable", sqlstate);
}

/** SQLSTATE classes of statements that can never work: data exception, constraint violation, limit exceeded. */
const REFUSED = /^(?:22|23|54)/;
const MESSAGE_LENGTH_MAX = 300;

/** The code in an error from Postgres; undefined for other errors. Node's own codes look similar (`EPIPE`). */
function sqlstateOf(thrown: unknown): string | undefined {
  return text(thrown, "severity") === undefined ? undefined : text(thrown, "code");
}

function answer(thrown: unknown, sqlstate: string): string {
  const message = firstLine(text(thrown, "message") ?? "");
  // In class 22 the quoted text is the refused value; in other classes it is the name of a table or constraint.
  const safe = sqlstate.startsWith("22") ? message.replace(/["«„“].*["»“”]/su, '"…"') : message;
  const where = ["table", "column", "constraint"].flatMap((part) => {
    const name = text(thrown, part);
    return name === undefined || safe.includes(name) ? [] : [`${part} ${name}`];
  });
  return `${safe} (${[`SQLSTATE ${sqlstate}`, ...where].join(", ")})`;
}

/** When a host name has several addresses, connecting fails with one error per address and no message of its own. */
function connectionMessage(thrown: unknown): string {
  if (thrown instanceof AggregateError) return [...new Set(thrown.errors.map(connectionMessage))].join("; ");
  const message = text(thrown, "message") ?? text(thrown, "code");
  return message === undefined || message === "" ? "connection lost" : firstLine(message);
}

function firstLine(message: string): string {
  return (message.split("\n", 1)[0] ?? "").slice(0, MESSAGE_LENGTH_MAX);
}

function text(thrown: unknown, name: string): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const value: unknown = Reflect.get(thrown, name);
  return typeof value === "string" ? value : undefined;
}
