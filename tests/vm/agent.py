# SPDX-License-Identifier: MIT
"""Runs in the guest: takes a secret and a shell command from each connection, answers its output.

The secret keeps other users of the host, who can reach the forwarded port, out of the guest.
"""

import os
import socket
import subprocess
import sys
import threading


def read_all(connection):
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


def serve(connection):
    with connection:
        secret, _, command = read_all(connection).partition(b"\n")
        if secret.decode() != os.environ["VM_SECRET"]:
            return
        run = subprocess.run(
            ["bash", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        connection.sendall(b"%d\n" % run.returncode + run.stdout)


with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
