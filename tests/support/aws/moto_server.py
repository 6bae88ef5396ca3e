"""Serve moto on a free port until standard input ends, which it does when the test process does, however that ends.

The first line on standard output is JSON: the port, and how requests are named (see `operations.py`). After that each line on standard input
asks for an inventory (see `inventory.py`), answered in one line.
The argument is the interpreter that runs functions (see `functions.py`).
"""

import json
import logging
import os
import signal
import sys

import functions
import inventory
import mends_domain
import mends_gateway
import mends_lambda
import more_lambda
import operations
import quicker
from moto.server import ThreadedMotoServer


def main():
    # A terminal interrupts the test process, too; its end is what counts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What goes wrong inside moto is worth seeing; that it answers is not.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for part in quicker, mends_gateway, mends_domain, mends_lambda, more_lambda:
        part.install()
    functions.install(interpreter=sys.argv[1])
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    functions.endpoint = f"http://127.0.0.1:{port}"
    print(json.dumps({"port": port, "services": operations.services()}), flush=True)
    for line in sys.stdin:
        print(json.dumps(inventory.take(functions.endpoint, **json.loads(line))), flush=True)
    functions.end_all()
    os._exit(0)


if __name__ == "__main__":
    main()
