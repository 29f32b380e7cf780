// The microphone of the emulated board, with the interface and the habits of the Nano 33 BLE's PDM
// library. What it hears is a stream from the host in which the sample count is the time.
#pragma once

#include <cstddef>
#include <cstdint>

#define DEFAULT_PDM_BUFFER_SIZE 512  // bytes: 16 ms

class PDMClass {
 public:
  // The first buffer is complete one buffer length from now; if the host has no sound to play yet,
  // the board's time stands still then. Returns 1, or 0 for anything but one channel at 16000 Hz.
  int begin(int channels, int sample_rate_hz);
  void end();

  void onReceive(void (*callback)());
  int available();                        // bytes of the current buffer not read yet
  int read(void* buffer, size_t size);    // bytes read; `size` in bytes
  void setGain(int gain) { (void)gain; }  // the host's samples are taken as they are
  void setBufferSize(int bytes);          // before begin(); at most 8192
};

extern PDMClass PDM;
