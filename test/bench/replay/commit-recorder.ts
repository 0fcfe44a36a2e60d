import { createHash } from "node:crypto";
import { COMMIT_SCRIPT, COMMIT_SCRIPT_WHEN_FULL } from "../../../shared/io/commit/script.ts";
import { encodeCommand, readValue } from "./resp.ts";

/** Index in ARGV, from 1, of the time until which the decisions are valid. */
const VALID_UNTIL = 5;
const NO_LIMIT = Buffer.alloc(0);

/** Both texts, and their hashes. */
const SCRIPTS = [COMMIT_SCRIPT, COMMIT_SCRIPT_WHEN_FULL].map((text) => Buffer.from(text));
const SCRIPT_SHAS = SCRIPTS.map((script) => createHash("sha1").update(script).digest("hex"));
/** In a script call the command, the script and the number of keys come before the keys. */
const BEFORE_KEYS = 3;

/**
 * The calls of the commit script among the commands of a client, in order and byte by byte, except that their decisions
 * stay valid without limit: they are old by the time they are sent again.
 */
export function commitCallsIn(sent: Buffer): Buffer[] {
  const calls: Buffer[] = [];
  for (const command of commandsIn(sent)) {
    if (isCommit(command)) calls.push(encodeCommand(withoutLimit(command)));
  }
  return calls;
}

/** Command by command; an incomplete one at the end is left out. */
function* commandsIn(sent: Buffer): Generator<Buffer[]> {
  for (let at = 0; at < sent.length;) {
    const read = readValue(sent, at);
    if (read === undefined) return;
    if (!Array.isArray(read.value))
      throw new Error("recorded traffic: expected commands as arrays, found another RESP type");
    yield read.value.filter((arg) => Buffer.isBuffer(arg));
    at = read.next;
  }
}

/** The first call of a connection contains the script, the others its hash. */
function isCommit([name, script]: readonly Buffer[]): boolean {
  const command = name?.toString().toLowerCase();
  if (script === undefined) return false;
  if (command === "eval") return SCRIPTS.some((text) => script.equals(text));
  return command === "evalsha" && SCRIPT_SHAS.includes(script.toString());
}

function withoutLimit(command: readonly Buffer[]): Buffer[] {
  const keys = Number(command[BEFORE_KEYS - 1]);
  return command.with(BEFORE_KEYS + keys + VALID_UNTIL - 1, NO_LIMIT);
}
