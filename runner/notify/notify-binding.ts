import { notify, type NotifyPorts } from "../../functions/notify.ts";
import { outgoingPost } from "../../shared/io/http-client/post.ts";
import { streamGroupOn } from "../../shared/io/streams/stream-group.ts";
import { completed, type Notice } from "../../shared/notification/notification.ts";
import { checkedAnswers } from "../bindings/checked-answers.ts";
import type { Binding } from "../engine/binding.ts";
import type { Running } from "../engine/running.ts";
import type { Services } from "../setup/services.ts";
import { openNotifier } from "./notifier.ts";

/** `notify` on `signal_results`, with a group that nothing waits for and no entry is kept for. */
export function notifyBinding(ports: NotifyPorts): Binding {
  return {
    functionName: "notify",
    stream: "signal_results",
    group: "notifier",
    run: (entries) => checkedAnswers(entries, notify(entries, ports)),
    invalidate: () => {},
    bestEffort: true,
  };
}

export interface NotifyingOptions {
  /** NOTIFY_URL */
  readonly url: string;
  readonly startLoop: (binding: Binding, stillMsMax: number) => Running;
  /** Ends everything, at once. */
  readonly abort: AbortSignal;
}

/** A batch is told within two of its minutes; whatever is slow here is no reason to break connections. */
const STILL_MS_MAX = 300_000;
/** How long a stop waits for NOTIFY_URL, or a quarter of SHUTDOWN_MS_MAX when that is less. */
const STOP_MS_MAX = 2_000;

/** Starts telling outcomes to NOTIFY_URL, until it is stopped. */
export function startNotifying(services: Services, { url, startLoop, abort }: NotifyingOptions): Running {
  const { config, events } = services;
  const stopping = new AbortController();
  const cutOff = new AbortController();
  const notifier = openNotifier({
    config,
    url,
    // Whoever runs the router has chosen the address.
    post: outgoingPost({ privateAddresses: true }),
    complete: async (notice) => withWhatIsKnown(notice, services),
    events,
    stopping: stopping.signal,
    abort: cutOff.signal,
  });
  const loop = startLoop(notifyBinding(notifier), STILL_MS_MAX);
  return {
    async stop(request) {
      const end = (): void => cutOff.abort(new Error("the router stops"));
      const timer = setTimeout(end, Math.min(STOP_MS_MAX, config.shutdownMsMax / 4));
      abort.addEventListener("abort", end, { once: true });
      stopping.abort();
      const outcome = await loop.stop(request);
      await notifier.close();
      clearTimeout(timer);
      return outcome;
    },
  };
}

/** The outcome of a task says little about its signal: this asks for the rest, which need not be there. */
async function withWhatIsKnown(
  notice: Notice,
  { routing, redis, keys, consumer }: Services,
): Promise<Notice> {
  if (notice.stage === "routing") return notice;
  const context = await routing.get();
  const signals = { stream: "signals_stream", group: "signal_processor", consumer } as const;
  const found = streamGroupOn(redis, keys, signals).fetch([notice.entry_id]);
  // Without Redis it is told with what is known.
  const [entry] = await found.catch(() => []);
  return completed(notice, { snapshot: "status" in context ? undefined : context.snapshot, entry });
}
