import { notify, type NotifyPorts } from "../../functions/notify.ts";
import { onAbort, withManyListeners } from "../../shared/abort.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";
import { streamGroupOn } from "../../shared/io/streams/stream-group.ts";
import { completed, type Notice, type SummedKind } from "../../shared/notification/notification.ts";
import type { Running } from "../../shared/running.ts";
import { checkedAnswers } from "../bindings/checked-answers.ts";
import type { Binding } from "../engine/binding.ts";
import type { Services } from "../setup/services.ts";
import { openNotifier } from "./notifier.ts";

/** Starts the loop that posts outcomes to NOTIFY_URL, until it is stopped. */
export function startNotifying(services: Services, { url, startLoop, abort }: NotifyingOptions): Running {
  const { config, events } = services;
  const stopping = new AbortController();
  const cutOff = new AbortController();
  const notifier = openNotifier({
    config,
    url,
    // The address is the operator's choice.
    post: outgoingPost({ privateAddresses: true, connectMsMax: CONNECT_MS_MAX }),
    complete: async (notice) => withSignal(notice, services),
    nameStrategies: async ({ kinds }) => namesOf([...kinds.values()], services),
    events,
    count: (counter, by) => services.counters.add(counter, by),
    stopping: stopping.signal,
    abort: withManyListeners(cutOff.signal),
  });
  const loop = startLoop(notifyBinding(notifier), STILL_MS_MAX);
  return {
    async stop(request) {
      const end = (): void => cutOff.abort(new Error("the router is stopping"));
      const timer = setTimeout(end, Math.min(STOP_MS_MAX, config.shutdownMsMax / 4));
      const stopListening = onAbort(abort, end);
      stopping.abort();
      const outcome = await loop.stop(request);
      await notifier.close();
      clearTimeout(timer);
      stopListening();
      return outcome;
    },
  };
}

export interface NotifyingOptions {
  /** NOTIFY_URL */
  readonly url: string;
  readonly startLoop: (binding: Binding, stillMsMax: number) => Running;
  /** Ends everything at once. */
  readonly abort: AbortSignal;
}

/** A batch is posted within two minutes of the rate limit; a slow receiver must not make the loop reconnect to Redis. */
const STILL_MS_MAX = 300_000;
/** Together with the time for the answer, a post takes at most twice as long. */
const CONNECT_MS_MAX = 2_000;
/** How long a stop waits for NOTIFY_URL, or a quarter of SHUTDOWN_MS_MAX when that is less. */
const STOP_MS_MAX = 2_000;

/** `notify` on `signal_results`: nothing waits for its group, and no entry is kept for it. */
function notifyBinding(ports: NotifyPorts): Binding {
  return {
    functionName: "notify",
    stream: "signal_results",
    group: "notifier",
    run: (entries) => checkedAnswers(entries, notify(entries, ports)),
    invalidate: () => {},
    bestEffort: true,
  };
}

/** Completes the outcome of a task, which says little about its signal, as far as the rest is available. */
async function withSignal(notice: Notice, { routing, redis, keys, consumer }: Services): Promise<Notice> {
  if (notice.stage === "routing") return notice;
  const context = await routing.get();
  const signals = { stream: "signals_stream", group: "signal_processor", consumer } as const;
  const ids = notice.entry_id === "" ? [] : [notice.entry_id];
  const found = streamGroupOn(redis, keys, signals).fetch(ids);
  // Without Redis it is posted as it is.
  const [entry] = await found.catch(() => []);
  return completed(notice, { snapshot: "status" in context ? undefined : context.snapshot, entry });
}

async function namesOf(kinds: readonly SummedKind[], { routing }: Services): Promise<Map<number, string>> {
  const context = await routing.get();
  if ("status" in context) return new Map();
  const { strategies } = context.snapshot;
  return new Map(
    kinds.flatMap(({ strategy_id: id }) => {
      const name = strategies.get(id)?.name;
      return name === undefined ? [] : [[id, name]];
    }),
  );
}
