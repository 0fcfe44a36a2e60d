"""A strategy worker as those of v4 are: reads tasks with XREAD, opens positions, reverses them, reports by log_uid.

Arguments: host and port of Redis, the stream of tasks, the stream of reports. Prints a line of JSON for each position.
"""

import json
import socket
import sys
from datetime import datetime

HOST, PORT, TASKS, REPORTS = sys.argv[1:]
FIELDS = ("strategy_id", "signal_id", "symbol", "direction", "time", "received_at", "log_uid", "source")


class Redis:
    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)))
        self.replies = self.socket.makefile("rb")

    def call(self, *words):
        parts = [str(word).encode() for word in words]
        lengths = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(b"*%d\r\n%s" % (len(parts), lengths))
        return self.reply()

    def reply(self):
        line = self.replies.readline()
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"+":
            return text
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == "-1" else self.replies.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return None if text == "-1" else [self.reply() for _ in range(int(text))]
        raise RuntimeError(text or "the connection was closed")

    def add(self, stream, fields):
        return self.call("XADD", stream, "*", *(word for pair in fields.items() for word in pair))


def report(redis, task, status, note, position):
    redis.add(REPORTS, {
        "log_uid": task["log_uid"],
        "strategy_id": task["strategy_id"],
        "status": status,
        "note": note,
        "position_uid": position,
        "logged_at": datetime.utcnow().isoformat(),
    })


def work(redis, task_id, task):
    task = {name: task[name] for name in FIELDS}
    # With a zone in received_at this raises, and the position is half written.
    latency = datetime.utcnow() - datetime.fromisoformat(task["received_at"])
    print(json.dumps({**task, "latency": latency.total_seconds()}), flush=True)
    report(redis, task, "opened", "", task_id)
    if task["source"] == "reverse_signal":
        report(redis, task, "closed", "by its reverse", task_id)
        return
    report(redis, task, "protect", "stop at break-even", task_id)
    redis.add(TASKS, {
        **task,
        "direction": "short" if task["direction"] == "long" else "long",
        "received_at": datetime.utcnow().isoformat(),
        "source": "reverse_signal",
    })


def main():
    redis = Redis()
    redis.call("CLIENT", "SETNAME", f"worker:{TASKS}")
    last = "$"
    while True:
        for _, entries in redis.call("XREAD", "BLOCK", 0, "STREAMS", TASKS, last):
            for last, flat in entries:
                work(redis, last, dict(zip(flat[::2], flat[1::2])))


main()
