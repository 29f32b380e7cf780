// The part of QEMU's TCG plugin interface that the cycle model uses.
//
// Distributions ship no header. The interface is documented in QEMU's "TCG Plugins" page. QEMU 4.2
// to 8.1 have version 1 of it, 8.2 to 10.x have versions 2 to 5 and load plugins of version 2 and
// later. The one difference that matters here: since version 3, qemu_plugin_insn_data copies.
#ifndef EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_
#define EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_

#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;       // a block of instructions being translated
struct qemu_plugin_insn;     // one instruction of it
enum qemu_plugin_cb_flags {  // which registers a callback touches
  QEMU_PLUGIN_CB_NO_REGS
};
// Version 1 takes R for W and W for R.
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };
typedef uint32_t qemu_plugin_meminfo_t;

struct qemu_info_t {
  const char* target_name;
  struct {
    int min;
    int cur;
  } version;
  // More follows, which the cycle model does not read.
};

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb* block);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int cpu, void* data);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int cpu, qemu_plugin_meminfo_t access,
                                          uint64_t address, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           qemu_plugin_vcpu_tb_trans_cb_t callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block,
                                          qemu_plugin_vcpu_udata_cb_t callback,
                                          enum qemu_plugin_cb_flags flags, void* data);

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* instruction,
                                      qemu_plugin_vcpu_mem_cb_t callback,
                                      enum qemu_plugin_cb_flags flags,
                                      enum qemu_plugin_mem_rw accesses, void* data);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t access);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);

#if QEMU_PLUGIN_API_VERSION < 3
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction, void* to, size_t bytes);
#endif

#endif  // EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_
