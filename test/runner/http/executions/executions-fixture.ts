import type { ServerResponse } from "node:http";
import { rowsWithStrategies, strategyRow } from "../../../builders.ts";
import { useReceivers, type Delivery, type Receiver } from "../../../servers/http-receiver.ts";
import { useHttpApp, type Answered, type FixtureOptions, type HttpFixture } from "../http-fixture.ts";
import { decideWaiting, freshSignal, logWaiting } from "../router-steps.ts";

/** A strategy that posts to a receiver, and what a running router does, one step at a time. */
export interface ExecutionsFixture {
  readonly http: HttpFixture;
  /** Publishes and runs a signal for the strategy, which posts to a receiver that does this; its entry, and the receiver. */
  readonly ranOnce: (behave: Behave) => Promise<{ readonly entry: string; readonly receiver: Receiver }>;
  /** Makes the strategy's row this, and the current snapshot. */
  readonly setStrategy: (changes: Parameters<typeof strategyRow>[1]) => Promise<void>;
  /** Runs every waiting task. */
  readonly runWaiting: () => Promise<void>;
  readonly log: () => Promise<void>;
  readonly retry: (entry: string, body?: Record<string, unknown>) => Promise<Answered>;
  /** The view of the only task of an entry. */
  readonly task: (entry: string) => Promise<Answered["body"]>;
}

type Behave = (response: ServerResponse, nth: number) => void;

export const keyOf = ({ headers }: Delivery): unknown => headers["idempotency-key"];

export function useExecutions(settings: FixtureOptions["settings"] = {}): ExecutionsFixture {
  const http = useHttpApp({ settings: { STRATEGY_PRIVATE_ADDRESSES: "true", ...settings } });
  const receivers = useReceivers();
  let url = "";
  const setStrategy: ExecutionsFixture["setStrategy"] = async (changes) =>
    http.setReference(
      rowsWithStrategies([
        strategyRow(10, { name: "Trend", handler: "webhook", params: { url }, ...changes }),
      ]),
    );
  const runWaiting = async (): Promise<void> => {
    const { status, body } = await http.call("POST", "/functions/execute-strategies/poll?budgetMs=5000");
    if (status !== 200) throw new Error(JSON.stringify(body));
  };
  const log = async (): Promise<void> => logWaiting(http.services);
  return {
    http,
    async ranOnce(behave) {
      const receiver = await receivers((response, _, nth) => behave(response, nth));
      url = `${receiver.url}/hook`;
      await setStrategy({});
      // Its group begins before the first task.
      await runWaiting();
      const entry = await http.publish(freshSignal({ stop_loss: "9.5", qty: "1", price: "10.0" }));
      await decideWaiting(http.services);
      await runWaiting();
      await log();
      return { entry, receiver };
    },
    setStrategy,
    runWaiting,
    log,
    retry: async (entry, body = {}) =>
      http.call("POST", `/executions/${entry}/retry`, {
        strategy: "Trend",
        by: "ann",
        reason: "up again",
        ...body,
      }),
    task: async (entry) => (await http.call("GET", `/executions/${entry}`)).body.tasks[0],
  };
}
