"""The emulator: QEMU, its clock, and one running machine."""
