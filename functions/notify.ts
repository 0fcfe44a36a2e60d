import { NO_EFFECTS, type EffectfulFunction, type Result } from "../shared/function.ts";
import { noticesIn, type NotifiedStatus, type Notice } from "../shared/notification/notification.ts";

export interface NotifyPorts {
  /** NOTIFY_OUTCOMES */
  readonly statuses: ReadonlySet<NotifiedStatus>;
  /** True when the outcome is to be told by itself, now; otherwise it has been counted for the next sum. */
  offer(notice: Notice): boolean;
  /** Tells it; resolves once it has been told or given up. False: the process stops before either. */
  tell(notice: Notice): Promise<boolean>;
  /** When it aborts, nothing more is told. */
  readonly stopping: AbortSignal;
}

/**
 * Tells a person of the outcomes in entries of `signal_results` that NOTIFY_OUTCOMES names. Every entry is done: told, summed
 * up, given up, or nothing to tell (an entry that is no record is reported by `persist-log`) – but for those a stop leaves to
 * the next process. After a crash some may be told twice, which harms nobody.
 */
export const notify: EffectfulFunction<NotifyPorts> = async function* (entries, ports) {
  const over: Result[] = [];
  for (const entry of entries) {
    let left = false;
    for (const notice of noticesIn(entry, ports.statuses)) {
      left = ports.stopping.aborted;
      if (left) break;
      if (!ports.offer(notice)) continue;
      // Those before it need not wait for the receiver.
      if (over.length > 0) yield over.splice(0);
      left = !(await ports.tell(notice));
      if (left) break;
    }
    over.push(left ? leftResult(entry.id) : { id: entry.id, status: "done", effects: NO_EFFECTS });
  }
  if (over.length > 0) yield over;
};

function leftResult(id: string): Result {
  return { id, status: "retry", error: "to be told when the router runs again", expected: true };
}
