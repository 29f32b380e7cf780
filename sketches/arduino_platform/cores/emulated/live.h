// A live board: one that its host plugs in, and keeps to real time.
#pragma once

namespace emulated {

void start_live();

// Whether this board is live; otherwise image, commands and sound determine everything it sends.
bool is_live();

// Whether a program on the host has the live board's port open.
bool port_is_open();

// Lets real time catch up with a live board's; a byte from the host ends that early.
void keep_to_real_time();

// The same, whatever the host sends.
void sleep_in_real_time();

// The timer's interrupt: delivers sound to a sketch that waits for it without calling the core.
void interrupt();

// For a loop that waits for the host: a millisecond of a live board's time.
void idle();

}  // namespace emulated
