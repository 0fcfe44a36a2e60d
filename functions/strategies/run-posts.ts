import type { PostAnswer, PostProgress, PostRequest } from "../../shared/strategy.ts";
import type { RunTime } from "./run-in-time.ts";

/** The posts of one run, and what is known about their arrival. */
export interface RunPosts {
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
  arrival(): Arrival;
}

/**
 * `none`: nothing was sent · `waiting`: nothing was sent, since there was no connection yet when the run was ended ·
 * `answered`: the receiver has answered all that was sent · `unknown`: it has not, so the rest may have arrived.
 */
export type Arrival = "none" | "waiting" | "answered" | "unknown";

export interface RunPostsOptions {
  readonly post: (request: PostRequest, progress: PostProgress) => Promise<PostAnswer>;
  /** STRATEGY_TIMEOUT_MS */
  readonly timeoutMs: number;
}

/** The part of STRATEGY_TIMEOUT_MS that one POST may take: after the run's limit there is no other attempt. */
const POST_SHARE_MAX = 0.8;

/** Posts for a run, whose time limit stands still while a post waits for its connection. */
export function openRunPosts(
  { post, timeoutMs: runMsMax }: RunPostsOptions,
  { hold, abort }: RunTime,
): RunPosts {
  const count = { waiting: 0, sent: 0, answered: 0 };

  function startWaiting(): () => void {
    const goOn = hold();
    let isWaiting = true;
    count.waiting += 1;
    return () => {
      goOn();
      // What waits when the run is ended stays counted.
      if (!isWaiting || abort.aborted) return;
      isWaiting = false;
      count.waiting -= 1;
    };
  }

  return {
    async post(request) {
      const timeoutMs = Math.min(request.timeoutMs, Math.ceil(runMsMax * POST_SHARE_MAX));
      const stopWaiting = startWaiting();
      const onSend = (): void => {
        count.sent += 1;
        stopWaiting();
      };
      try {
        const answer = await post({ ...request, timeoutMs }, { onSend });
        count.answered += 1;
        return answer;
      } finally {
        stopWaiting();
      }
    },
    arrival() {
      if (count.sent > count.answered) return "unknown";
      if (count.answered > 0) return "answered";
      return count.waiting > 0 ? "waiting" : "none";
    },
  };
}
