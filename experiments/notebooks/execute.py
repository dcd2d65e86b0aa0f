"""Executes one notebook from top to bottom in the Deno kernel, as a person would, and writes it with its outputs.

execute.py NOTEBOOK OUTPUT SECONDS [twice]. SECONDS is the most that one cell may take; "twice" runs each cell twice. Each code cell that ends is told on a line
of JSON: its number among all cells, its seconds, and how many outputs the kernel sent after it had said that the cell was
at its end ("late"): Jupyter drops those, here and in a person's browser. Ends with 1 where a cell fails; what was executed until then is
written all the same.
"""

import json
import queue
import sys
import time
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


OUTPUTS = {"stream", "display_data", "execute_result"}
# The kernel's messages were seen to be late by a few milliseconds.
LATE_SECONDS = 0.15


async def late_outputs(client: NotebookClient) -> int:
    """Outputs that come after the cell's end; there is no later cell yet that they could be of."""
    late = 0
    while True:
        try:
            message = await client.kc.iopub_channel.get_msg(timeout=LATE_SECONDS)
        except queue.Empty:
            return late
        late += message["msg_type"] in OUTPUTS


def both(cell):
    """A code cell and its like; other cells alone."""
    if cell.cell_type != "code":
        return [cell]
    again = deepcopy(cell)
    again["id"] = f"{cell.get('id', 'cell')}-again"
    return [cell, again]


def main(source: str, target: str, seconds: str, twice: str = "") -> int:
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    if twice:
        notebook.cells = [again for cell in notebook.cells for again in both(cell)]
    started = {}

    def start(cell, cell_index):
        started[cell_index] = time.monotonic()

    async def end(cell, cell_index, execute_reply):
        took = round(time.monotonic() - started[cell_index], 2)
        late = await late_outputs(client)
        print(json.dumps({"cell": cell_index, "seconds": took, "late": late}), flush=True)

    client = NotebookClient(
        notebook,
        timeout=int(seconds),
        startup_timeout=120,
        kernel_name="deno",
        record_timing=False,
        on_cell_start=start,
        on_cell_executed=end,
        resources={"metadata": {"path": str(Path(source).resolve().parent)}},
    )
    try:
        client.execute()
        return 0
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        nbformat.write(notebook, target)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
