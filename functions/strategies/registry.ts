import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { log } from "./log.ts";
import { none } from "./none.ts";
import { stream } from "./stream.ts";
import { webhook } from "./webhook.ts";

/** All strategy handlers. To add one, write its file in this folder and name it here. */
export const HANDLERS: readonly AnyStrategyHandler[] = [log, none, stream, webhook];
