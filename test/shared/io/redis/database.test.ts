import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openRedis, type RedisRole } from "../../../../shared/io/redis/connection.ts";
import { DatabaseNotSelectedError } from "../../../../shared/io/redis/redis-errors.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";

/** A connection never uses another database than that of its URL. */

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis({ aof: "off" });
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await admin.flushall();
  await admin.acl("SETUSER", "router", "reset", "on", ">pw", "~*", "&*", "+@all");
});

const urlOf = (database: number): string => `redis://router:pw@127.0.0.1:${server.port}/${database}`;

function open(url: string, role: RedisRole = "commands") {
  const errors: Error[] = [];
  const redis = openRedis({
    key: "test",
    url,
    role,
    name: "test",
    blockMs: 100,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => redis.disconnect());
  return { redis, errors };
}

test.each<RedisRole>(["commands", "blocking", "subscriber"])(
  "a database that the server does not have refuses every command of a connection for %s",
  async (role) => {
    const { redis, errors } = open(urlOf(99), role);
    await expect(redis.set("a", "1")).rejects.toThrow(DatabaseNotSelectedError);
    await expect(redis.set("a", "1")).rejects.toThrow(/REDIS_URL|max retries/);
    expect(errors[0]?.message).toMatch(/^REDIS_URL names database 99.*ERR DB index is out of range/);
    expect(await admin.dbsize()).toBe(0);
  },
);

test("so does a user without permission for SELECT, and a user with it uses the database", async () => {
  await open(urlOf(3)).redis.set("a", "1");
  await admin.acl("SETUSER", "router", "-select");
  await expect(open(urlOf(3)).redis.set("a", "2")).rejects.toThrow(/ACL SETUSER <user> \+select/);
  expect(await admin.dbsize()).toBe(0);
  // Database 0 needs no SELECT.
  expect(await open(urlOf(0)).redis.get("a")).toBeNull();
});

test("a permission that is lost while connected leads to no command on database 0 after a reconnect, and back again", async () => {
  const { redis, errors } = open(urlOf(3));
  await redis.set("a", "1");
  await admin.acl("SETUSER", "router", "-select");
  await admin.client("KILL", "USER", "router");
  await vi.waitFor(() =>
    expect(errors.some((error) => error instanceof DatabaseNotSelectedError)).toBe(true),
  );
  for (let n = 0; n < 5; n += 1) await expect(redis.set("b", "1")).rejects.toThrow(/REDIS_URL|max retries/);
  expect(await admin.dbsize()).toBe(0);
  await admin.acl("SETUSER", "router", "+select");
  await vi.waitFor(async () => expect(await redis.get("a")).toBe("1"), { timeout: 10_000 });
  expect(await admin.dbsize()).toBe(0);
});

test("a reply that is not about the database is passed on, and no command is sent either", async () => {
  const { redis } = open(`redis://127.0.0.1:${server.port}/3`);
  await redis.ping();
  await admin.acl("SETUSER", "default", "resetpass", ">pw");
  onTestFinished(async () => void (await admin.acl("SETUSER", "default", "nopass")));
  await expect(open(`redis://127.0.0.1:${server.port}/3`).redis.set("a", "1")).rejects.toThrow(/^NOAUTH/);
  expect(await admin.dbsize()).toBe(0);
});
