// A stranger's sketch in the manner of micro_speech: microphone, serial port, LEDs, the usual API.
#include <PDM.h>

#include "meter.h"

static int16_t samples[16 * DEFAULT_PDM_BUFFER_SIZE];
static volatile int32_t heard = 0;
static Meter meter;
static unsigned long shown_ms = 0;

void onSound() {
  const int bytes = PDM.read(samples, sizeof samples);
  meter.add(samples, bytes / 2);
  heard += bytes / 2;
}

void setup() {
  Serial.begin(9600);
  while (!Serial) {
  }
  pinMode(LED_BUILTIN, OUTPUT);
  for (int pin : {LEDR, LEDG, LEDB}) {
    pinMode(pin, OUTPUT);
    digitalWrite(pin, HIGH);
  }
  PDM.onReceive(onSound);
  PDM.setGain(13);
  if (!PDM.begin(1, 16000)) {
    Serial.println("Failed to start PDM!");
    while (1) yield();
  }
  Serial.println(F("listening"));
}

void loop() {
  if (Serial.available()) {
    String command = Serial.readStringUntil('\n');
    command.trim();
    Serial.print("command ");
    Serial.println(command.length() ? command : String("none"));
    Serial.printf("%s=%d, %s\n", command.c_str(), command.toInt() + 1, "printed");
  }
  if (millis() - shown_ms >= 100) {
    shown_ms = millis();
    digitalWrite(LED_BUILTIN, !digitalRead(LED_BUILTIN));
    Serial.print("samples ");
    Serial.print(heard);
    Serial.print(", level ");
    Serial.print(meter.level(), 3);
    Serial.print(" of 0x");
    Serial.println(32767, HEX);
  }
  delay(10);
}
