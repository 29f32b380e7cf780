#include "call_profile.h"

#include <stdlib.h>

enum { kMaxDepth = 256, kMaxNodes = 1 << 14, kMaxEntries = 1 << 16 };

// An open call: a node of the tree of calls. Node 0 is the code that nothing counted has called.
typedef struct {
  int parent, sibling, child;  // 0: none
  uint32_t return_address, number;
} Node;

// A block within a node, in a table with linear probing.
typedef struct {
  bool used;
  int node;
  uint32_t address;
  uint64_t cycles;  // since the last mark
} Entry;

static FILE* output;
static ProfilePoints points;
static Node nodes[kMaxNodes];
static int node_count = 1;
static Entry entries[kMaxEntries];
static int entry_count;
static struct {
  int node;
  uint32_t calls;  // numbered ones so far
} stack[kMaxDepth];
static int depth;
static const ProfiledBlock* last;
static Entry* running;
static uint64_t charged;

ProfiledBlock profiled_block(uint32_t address, uint32_t end, const uint8_t* last_code,
                             const Instruction* i) {
  const uint32_t half = last_code[0] | last_code[1] << 8;
  const bool calls = i->kind == kBranch && (i->bytes == 4 || (half & 0x80) != 0);  // BL, BLX
  const bool returns =
      i->sets_pc && !calls && i->kind != kJump && i->kind != kBranchIf && i->kind != kTableBranch;
  return (ProfiledBlock){.address = address, .end = end, .calls = calls, .returns = returns};
}

void begin_profile(FILE* file, const ProfilePoints* where) {
  output = file;
  points = *where;
}

static int callee_of(int parent, uint32_t return_address, uint32_t number) {
  int node = nodes[parent].child;
  while (node && (nodes[node].return_address != return_address || nodes[node].number != number)) {
    node = nodes[node].sibling;
  }
  if (node) return node;
  if (node_count == kMaxNodes) abort();
  nodes[node_count] = (Node){.parent = parent,
                             .sibling = nodes[parent].child,
                             .return_address = return_address,
                             .number = number};
  return nodes[parent].child = node_count++;
}

static Entry* entry_of(int node, uint32_t address) {
  uint32_t place = (address / 2 * 2654435761u) ^ ((uint32_t)node * 40503u);
  for (;; ++place) {
    Entry* entry = &entries[place % kMaxEntries];
    if (!entry->used) {
      if (++entry_count == kMaxEntries) abort();
      *entry = (Entry){.used = true, .node = node, .address = address};
    }
    if (entry->node == node && entry->address == address) return entry;
  }
}

static void call(uint32_t return_address) {
  uint32_t number = 0;
  if (last->address >= points.calls_from && last->address < points.calls_end) {
    number = ++stack[depth].calls;
  }
  if (depth + 1 == kMaxDepth) abort();
  const int node = callee_of(stack[depth].node, return_address, number);
  stack[++depth].node = node;
  stack[depth].calls = 0;
}

// Goes back to the call that returns to an address; for none, as after a jump, stays.
static void return_to(uint32_t address) {
  for (int open = depth; open > 0; --open) {
    if (nodes[stack[open].node].return_address == address) {
      depth = open - 1;
      return;
    }
  }
}

static void charge(uint64_t cycles) {
  if (running) running->cycles += cycles - charged;
  charged = cycles;
}

void profile_block(const ProfiledBlock* block, uint64_t cycles) {
  charge(cycles);
  // After a call of code that is not counted, the block behind the call runs next.
  if (last && last->calls && block->address != last->end) call(last->end);
  if (last && last->returns) return_to(block->address);
  running = entry_of(stack[depth].node, block->address);
  last = block;
}

static void print_calls(int node) {
  if (node == 0) return;
  print_calls(nodes[node].parent);
  fprintf(output, " %u", (unsigned)nodes[node].return_address);
  if (nodes[node].number) fprintf(output, ":%u", (unsigned)nodes[node].number);
}

void profile_mark(uint64_t cycles) {
  charge(cycles);
  for (Entry* entry = entries; entry < entries + kMaxEntries; ++entry) {
    if (entry->cycles == 0) continue;
    fprintf(output, "%llu %u", (unsigned long long)entry->cycles, (unsigned)entry->address);
    print_calls(entry->node);
    fputc('\n', output);
    entry->cycles = 0;
  }
  fprintf(output, "= %llu\n", (unsigned long long)cycles);
  fflush(output);
}
