"""QEMU and the cycle model behind the emulated board."""
