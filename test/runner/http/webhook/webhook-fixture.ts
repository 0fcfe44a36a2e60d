import { beforeEach, expect } from "vitest";
import { useHttpApp } from "../http-fixture.ts";

/** An app with the webhook, and the alerts that its tests send. */

export const SECRET = 's3cret-"\\/%+value';
export const PATH = "/webhooks/tradingview";
export const IN_PATH = `${PATH}/${encodeURIComponent(SECRET)}`;
export const ALERT = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT.P", time: "2026-01-05T10:00:00Z" };
export const BYTES_MAX = 4_096;

export interface Post {
  readonly body?: RequestInit["body"] | object;
  readonly headers?: Record<string, string>;
}

export function useWebhook() {
  const logLines: string[] = [];
  const http = useHttpApp({
    settings: {
      WEBHOOK_SECRET: SECRET,
      HTTP_BODY_BYTES_MAX: String(BYTES_MAX),
      TRUSTED_PROXIES: "192.0.2.1",
    },
    logLines,
  });
  beforeEach(() => {
    logLines.length = 0;
  });

  /** Posts a body without a token; an object is sent as JSON. */
  async function post(path: string, { body = ALERT, headers = {} }: Post = {}) {
    const isPlain = typeof body === "string" || body instanceof ReadableStream || body instanceof Uint8Array;
    const sent = isPlain ? body : JSON.stringify(body);
    const init: RequestInit = { method: "POST", headers, body: sent, duplex: "half" };
    const response = await http.app.request(path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  }

  /** The webhook's events, oldest first. */
  async function events() {
    await http.services.events.flush(5_000);
    const all = await http.fieldsIn("system_events");
    return all
      .filter(({ source }) => source === "webhook")
      .map(({ level, message, details = "" }) => ({ level, message, details: JSON.parse(details) }));
  }

  return { http, logLines, post, events };
}

export function expectNoSecretIn(...texts: string[]): void {
  for (const text of texts) {
    for (const spelling of [
      SECRET,
      JSON.stringify(SECRET).slice(1, -1),
      encodeURIComponent(SECRET),
      "s3cret",
    ])
      expect(text).not.toContain(spelling);
  }
}
