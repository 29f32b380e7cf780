// Cycles of each operator, in an image built with --profile.
#include "engine.h"

#if defined(EARSHOT_PROFILE)

#include "board.h"
#include "commands.h"
#include "listener.h"
#include "reply.h"
#include "src/EarshotRecords/record.h"

namespace earshot {

OperatorClock operator_clock;

void OperatorClock::start(Board& board) {
  board_ = &board;
  count_ = 0;
}

void OperatorClock::begin() {
  if (board_) board_->read_cycles(&begin_);
}

void OperatorClock::end() {
  if (!board_) return;
  uint32_t now;
  board_->read_cycles(&now);
  if (count_ < kMost) cycles_[count_] = now - begin_;
  ++count_;
}

void Commands::operators() {
  if (!engine_runs()) return;
  Listener::StageCycles cycles;
  if (!board_.read_cycles(&cycles.inference)) return error("This board's clock counts no cycles");
  operator_clock.start(board_);
  if (!listener_.count_cycles(&cycles)) return error("Inference failed");
  if (operator_clock.count() > OperatorClock::kMost) return error("Too many operators");
  for (uint32_t number = 0; number < operator_clock.count(); ++number) {
    Record<1> record("op", number);
    record.add(operator_clock.cycles(number));
    record.finish();
    board_.write(record.line(), record.length());
  }
  Record<2> end("ops", operator_clock.count());
  end.add(operator_clock.count()).add(cycles.inference);
  end.finish();
  board_.write(end.line(), end.length());
}

}  // namespace earshot

#endif
