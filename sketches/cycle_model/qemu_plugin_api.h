// The part of QEMU's TCG plugin interface, version 1, that the cycle model uses.
//
// Debian ships no header. The interface is documented in QEMU's "TCG Plugins" page; version 1 is
// that of QEMU 4.2 to 8.1. A later QEMU refuses a plugin that says 1, and the emulated board then
// counts instructions instead.
#ifndef EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_
#define EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_

#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_API_VERSION 1
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;          // what is emulated; not used
struct qemu_plugin_tb;       // a block of instructions being translated
struct qemu_plugin_insn;     // one instruction of it
enum qemu_plugin_cb_flags {  // which registers a callback touches
  QEMU_PLUGIN_CB_NO_REGS
};

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb* block);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int cpu, void* data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           qemu_plugin_vcpu_tb_trans_cb_t callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* block,
                                          qemu_plugin_vcpu_udata_cb_t callback,
                                          enum qemu_plugin_cb_flags flags, void* data);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* block);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* block, size_t index);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* instruction);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* instruction);

#endif  // EARSHOT_CYCLE_MODEL_QEMU_PLUGIN_API_H_
