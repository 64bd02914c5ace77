"""`python -m stigmer.sync.reader SOCKET ORG`: a reader process of `readers`. Batches of scanned files come in over the
inherited socket, rows go back; it ends when the socket is closed."""

from __future__ import annotations

import gc
import marshal
import sys
from multiprocessing.connection import Connection

from manifests import Entry, ManifestError, read_as_scanned
from stigmer.contract import Contract, default_contract
from stigmer.sync.documents import Row, read_rows


def main(socket: int, org: str) -> None:
    """Answers batches until there are no more."""
    contract = default_contract()
    gc.disable()  # rows are values without cycles, and are gone with their answer
    with Connection(socket) as connection:
        while True:
            try:
                batch = marshal.loads(connection.recv_bytes())  # noqa: S302 -- from the process that started this one
                answer = [_read(contract, Entry(*file), org) for file in batch]
                connection.send_bytes(marshal.dumps(answer))
            except (EOFError, OSError):
                return


def _read(contract: Contract, file: Entry, org: str) -> list[Row] | None:
    try:
        data = read_as_scanned(file)
        return None if data is None else read_rows(contract, data, file.path, org)
    except (ManifestError, OSError):
        return None


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
