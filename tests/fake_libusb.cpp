// The functions of libusb that Joulescope's driver calls, for one device of software. Loaded before
// the driver with its symbols made global, it takes the place of the libusb inside the driver's
// binary.
//
// The device is Python's: `on_control` and `on_bulk_out` get what the host sends, and fake_send
// hands over the frames that the host reads. Structures and constants are those of libusb.h,
// version 1.0.

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <vector>

extern "C" {

struct libusb_device_descriptor {
  uint8_t bLength, bDescriptorType;
  uint16_t bcdUSB;
  uint8_t bDeviceClass, bDeviceSubClass, bDeviceProtocol, bMaxPacketSize0;
  uint16_t idVendor, idProduct, bcdDevice;
  uint8_t iManufacturer, iProduct, iSerialNumber, bNumConfigurations;
};

struct libusb_transfer {
  void* dev_handle;
  uint8_t flags;
  unsigned char endpoint, type;
  unsigned int timeout;
  int status, length, actual_length;
  void (*callback)(libusb_transfer*);
  void* user_data;
  unsigned char* buffer;
  int num_iso_packets;
};

struct libusb_pollfd {
  int fd;
  short events;
};

typedef int (*Hotplug)(void* context, void* device, int event, void* user_data);
typedef void (*Receive)(const uint8_t* data, int length);
}

namespace {

constexpr int kCompleted = 0, kCancelled = 3, kNoDevice = 5;  // libusb_transfer_status
constexpr int kArrived = 1, kLeft = 2;                        // libusb_hotplug_event
constexpr int kErrorAccess = -3, kErrorNoDevice = -4;         // libusb_error
constexpr uint8_t kControlType = 0, kIn = 0x80;
constexpr size_t kSetupBytes = 8;

std::mutex mutex;
std::deque<std::vector<uint8_t>> frames;
std::vector<libusb_transfer*> pending;
std::vector<libusb_transfer*> cancelled;
bool plugged = false, accessible = true;
libusb_device_descriptor descriptor;
char serial_number[32];
Receive on_control, on_bulk_out;
Hotplug on_hotplug;
void* hotplug_data;
int wake = eventfd(0, EFD_NONBLOCK);
libusb_pollfd wake_fd = {wake, POLLIN};
int device, context;  // their addresses are the handles

void wake_up() { eventfd_write(wake, 1); }

// Completes a transfer if that is possible; returns false if it has to wait.
bool complete(libusb_transfer* transfer) {
  transfer->status = plugged ? kCompleted : kNoDevice;
  for (libusb_transfer* one : cancelled)
    if (one == transfer) transfer->status = kCancelled;
  transfer->actual_length = 0;
  if (transfer->status != kCompleted) return true;
  if (transfer->type == kControlType) {
    transfer->buffer[kSetupBytes] = 0;  // success
    transfer->actual_length = 1;
    on_control(transfer->buffer, transfer->length);
  } else if (!(transfer->endpoint & kIn)) {
    transfer->actual_length = transfer->length;
    on_bulk_out(transfer->buffer, transfer->length);
  } else {
    std::lock_guard<std::mutex> lock(mutex);
    if (frames.empty()) return false;
    transfer->actual_length = static_cast<int>(frames.front().size());
    memcpy(transfer->buffer, frames.front().data(), frames.front().size());
    frames.pop_front();
  }
  return true;
}

}  // namespace

extern "C" {

void fake_plug(uint16_t vendor, uint16_t product, const char* serial, Receive control,
               Receive bulk_out, int may_open) {
  descriptor.idVendor = vendor;
  descriptor.idProduct = product;
  strncpy(serial_number, serial, sizeof(serial_number) - 1);
  on_control = control;
  on_bulk_out = bulk_out;
  plugged = true;
  accessible = may_open;
  frames.clear();
}

void fake_unplug() {
  plugged = false;
  if (on_hotplug) on_hotplug(&context, &device, kLeft, hotplug_data);
  wake_up();
}

// At most as much as fits into a transfer of the driver, 32 KiB.
void fake_send(const uint8_t* data, int length) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    frames.emplace_back(data, data + length);
  }
  wake_up();
}

int libusb_init(void** out) {
  *out = &context;
  return 0;
}
void libusb_exit(void*) {}
int libusb_has_capability(uint32_t) { return 1; }

int libusb_hotplug_register_callback(void*, int, int, int, int, int, Hotplug callback,
                                     void* user_data, int* handle) {
  on_hotplug = callback;
  hotplug_data = user_data;
  *handle = 1;
  return 0;
}
void libusb_hotplug_deregister_callback(void*, int) { on_hotplug = nullptr; }

ssize_t libusb_get_device_list(void*, void*** list) {
  static void* devices[] = {&device};
  *list = devices;
  return plugged ? 1 : 0;
}
void libusb_free_device_list(void**, int) {}
void libusb_unref_device(void*) {}

int libusb_get_device_descriptor(void*, libusb_device_descriptor* out) {
  *out = descriptor;
  return 0;
}
int libusb_get_serial_string_descriptor_ascii(void*, uint8_t* out, int length) {
  strncpy(reinterpret_cast<char*>(out), serial_number, static_cast<size_t>(length));
  return static_cast<int>(strlen(serial_number));
}

int libusb_open(void*, void** handle) {
  *handle = &device;
  return accessible ? 0 : kErrorAccess;
}
void libusb_close(void*) {}
int libusb_set_configuration(void*, int) { return 0; }
int libusb_claim_interface(void*, int) { return 0; }
int libusb_release_interface(void*, int) { return 0; }
int libusb_set_interface_alt_setting(void*, int, int) { return 0; }
int libusb_clear_halt(void*, unsigned char) { return 0; }

libusb_transfer* libusb_alloc_transfer(int) { return new libusb_transfer(); }
void libusb_free_transfer(libusb_transfer* transfer) { delete transfer; }

int libusb_submit_transfer(libusb_transfer* transfer) {
  if (!plugged) return kErrorNoDevice;
  pending.push_back(transfer);
  wake_up();
  return 0;
}
int libusb_cancel_transfer(libusb_transfer* transfer) {
  cancelled.push_back(transfer);
  wake_up();
  return 0;
}

const libusb_pollfd** libusb_get_pollfds(void*) {
  static const libusb_pollfd* fds[] = {&wake_fd, nullptr};
  return fds;
}
void libusb_free_pollfds(const libusb_pollfd**) {}

int libusb_handle_events_timeout_completed(void*, timeval*, int*) {
  eventfd_t count;
  eventfd_read(wake, &count);
  std::vector<libusb_transfer*> waiting;
  waiting.swap(pending);
  for (libusb_transfer* transfer : waiting) {  // a callback may submit the next one
    if (complete(transfer)) {
      transfer->callback(transfer);
    } else {
      pending.push_back(transfer);
    }
  }
  cancelled.clear();
  return 0;
}
}
