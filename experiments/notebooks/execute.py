"""Executes one notebook from top to bottom in the Deno kernel, as a person would, and writes it with its outputs.

execute.py NOTEBOOK OUTPUT SECONDS. SECONDS is the most that one cell may take. Each code cell that ends is told on a line
of JSON: its number among all cells, and its seconds. Ends with 1 where a cell fails; what was executed until then is
written all the same.
"""

import json
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def main(source: str, target: str, seconds: str) -> int:
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    started = {}

    def start(cell, cell_index):
        started[cell_index] = time.monotonic()

    def end(cell, cell_index, execute_reply):
        took = round(time.monotonic() - started[cell_index], 2)
        print(json.dumps({"cell": cell_index, "seconds": took}), flush=True)

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
