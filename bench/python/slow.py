"""A long way to a sink: passes on a connection's bytes, those of the answers only after a while.

    python slow.py PORT TARGET_PORT SECONDS

It knows nothing of what it passes on, so that every system meets the same: an answer comes SECONDS later than it was
given.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time


def pass_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def late() -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    return target.shutdown(socket.SHUT_WR)
                target.sendall(data)
            except OSError:
                return None

    threading.Thread(target=late, daemon=True).start()
    while True:
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        waiting.put((time.monotonic() + seconds, data))
        if not data:
            return


def main() -> None:
    port, target_port, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        while True:
            client, _ = listener.accept()
            try:
                target = socket.create_connection(("127.0.0.1", target_port))
            except OSError:
                client.close()
                continue
            for each in (client, target):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pass_on, args=(client, target, 0.0), daemon=True).start()
            threading.Thread(target=pass_on, args=(target, client, seconds), daemon=True).start()


if __name__ == "__main__":
    main()
