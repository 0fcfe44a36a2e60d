import { expect, test } from "vitest";
import { databaseRefusal } from "../../../shared/config/redis-database.ts";

test.each([
  ["ERR DB index is out of range", /the server has no such database.*CONFIG GET databases/],
  ["ERR invalid DB index", /the server has no such database/],
  ["ERR SELECT is not allowed in cluster mode", /a Redis Cluster has database 0 only/],
  ["NOPERM User router has no permissions to run the 'select' command", /ACL SETUSER <user> \+select/],
  ["NOPERM this user has no permissions to run the 'select' command", /ACL SETUSER/],
  ["ERR unknown command 'SELECT'", /does not know SELECT/],
])("%s: what it means, and what to do", (reply, advice) => {
  const text = databaseRefusal(99, reply);
  expect(text).toMatch(/^REDIS_URL names database 99, which cannot be used: /);
  expect(text).toMatch(advice);
  expect(text).toContain(reply);
});

test.each([
  "NOAUTH Authentication required.",
  "BUSY Redis is busy running a script.",
  "LOADING Redis is loading the dataset in memory",
  "ERR max number of clients reached",
])("%s is not about the database", (reply) => {
  expect(databaseRefusal(99, reply)).toBeUndefined();
});
