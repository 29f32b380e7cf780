"""Build step: copy the sketches and recordings, which lie beside the packages, into the installed package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithData(build_py):
    """Puts sketches/ and recordings/ into harness/data of a wheel."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return  # such an install uses the checkout's
        data = Path(self.build_lib, "harness", "data")
        for name in ("sketches", "recordings"):
            ignore = shutil.ignore_patterns("__pycache__", "make_tables.py")
            shutil.copytree(name, data / name, ignore=ignore, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
