// The command mode: the device's side of the MLPerf Tiny serial API (mlcommons/tiny,
// benchmark/api), and what the bench needs beyond it.
#pragma once

#include <cstdint>

#include "board.h"
#include "command_line.h"
#include "engine.h"
#include "listener.h"
#include "loader.h"
#include "model_input.h"

namespace earshot {

// A command ends with a percent sign, and its reply with a line m-ready. Any command but `stop`
// that comes while the board listens ends that first, so that a host that was started again finds
// its way back.
class Commands {
 public:
  Commands(Board& board, ModelInput& input, Loader& loader, Listener& listener)
      : board_(board), input_(input), loader_(loader), listener_(listener) {}

  // Starts the engine and greets the host.
  void begin();

  // Takes a character from the host; the one that completes a command executes it.
  void receive(char character);

 private:
  struct Command {
    const char* name;
    void (Commands::*execute)();
    const char* help;
  };
  static const Command kCommands[];

  void execute();
  void name();
  void timestamp();
  void profile();
  void help();
  void db();
  void infer();
  void results();
  void boot();
  void icache();
  void clip();
  void input();
  void listen();
  void stop();
  void cycles();
#if defined(EARSHOT_PROFILE)
  void operators();
#endif

  void load_bytes(const char* digits);
  void print_input();
  bool engine_runs();
  bool model_hears();
  void lap(uint32_t time_us);
  void line(const char* text);
  void error(const char* text);
  void ready() { line("m-ready"); }

  Board& board_;
  ModelInput& input_;
  Loader& loader_;
  Listener& listener_;
  CommandLine line_;
  bool engine_ready_ = false;
};

}  // namespace earshot
