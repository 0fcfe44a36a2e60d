import { ageText, printable } from "../text.ts";
import { degraded, type Fault } from "./fault.ts";

/** Another program that reads one of the router's groups takes entries away that no router then processes. */
export function foreignFaults(consumers: readonly ForeignHealth[]): Fault[] {
  return consumers
    .filter(({ idleMs }) => idleMs < ACTIVE_MS)
    .map(({ stream, group, consumer, pending, idleMs }) =>
      degraded(
        `${printable(consumer)}, which is no router, reads group ${group} of ${stream} (last ${ageText(idleMs)} ago, ${pending} pending): ` +
          `what it is given no router processes. Stop that program, or this router; to run beside it, set GROUP_SUFFIX and SHADOW=true. ` +
          `If it has ended and has nothing pending: XGROUP DELCONSUMER ${stream} ${group} ${printable(consumer)}`,
      ),
    );
}

/** Before Redis 7.2 only deliveries show that a consumer reads, and there may be minutes between two signals. */
const ACTIVE_MS = 600_000;

/** A consumer of the router's group that is no router's. */
export interface ForeignHealth {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  readonly pending: number;
  readonly idleMs: number;
}
