#include "../WString.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../Print.h"

namespace {

// Lets Print write numbers into a text.
class Printed final : public Print {
 public:
  explicit Printed(String* text) : text_(text) {}
  using Print::write;
  size_t write(uint8_t byte) override {
    const char letter = static_cast<char>(byte);
    return text_->concat(&letter, 1) ? 1 : 0;
  }

 private:
  String* text_;
};

}  // namespace

String::String(const char* text) : String(text, text ? strlen(text) : 0) {}
String::String(const char* text, size_t count) { concat(text, count); }
String::String(const String& other) : String(other.c_str(), other.length()) {}
String::String(String&& other) noexcept { swap(other); }
String::String(char letter) : String(&letter, 1) {}
String::String(unsigned char number, int base) { Printed(this).print(number, base); }
String::String(int number, int base) { Printed(this).print(number, base); }
String::String(unsigned int number, int base) { Printed(this).print(number, base); }
String::String(long number, int base) { Printed(this).print(number, base); }
String::String(unsigned long number, int base) { Printed(this).print(number, base); }
String::String(double number, int digits) { Printed(this).print(number, digits); }
String::~String() { free(text_); }

void String::swap(String& other) {
  char* const text = text_;
  const size_t length = length_, room = room_;
  text_ = other.text_, length_ = other.length_, room_ = other.room_;
  other.text_ = text, other.length_ = length, other.room_ = room;
}

String& String::operator=(const String& other) {
  if (this != &other) {
    String copy(other);
    swap(copy);
  }
  return *this;
}

String& String::operator=(String&& other) noexcept {
  swap(other);
  return *this;
}

bool String::reserve(size_t count) {
  if (text_ && count <= room_) return true;
  char* const larger = static_cast<char*>(realloc(text_, count + 1));
  if (!larger) return false;
  text_ = larger;
  text_[length_] = '\0';
  room_ = count;
  return true;
}

bool String::concat(const char* text, size_t count) {
  if (!text || count == 0) return text != nullptr;
  if (text_ && text >= text_ && text <= text_ + length_) return concat(String(text, count));
  if (length_ + count > room_ && !reserve(length_ + count)) return false;
  memcpy(text_ + length_, text, count);
  length_ += count;
  text_[length_] = '\0';
  return true;
}

char& String::operator[](size_t place) {
  static char beyond;
  if (place < length_) return text_[place];
  beyond = '\0';
  return beyond;
}

void String::getBytes(uint8_t* buffer, size_t size, size_t from) const {
  if (!buffer || size == 0) return;
  const size_t rest = from < length_ ? length_ - from : 0;
  const size_t count = rest < size - 1 ? rest : size - 1;
  if (count > 0) memcpy(buffer, text_ + from, count);
  buffer[count] = '\0';
}

int String::compareTo(const String& other) const { return strcmp(c_str(), other.c_str()); }

bool String::equalsIgnoreCase(const String& other) const {
  return length_ == other.length_ && strcasecmp(c_str(), other.c_str()) == 0;
}

bool String::startsWith(const String& other, size_t from) const {
  return from <= length_ && strncmp(c_str() + from, other.c_str(), other.length_) == 0;
}

bool String::endsWith(const String& other) const {
  return length_ >= other.length_ && startsWith(other, length_ - other.length_);
}

int String::indexOf(const String& other, size_t from) const {
  if (from > length_) return -1;
  const char* const found = strstr(c_str() + from, other.c_str());
  return found ? static_cast<int>(found - c_str()) : -1;
}

int String::lastIndexOf(const String& other, size_t from) const {
  int last = -1;
  for (int found = indexOf(other); found >= 0 && static_cast<size_t>(found) <= from;
       found = indexOf(other, static_cast<size_t>(found) + 1)) {
    last = found;
  }
  return last;
}

String String::substring(size_t begin, size_t end) const {
  if (begin > end) return substring(end, begin);
  if (end > length_) end = length_;
  return begin < end ? String(text_ + begin, end - begin) : String();
}

void String::remove(size_t from, size_t count) {
  if (from >= length_) return;
  if (count > length_ - from) count = length_ - from;
  memmove(text_ + from, text_ + from + count, length_ - from - count + 1);
  length_ -= count;
}

void String::replace(const String& from, const String& to) {
  if (from.isEmpty()) return;
  String result;
  size_t begin = 0;
  for (int found; (found = indexOf(from, begin)) >= 0;
       begin = static_cast<size_t>(found) + from.length_) {
    result.concat(c_str() + begin, static_cast<size_t>(found) - begin);
    result.concat(to);
  }
  result.concat(c_str() + begin, length_ - begin);
  swap(result);
}

void String::trim() {
  size_t end = length_;
  while (end > 0 && isspace(static_cast<uint8_t>(text_[end - 1]))) --end;
  remove(end);
  size_t begin = 0;
  while (begin < length_ && isspace(static_cast<uint8_t>(text_[begin]))) ++begin;
  remove(0, begin);
}

void String::toLowerCase() {
  for (size_t place = 0; place < length_; ++place) {
    text_[place] = static_cast<char>(tolower(static_cast<uint8_t>(text_[place])));
  }
}

void String::toUpperCase() {
  for (size_t place = 0; place < length_; ++place) {
    text_[place] = static_cast<char>(toupper(static_cast<uint8_t>(text_[place])));
  }
}

long String::toInt() const { return atol(c_str()); }
double String::toDouble() const { return atof(c_str()); }
