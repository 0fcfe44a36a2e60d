import { createHash } from "node:crypto";
import { COMMIT_SCRIPT } from "../../../shared/io/commit/script.ts";
import { encodeCommand, readValue } from "./resp.ts";

/** Place in ARGV, from 1, of the time until which the decisions hold. */
const HOLDS_UNTIL = 5;
const FOR_EVER = Buffer.alloc(0);

const SCRIPT = Buffer.from(COMMIT_SCRIPT);
const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");
/** Of a script's call: its name, the script and the number of keys come before the keys. */
const BEFORE_KEYS = 3;

/**
 * The calls of the commit script in what a client has sent, in its order and byte by byte, except that their decisions hold
 * for ever: they were made a while ago by the time they are sent again.
 */
export function commitCallsIn(sent: Buffer): Buffer[] {
  const calls: Buffer[] = [];
  for (const command of commandsIn(sent)) {
    if (isCommit(command)) calls.push(encodeCommand(holdingForEver(command)));
  }
  return calls;
}

/** Command by command; one that was cut off at the end is left out. */
function* commandsIn(sent: Buffer): Generator<Buffer[]> {
  for (let at = 0; at < sent.length;) {
    const read = readValue(sent, at);
    if (read === undefined) return;
    if (!Array.isArray(read.value)) throw new Error("a client sent something that is no array");
    yield read.value.filter((arg) => Buffer.isBuffer(arg));
    at = read.next;
  }
}

/** The first call of a connection brings the script along, the others name it. */
function isCommit([name, script]: readonly Buffer[]): boolean {
  const command = name?.toString().toLowerCase();
  if (command === "eval") return script?.equals(SCRIPT) === true;
  return command === "evalsha" && script?.toString() === SCRIPT_SHA;
}

function holdingForEver(command: readonly Buffer[]): Buffer[] {
  const keys = Number(command[BEFORE_KEYS - 1]);
  return command.with(BEFORE_KEYS + keys + HOLDS_UNTIL - 1, FOR_EVER);
}
