import { NO_EFFECTS, type EffectfulFunction, type Result } from "../shared/function.ts";
import { noticesIn, type NotifiedStatus, type Notice } from "../shared/notification/notification.ts";

/**
 * Sends the outcomes that NOTIFY_OUTCOMES names to NOTIFY_URL. Every entry ends as done, whether its outcomes were sent, summed
 * up or dropped, unless the process stops before that. After a crash, an outcome may be sent twice.
 */
export const notify: EffectfulFunction<NotifyPorts> = async function* (entries, ports) {
  const finished: Result[] = [];
  for (const entry of entries) {
    let interrupted = false;
    for (const notice of noticesIn(entry, ports.statuses)) {
      interrupted = ports.stopping.aborted;
      if (interrupted) break;
      if (!ports.offer(notice)) continue;
      // What is finished does not wait for the receiver.
      if (finished.length > 0) yield finished.splice(0);
      interrupted = !(await ports.send(notice));
      if (interrupted) break;
    }
    finished.push(
      interrupted ? leftPending(entry.id) : { id: entry.id, status: "done", effects: NO_EFFECTS },
    );
  }
  if (finished.length > 0) yield finished;
};

export interface NotifyPorts {
  /** NOTIFY_OUTCOMES */
  readonly statuses: ReadonlySet<NotifiedStatus>;
  /** True when the outcome is to be sent now, by itself; otherwise it has been counted for the next summary. */
  offer(notice: Notice): boolean;
  /** Resolves when the outcome has been sent or dropped. False: the process stops before either. */
  send(notice: Notice): Promise<boolean>;
  /** When it aborts, nothing more is sent. */
  readonly stopping: AbortSignal;
}

function leftPending(id: string): Result {
  return {
    id,
    status: "retry",
    error: "the process stopped before the notification was sent",
    expected: true,
  };
}
