// What the rest of the core asks of the microphone.
#pragma once

namespace emulated {

// True from PDM.begin() until the sound has ended.
bool microphone_plays();

// Hands the sketch every buffer that is complete by now; true if there was one.
bool deliver_buffers();

// Whether a buffer has been waiting for a quarter of a second of board time to be delivered.
bool buffer_is_overdue();

// Sleeps until the next buffer is complete.
void sleep_until_buffer();

}  // namespace emulated
