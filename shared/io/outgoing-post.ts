import type { PostAnswer, PostRequest } from "../strategy.ts";

export interface OutgoingPostOptions {
  /** STRATEGY_PRIVATE_ADDRESSES */
  readonly privateAddresses: boolean;
}

/** POSTs to the outside. */
export function outgoingPost(_options: OutgoingPostOptions): (request: PostRequest) => Promise<PostAnswer> {
  return async () => Promise.reject(new Error("not there yet"));
}
