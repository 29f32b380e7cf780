// Earshot: hears keywords, and tells how long each stage took.
//
// Command mode speaks the MLPerf Tiny device API; `listen%` starts the streaming mode. The model,
// its engine and variant.h are put beside this file by `earshot build` (harness/firmware/stage.py).
#include <Arduino.h>

#include "arduino_board.h"
#include "commands.h"
#include "listener.h"
#include "loader.h"
#include "model_input.h"
#include "src/EarshotFrontEnd/front_end.h"

namespace {

earshot::ArduinoBoard board;
earshot::FrontEnd front_end;
earshot::ModelInput model_input;
earshot::Loader loader(front_end, model_input);
earshot::Listener listener(board, earshot::microphone_ring, front_end, model_input);
earshot::Commands commands(board, model_input, loader, listener);

}  // namespace

void setup() {
  board.begin();
  commands.begin();
}

void loop() {
  if (!listener.step()) yield();
  while (Serial.available() > 0) commands.receive(static_cast<char>(Serial.read()));
}
