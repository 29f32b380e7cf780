// Which lines of code a fetch finds without reading flash.
#ifndef EARSHOT_CYCLE_MODEL_CODE_CACHE_H_
#define EARSHOT_CYCLE_MODEL_CODE_CACHE_H_

#include <stdbool.h>
#include <stdint.h>

enum {
  kLineBytes = 16,  // flash is read in lines of 128 bits
  kMaxCacheBytes = 1 << 16,
};

typedef struct {
  uint32_t sets;                                       // 0: the cache holds everything
  uint32_t ways;                                       // 1 or 2
  uint32_t lines[kMaxCacheBytes / kLineBytes / 2][2];  // of each set, the last one used first
} CodeCache;

// A cache of two ways; of one line, which is flash's own, for 0 bytes.
void set_cache_size(CodeCache* cache, uint32_t bytes);

// Tells if the line of an address is there, and puts it there.
bool fetch_hits(CodeCache* cache, uint32_t address);

#endif  // EARSHOT_CYCLE_MODEL_CODE_CACHE_H_
