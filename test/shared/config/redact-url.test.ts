import { expect, test } from "vitest";
import { redactUrl } from "../../../shared/config/redact-url.ts";

test.each([
  ["redis://me:hunter2@cache:6380/2", "redis://***@cache:6380/2"],
  ["redis://cache", "redis://cache"],
  ["redis://:hunter2@cache?password=hunter2", "redis://***@cache"],
  ["postgres://me:hunter2@h/d?sslpassword=hunter2#hunter2", "postgres://***@h/d"],
  ["postgres://me/hunter2@h/d", "postgres://***"],
  ["postgres://me:hun@ter2/d@h/d", "postgres://***"],
  ["postgres://me:1?hunter2@h/d", "postgres://***"],
  ["https://hooks.example/services/hunter2?key=hunter2", "https://hooks.example/***"],
  ["hunter2", "(not a URL)"],
])("%s is printed as %s", (url, printed) => {
  expect(redactUrl(url)).toBe(printed);
});
