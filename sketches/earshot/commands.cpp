#include "commands.h"

#include <cstring>

#include "engine.h"
#include "reply.h"
#include "scores.h"
#include "src/EarshotRecords/checksum.h"
#include "src/EarshotRecords/record.h"
#include "stage_pins.h"
#include "variant.h"

namespace earshot {

namespace {

constexpr uint32_t kProtocolVersion = 2;  // of the records and the commands beyond the benchmark's
constexpr char kBenchmarkFirmware[] =
    "ULPMark for tinyML Firmware V0.0.1";  // what its runner expects
constexpr uint32_t kDefaultInferences = 1;
constexpr uint32_t kDefaultWarmups = 10;

static_assert(kMaxHexBytes == 512, "the help below says so");

}  // namespace

const Commands::Command Commands::kCommands[] = {
    {"name", &Commands::name, "name         : the device's name"},
    {"timestamp", &Commands::timestamp, "timestamp    : the clock in us"},
    {"profile", &Commands::profile, "profile      : firmware and model"},
    {"help", &Commands::help, "help         : this"},
    {"db", &Commands::db,
     "db load N    : announce the N bytes of the model's input\r\n"
     "db HH[HH]*   : load bytes in hex, at most 512 in a command\r\n"
     "db print     : the input's bytes"},
    {"infer", &Commands::infer, "infer N [W=10]: N inferences after W to warm up"},
    {"results", &Commands::results, "results      : the last inference's output"},
    {"boot", &Commands::boot, "boot         : which image runs, as a record"},
    {"icache", &Commands::icache, "icache on|off: switch the instruction cache"},
    {"clip", &Commands::clip,
     "clip load N  : announce N bytes of 16-bit sound, to be loaded by db as the model's input"},
    {"input", &Commands::input, "input        : CRC-32 of the model's input"},
    {"listen", &Commands::listen,
     "listen [N]   : listen to the microphone, until stop; first send back N samples as they are"},
    {"stop", &Commands::stop, "stop         : stop listening"},
    {"cycles", &Commands::cycles,
     "cycles       : the processor's cycles for each stage, on noise where the model hears"},
#if defined(EARSHOT_PROFILE)
    {"operators", &Commands::operators, "operators    : the cycles of each operator, as records"},
#endif
};

void Commands::begin() {
  engine_ready_ = engine_begin() && engine_input().bytes == kInputBytes;
  line(kTimestampPin ? "m-timestamp-mode-energy" : "m-timestamp-mode-performance");
  pulse_timestamp();
  lap(board_.micros());
  line("m-init-done");
  ready();
}

void Commands::receive(char character) {
  if (!line_.add(character)) return;
  execute();
  line_.clear();
}

void Commands::execute() {
  const char* word = line_.next_word();
  if (listener_.listening()) {
    listener_.stop();
    if (std::strcmp(word, "stop") != 0) ready();
  }
  if (line_.too_long()) {
    Reply(board_)
        .text("e-[Command longer than ")
        .number(kMaxCommandChars)
        .text(" characters]")
        .end_line();
    ready();
    return;
  }
  for (const Command& command : kCommands) {
    if (std::strcmp(word, command.name) == 0) {
      (this->*command.execute)();
      ready();
      return;
    }
  }
  Reply(board_).text("e-[Unknown command: ").text(word).text("]").end_line();
  ready();
}

void Commands::name() {
  Reply(board_).text("m-name-dut-[earshot-").text(board_.name()).text("]").end_line();
}

void Commands::timestamp() {
  pulse_timestamp();
  lap(board_.micros());
}

void Commands::profile() {
  Reply(board_).text("m-profile-[").text(kBenchmarkFirmware).text("]").end_line();
  Reply(board_).text("m-model-[").text(kVariantId).text("]").end_line();
}

void Commands::help() {
  line(kBenchmarkFirmware);
  for (const Command& command : kCommands) line(command.help);
}

void Commands::db() {
  const char* word = line_.next_word();
  if (*word == '\0') {
    error("Command 'db' requires a subcommand");
  } else if (std::strcmp(word, "load") == 0) {
    uint32_t count = 0;
    if (!parse_unsigned(line_.next_word(), &count) || count != kInputBytes) {
      Reply(board_)
          .text("e-[Command 'db load' takes ")
          .number(kInputBytes)
          .text(" bytes]")
          .end_line();
      return;
    }
    loader_.expect_input();
    Reply(board_).text("m-[Expecting ").number(count).text(" bytes]").end_line();
  } else if (std::strcmp(word, "print") == 0) {
    print_input();
  } else {
    load_bytes(word);
  }
}

void Commands::load_bytes(const char* digits) {
  switch (loader_.add(digits)) {
    case Loader::Answer::kMore:
      return;
    case Loader::Answer::kDone:
      if (loader_.loads_clip()) {
        Reply(board_).text("m-features-crc-").hex(loader_.features_crc(), 8).end_line();
      }
      return line("m-load-done");
    case Loader::Answer::kNotExpected:
      return error("Command 'db' comes after 'db load' or 'clip load'");
    case Loader::Answer::kOddDigits:
      return error("Insufficent number of hex digits");  // as the benchmark spells it
    case Loader::Answer::kNotHex:
      return error("Invalid hex digit");
  }
}

void Commands::print_input() {
  if (!engine_runs()) return;
  constexpr uint32_t kBytesInLine = 8;
  input_.load();
  const auto* bytes = static_cast<const uint8_t*>(engine_input().data);
  for (uint32_t begin = 0; begin < kInputBytes; begin += kBytesInLine) {
    Reply reply(board_);
    reply.text("m-buffer");
    for (uint32_t i = begin; i < begin + kBytesInLine && i < kInputBytes; ++i) {
      reply.text("-").hex(bytes[i], 2);
    }
    reply.end_line();
  }
}

void Commands::infer() {
  if (!engine_runs()) return;
  uint32_t count = kDefaultInferences, warmups = kDefaultWarmups;
  const char* word = line_.next_word();
  if (*word != '\0') {
    if (!parse_unsigned(word, &count) || count == 0)
      return error("Inference iterations must be >0");
    word = line_.next_word();
    if (*word != '\0' && !parse_unsigned(word, &warmups))
      return error("Inference warmup must be >=0");
  }

  input_.load();
  Reply(board_).text("m-warmup-start-").number(warmups).end_line();
  bool inferred = true;
  for (uint32_t i = 0; i < warmups; ++i) inferred &= engine_invoke();
  line("m-warmup-done");
  Reply(board_).text("m-infer-start-").number(count).end_line();
  board_.flush();
  pulse_timestamp();
  show_stage(Stage::kInference);
  const uint32_t begin_us = board_.micros();
  for (uint32_t i = 0; i < count; ++i) inferred &= engine_invoke();
  const uint32_t end_us = board_.micros();
  show_stage(Stage::kIdle);
  pulse_timestamp();
  if (warmups > 0 || count > 1) {
    // An engine may have used the input's memory for other things, and then inferred from those.
    input_.load();
    inferred &= engine_invoke();
  }
  if (!inferred) return error("Inference failed");
  lap(begin_us);
  lap(end_us);
  line("m-infer-done");
  results();
}

void Commands::results() {
  if (!engine_runs()) return;
  Reply reply(board_);
  reply.text("m-results-[");
  for (int i = 0; i < kLabelCount; ++i) {
    if (i > 0) reply.text(",");
    reply.decimal(output_value(engine_output(), i));
  }
  reply.text("]").end_line();
}

void Commands::boot() {
  Record<3, 7> record("boot", 0);
  record.add(kProtocolVersion)
      .add(board_.name())
      .add(kVariantId)
      .add(kModelSha256)
      .add(kBuildId)
      .add(kEngineName)
      .add(kEngineKernels)
      .add(board_.clock_hz())
      .add(board_.icache())
      .add(engine_arena_bytes());
  record.finish();
  board_.write(record.line(), record.length());
}

void Commands::icache() {
  const char* state = line_.next_word();
  const bool on = std::strcmp(state, "on") == 0;
  if (!on && std::strcmp(state, "off") != 0) return error("Command 'icache' takes on or off");
  board_.set_icache(on);
  if (std::strcmp(board_.icache(), state) != 0) {
    Reply(board_)
        .text("e-[The instruction cache stays ")
        .text(board_.icache())
        .text("]")
        .end_line();
    return;
  }
  Reply(board_).text("m-icache-[").text(state).text("]").end_line();
}

void Commands::clip() {
  if (!model_hears()) return;
  uint32_t count = 0;
  if (std::strcmp(line_.next_word(), "load") != 0) return error("Command 'clip' requires 'load'");
  if (!parse_unsigned(line_.next_word(), &count) || count == 0 || count % 2 != 0) {
    return error("Command 'clip load' takes an even number of bytes");
  }
  loader_.expect_clip(count);
  Reply(board_).text("m-[Expecting ").number(count).text(" bytes]").end_line();
}

void Commands::input() {
  if (!engine_runs()) return;
  input_.load();
  Reply(board_).text("m-input-crc-").hex(crc32(engine_input().data, kInputBytes), 8).end_line();
}

void Commands::listen() {
  if (!model_hears() || !engine_runs()) return;
  uint32_t echoed = 0;
  const char* word = line_.next_word();
  if (*word != '\0' && !parse_unsigned(word, &echoed)) {
    return error("Command 'listen' takes a number of samples to send back");
  }
  if (!listener_.start(echoed)) error("The microphone did not start");
}

void Commands::stop() {}  // execute() ends any listening

bool Commands::engine_runs() {
  if (!engine_ready_) error("The engine did not start");
  return engine_ready_;
}

bool Commands::model_hears() {
  if (!kHears) error("This model does not take the front end's features");
  return kHears;
}

// In the benchmark's energy mode a timestamp is a pulse on a pin, and no text.
void Commands::lap(uint32_t time_us) {
  if (!kTimestampPin) Reply(board_).text("m-lap-us-").number(time_us).end_line();
}

void Commands::line(const char* text) { Reply(board_).text(text).end_line(); }

void Commands::error(const char* text) {
  Reply(board_).text("e-[").text(text).text("]").end_line();
}

}  // namespace earshot
