from __future__ import annotations

import shutil
import subprocess

import pytest

from models.convert.c_array import write_c_array

PROGRAM = """
#include <cstdint>
#include <cstdio>
#include "model_data.h"
int main() {
  if (reinterpret_cast<std::uintptr_t>(earshot::kModelData) % 16 != 0) return 1;
  return std::fwrite(earshot::kModelData, 1, earshot::kModelDataBytes, stdout) != earshot::kModelDataBytes;
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@pytest.mark.parametrize("size", [1, 16, 1000])
def test_the_array_compiles_and_holds_the_bytes(tmp_path, size):
    content = bytes(index * 7 % 256 for index in range(size))
    (tmp_path / "model.tflite").write_bytes(content)
    _, source = write_c_array(tmp_path / "model.tflite", tmp_path)
    (tmp_path / "main.cc").write_text(PROGRAM)
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "main.cc", source.name, "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "program"], capture_output=True, check=True).stdout == content
