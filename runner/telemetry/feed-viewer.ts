import type { FeedItem } from "./feed-items.ts";

/** One viewer of the feed: what was published since it last asked, up to a limit. */
export interface FeedViewer {
  /** What came since the last call, as soon as there is something; nothing after `waitMs`. Undefined: the feed has ended. */
  next(waitMs: number): Promise<FeedPart | undefined>;
  close(): void;
}

export interface FeedPart {
  readonly items: readonly FeedItem[];
  /** Items before these that were dropped, because they were not asked for in time. */
  readonly missed: number;
}

/** The same for the reader. */
export interface OpenViewer extends FeedViewer {
  push(items: readonly FeedItem[]): void;
  end(): void;
}

/** Items that wait for one viewer; with more, the oldest are dropped. */
export const WAITING_MAX = 1_000;

export function feedViewer({ onClose }: { readonly onClose: () => void }): OpenViewer {
  let [items, missed, isOver]: [FeedItem[], number, boolean] = [[], 0, false];
  let wake: () => void = () => undefined;

  const viewer: OpenViewer = {
    async next(waitMs) {
      if (items.length === 0 && !isOver) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      if (isOver) return undefined;
      const part = { items, missed };
      [items, missed] = [[], 0];
      return part;
    },
    push(more) {
      if (isOver || more.length === 0) return;
      items.push(...more);
      const over = items.length - WAITING_MAX;
      if (over > 0) {
        items = items.slice(over);
        missed += over;
      }
      wake();
    },
    end() {
      isOver = true;
      items = [];
      wake();
    },
    close() {
      viewer.end();
      onClose();
    },
  };
  return viewer;
}
