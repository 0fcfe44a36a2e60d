import { ageText } from "../text.ts";
import { degraded, type Fault } from "./fault.ts";

/** Dead letters count until each is retried or discarded. */
export function deadLetterFaults({ count, oldestAgoMs }: DeadLettersHealth): Fault[] {
  if (count === 0) return [];
  const what = count === 1 ? "1 dead letter waits" : `${count} dead letters wait`;
  const age = oldestAgoMs === null ? "" : `, ${count === 1 ? "" : "the oldest "}for ${ageText(oldestAgoMs)}`;
  return [
    degraded(
      `${what}${age}: \`npm run cli -- dead-letters list\` shows what was given up on and why; retry or discard each`,
    ),
  ];
}

/** The entries given up on and neither retried nor discarded. */
export interface DeadLettersHealth {
  readonly count: number;
  /** Null when there is none. */
  readonly oldestAgoMs: number | null;
}
