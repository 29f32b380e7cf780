// QEMU plugin: adds up modeled Cortex-M4 cycles while a program runs, in a file others can read.
//
// Arguments, all but `counter` optional: counter=FILE (mapped shared, with the layout of Counters),
// icache=on|off, wait_states=CYCLES, uncounted=ADDRESS (code from there on costs nothing),
// profile=FILE with mark, calls_from, calls_end=ADDRESS: see call_profile.h.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block_cost.h"
#include "call_profile.h"
#include "data_access.h"
#include "qemu_plugin_api.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

// Little-endian. The emulated board reads the first and the last of them.
typedef struct {
  uint64_t cycles;
  uint64_t unknown_instructions;  // translated ones that the timing table lacks; one cycle each
  uint64_t icache;                // 1: on
} Counters;

static Counters* counters;
static uint32_t wait_states = 2;
static bool icache = true;
static uint32_t uncounted_from = UINT32_MAX;
static Run run;  // the board has one CPU
static ProfilePoints points;
static FILE* profile;  // NULL without one

// Where blocks end between an IT and the last instruction under it, and how many are left: QEMU
// tells nothing of this when it translates what follows.
enum { kMaxOpenIts = 4096 };
static struct {
  uint32_t address;
  int left;
} open_its[kMaxOpenIts];
static int open_it_count;

static int conditional_at(uint32_t address) {
  for (int n = 0; n < open_it_count; ++n) {
    if (open_its[n].address == address) return open_its[n].left;
  }
  return 0;
}

static void remember_open_it(const BlockCost* block) {
  if (block->conditional_left == 0 || conditional_at(block->end)) return;
  if (open_it_count == kMaxOpenIts) abort();
  open_its[open_it_count].address = block->end;
  open_its[open_it_count++].left = block->conditional_left;
}

static void block_runs(unsigned int cpu, void* data) {
  (void)cpu;
  counters->cycles += run_block(wait_states, &run, data);
}

typedef struct {
  const BlockCost* cost;
  ProfiledBlock block;
} Profiled;

static void profiled_block_runs(unsigned int cpu, void* data) {
  Profiled* profiled = data;
  profile_block(&profiled->block, counters->cycles);
  block_runs(cpu, (void*)profiled->cost);
}

static void mark_runs(unsigned int cpu, void* data) {
  (void)cpu, (void)data;
  profile_mark(counters->cycles);
}

static void data_loaded(unsigned int cpu, qemu_plugin_meminfo_t access, uint64_t address,
                        void* data) {
  (void)cpu;
  const uint32_t aligned = (uintptr_t)data;
  if (address >= kRamAddress && (address & aligned) == 0) return;  // most of them
  const uint32_t bytes = 1u << qemu_plugin_mem_size_shift(access);
  counters->cycles += load_waits(wait_states, (uint32_t)address, bytes, aligned);
}

static void group_loaded(unsigned int cpu, qemu_plugin_meminfo_t access, uint64_t address,
                         void* data) {
  (void)cpu, (void)access;
  const LoadGroup* group = data;
  if (address >= kRamAddress && (address & group->aligned) == 0) return;  // most of them
  counters->cycles += group_waits(wait_states, group, (uint32_t)address);
}

static void read_code(const struct qemu_plugin_insn* instruction, uint8_t code[4]) {
#if QEMU_PLUGIN_API_VERSION < 3
  memcpy(code, qemu_plugin_insn_data(instruction), qemu_plugin_insn_size(instruction));
#else
  qemu_plugin_insn_data(instruction, code, 4);
#endif
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb* translated) {
  (void)id;
  static LoadPlan plan;  // QEMU translates one block at a time
  Instruction instructions[kMaxInstructions];
  uint8_t code[kMaxInstructions][4] = {0};
  const uint32_t address = qemu_plugin_tb_vaddr(translated);
  const int count = (int)qemu_plugin_tb_n_insns(translated);
  if (profile && address == points.mark) {
    qemu_plugin_register_vcpu_tb_exec_cb(translated, mark_runs, QEMU_PLUGIN_CB_NO_REGS, NULL);
  }
  if (address >= uncounted_from || count == 0) return;
  if (count > kMaxInstructions) abort();

  for (int n = 0; n < count; ++n) {
    read_code(qemu_plugin_tb_get_insn(translated, n), code[n]);
    instructions[n] = decode(code[n]);
    if (instructions[n].kind == kUnknown) ++counters->unknown_instructions;
  }
  const int conditional = conditional_at(address);
  plan_loads(wait_states, code, instructions, count, conditional, &plan);
  BlockCost* block = malloc(sizeof *block);  // as long as the translation, which is to the end
  if (!block) abort();
  *block = block_cost(address, instructions, count, conditional);
  block->fixed_cycles += plan.literal_waits;
  remember_open_it(block);
  if (profile) {
    Profiled* profiled = malloc(sizeof *profiled);
    if (!profiled) abort();
    *profiled = (Profiled){
        block, profiled_block(address, block->end, code[count - 1], &instructions[count - 1])};
    qemu_plugin_register_vcpu_tb_exec_cb(translated, profiled_block_runs, QEMU_PLUGIN_CB_NO_REGS,
                                         profiled);
  } else {
    qemu_plugin_register_vcpu_tb_exec_cb(translated, block_runs, QEMU_PLUGIN_CB_NO_REGS, block);
  }
  for (int n = 0; n < count; ++n) {
    if (plan.counting[n] == kNoWaits) continue;
    const bool group = plan.counting[n] == kGroup;
    void* data = group ? (void*)plan.groups[n] : (void*)(uintptr_t)instructions[n].aligned;
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(translated, n),
                                     group ? group_loaded : data_loaded, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, data);
  }
}

static bool read_number(const char* text, uint32_t* number) {
  char* end;
  *number = strtoul(text, &end, 0);
  return *text && !*end;
}

static bool read_switch(const char* text, bool* is_on) {
  *is_on = !strcmp(text, "on");
  return *is_on || !strcmp(text, "off");
}

static bool read_argument(char* argument, const char** counter_path) {
  char* value = strchr(argument, '=');
  if (!value) return false;
  *value++ = 0;
  if (!strcmp(argument, "counter")) {
    *counter_path = value;
    return true;
  }
  if (!strcmp(argument, "profile")) return (profile = fopen(value, "we")) != NULL;
  if (!strcmp(argument, "mark")) return read_number(value, &points.mark);
  if (!strcmp(argument, "calls_from")) return read_number(value, &points.calls_from);
  if (!strcmp(argument, "calls_end")) return read_number(value, &points.calls_end);
  if (!strcmp(argument, "icache")) return read_switch(value, &icache);
  if (!strcmp(argument, "wait_states")) return read_number(value, &wait_states);
  if (!strcmp(argument, "uncounted")) return read_number(value, &uncounted_from);
  return false;
}

static Counters* map_counters(const char* path) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return NULL;
  void* memory = mmap(NULL, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : memory;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t* info,
                                           int argc, char** argv) {
  (void)info;
  const char* counter_path = NULL;
  for (int n = 0; n < argc; ++n) {
    if (!read_argument(argv[n], &counter_path)) {
      fprintf(stderr, "cycle model: argument %s is not understood\n", argv[n]);
      return -1;
    }
  }
  counters = counter_path ? map_counters(counter_path) : NULL;
  if (!counters) {
    fprintf(stderr, "cycle model: counter=%s cannot be mapped\n", counter_path ? counter_path : "");
    return -1;
  }
  counters->icache = icache;
  run.reads_flash = !icache;
  if (profile) begin_profile(profile, &points);
  qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
  return 0;
}
