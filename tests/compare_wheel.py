"""Fail unless a wheel holds every file of the packages that git knows."""

import pathlib
import subprocess
import sys
import zipfile

PACKAGES = ("keras_capsvae", "zoo")


def main(wheel):
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES],
        check=True,
        capture_output=True,
        text=True,
        cwd=pathlib.Path(__file__).parents[1],
    )
    tracked = set(listed.stdout.split("\n")) - {""}
    packed = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.split("/")[0] in PACKAGES
    }
    if tracked != packed:
        sys.exit(
            f"Not in the wheel: {sorted(tracked - packed)}. "
            f"Only in the wheel: {sorted(packed - tracked)}."
        )
    print(f"The wheel holds all {len(packed)} files of {PACKAGES}.")


main(sys.argv[1])
