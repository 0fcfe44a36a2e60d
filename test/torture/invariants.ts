import { counterViolations } from "./checks/counters.ts";
import { dispatchViolations } from "./checks/dispatches.ts";
import { entriesViolations } from "./checks/entries.ts";
import { executionViolations } from "./checks/executions.ts";
import { exitViolations } from "./checks/exits.ts";
import { orderViolations, repeatViolations } from "./checks/order.ts";
import { remainderViolations } from "./checks/remainder.ts";
import { identityViolations } from "./checks/uids.ts";
import { evidenceOf, type Violation } from "./evidence.ts";
import type { Facts } from "./facts.ts";
import { withoutTakenBack } from "./taken-back.ts";

/** What must be true after any run, checked on the collected facts alone: all violations, none for a correct router. */
export function violationsIn(collected: Facts): Violation[] {
  const moves = collected.setting !== "plain";
  const facts = moves ? { ...collected, ...withoutTakenBack(collected) } : collected;
  const evidence = evidenceOf(facts);
  return [
    ...entriesViolations(facts, evidence),
    ...dispatchViolations(facts, evidence),
    ...identityViolations(facts),
    ...executionViolations(facts),
    ...exitViolations(facts),
    ...orderViolations(facts),
    // The count of an attempt may be taken back: then it is made again, with the same number and the same idempotency key.
    ...(moves ? [] : repeatViolations(facts)),
    ...counterViolations(facts),
    ...remainderViolations(facts, evidence),
  ];
}
