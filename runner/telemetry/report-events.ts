import { excerpt } from "../../shared/text.ts";
import { countedEvent, type CountedEvent } from "./counted-event.ts";
import type { EventLog } from "./event-log.ts";

/** Says of workers' reports what is not recorded: those that lead to no decision, and entries that are no reports. */
export interface ReportEvents {
  unknown(count: number): void;
  unreadable(stream: string, entryId: string, error: string): void;
}

export function reportEventsTo(events: Pick<EventLog, "publish">): ReportEvents {
  const unknown = countedEvent(events, (count) => ({
    level: "INFO",
    source: "persist-log",
    message: `${count} reports of workers are about a uid that was not dispatched to their strategy, and are not recorded`,
    details: { reports: count },
  }));
  const unreadable = new Map<string, CountedEvent>();
  return {
    unknown: (count) => unknown.add(count),
    unreadable(stream, entryId, error) {
      let ofStream = unreadable.get(stream);
      if (ofStream === undefined) {
        ofStream = countedEvent(events, (count, about) => ({
          level: "INFO",
          source: "collect-outcomes",
          message: `${count} entries of ${stream} are no reports and are not recorded; expected log_uid, strategy_id and status`,
          details: { stream, entries: count, ...about },
        }));
        unreadable.set(stream, ofStream);
      }
      ofStream.add(1, { last_entry_id: entryId, error: excerpt(error) });
    },
  };
}
