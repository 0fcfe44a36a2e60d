import type { SystemEvent } from "../../shared/events.ts";
import type { EventLog } from "./event-log.ts";

/** Publishes one event a minute at most for something that may happen often: the first time at once, then with the count since. */
export interface CountedEvent {
  /** It happened so many times; `about` is shown if an event is made of it now. */
  add(count: number, about?: object): void;
}

const EVERY_MS = 60_000;

export function countedEvent(
  events: Pick<EventLog, "publish">,
  make: (count: number, about: object) => SystemEvent,
  { everyMs = EVERY_MS }: { readonly everyMs?: number } = {},
): CountedEvent {
  let waiting = 0;
  let latest: object = {};
  let timer: NodeJS.Timeout | undefined;
  function publish(): void {
    timer = undefined;
    if (waiting === 0) return;
    events.publish(make(waiting, latest));
    waiting = 0;
    timer = setTimeout(publish, everyMs).unref();
  }
  return {
    add(count, about = {}) {
      waiting += count;
      latest = about;
      if (timer === undefined) publish();
    },
  };
}
