import { degraded, type Fault } from "./fault.ts";

/**
 * A group that no router needs by its FUNCTIONS, that none reads, and that entries wait for. They are kept for it, so their
 * stream grows.
 */
export interface LeftGroup {
  readonly stream: string;
  readonly group: string;
  readonly waiting: number;
  /** The function that reads it. */
  readonly readBy: string;
}

export function leftGroupFaults(groups: readonly LeftGroup[]): Fault[] {
  return groups.map(({ stream, group, waiting, readBy }) =>
    degraded(
      `${waiting} entries of ${stream} are kept for group ${group}, which no router reads: run a router with ${readBy}, or, if other programs do its work, npm run cli -- groups remove ${group}`,
    ),
  );
}
