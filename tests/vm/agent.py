# SPDX-License-Identifier: MIT
"""Runs in the guest: takes a secret and a shell command from each connection, answers its output.

Instead of a command it takes "call" and JSON: a function of inside.py with its arguments.

The secret keeps other users of the host, who can reach the forwarded port, out of the guest.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import traceback

import inside


def read_all(connection):
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


def run(command):
    """Its status and output."""
    done = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def call(request):
    name, *arguments = json.loads(request)
    try:
        return 0, json.dumps(getattr(inside, name)(*arguments)).encode()
    except Exception:  # whatever it is, it is for whoever asked
        return 1, traceback.format_exc().encode()


def serve(connection):
    with connection:
        secret, _, command = read_all(connection).partition(b"\n")
        if secret.decode() != os.environ["VM_SECRET"]:
            return
        word, _, request = command.partition(b" ")
        status, output = call(request) if word == b"call" else run(command)
        connection.sendall(b"%d\n" % status + output)


with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
