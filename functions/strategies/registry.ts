import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { log } from "./log.ts";
import { none } from "./none.ts";
import { stream } from "./stream.ts";
import { webhook } from "./webhook.ts";

/** Every strategy handler there is. To add one: write its file beside these, and name it here. */
export const HANDLERS: readonly AnyStrategyHandler[] = [log, none, stream, webhook];
