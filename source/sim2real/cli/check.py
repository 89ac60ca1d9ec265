"""``check DIR``: verify every file of a dataset and print its class balance."""

from __future__ import annotations

import argparse
import json
from typing import Any

HELP = """Verify a dataset file by file and print its class balance.

Every image has to be there, decode, and have the size and the hash that were committed with it; no scene may be in two
splits; nothing else may lie in the folder. Also reads folders of Replicator's BasicWriter.
Exit code: 0 sound, 1 at least one fault (each is listed with its file), 2 not a dataset."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("directory", metavar="DIR", help="folder of the dataset")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Check and print; 1 when anything is wrong."""
    from sim2real.datasets.check import check_dataset

    bar = _progress_bar(args.directory)
    try:
        report = check_dataset(args.directory, progress=bar.update if bar is not None else None)
    finally:
        if bar is not None:
            bar.close()
    print(json.dumps(report.to_dict(), indent=2, ensure_ascii=False) if args.json else report.table())
    return 0 if report.ok else 1


def _progress_bar(directory: str) -> Any:
    """A tqdm bar over the frames on stderr, or None without tqdm, without a terminal, or without a manifest."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    from sim2real.datasets import DatasetError, read_manifest

    try:
        total = read_manifest(directory).frames
    except DatasetError:
        return None  # a Replicator folder, or nothing that can be checked: the check itself says which
    return tqdm(total=total, unit=" frames", desc="check", disable=None)
