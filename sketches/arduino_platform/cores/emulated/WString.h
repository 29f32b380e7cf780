// Arduino's String: a text on the heap. Positions beyond its end mean its end; without memory it
// stays as it was.
#pragma once

#include <stddef.h>
#include <stdint.h>

class __FlashStringHelper;

class String {
 public:
  String(const char* text = "");
  String(const char* text, size_t count);
  String(const __FlashStringHelper* text) : String(reinterpret_cast<const char*>(text)) {}
  String(const String& other);
  String(String&& other) noexcept;
  explicit String(char letter);
  explicit String(unsigned char number, int base = 10);
  explicit String(int number, int base = 10);
  explicit String(unsigned int number, int base = 10);
  explicit String(long number, int base = 10);
  explicit String(unsigned long number, int base = 10);
  explicit String(double number, int digits = 2);
  ~String();

  String& operator=(const String& other);
  String& operator=(String&& other) noexcept;

  const char* c_str() const { return text_ ? text_ : ""; }
  size_t length() const { return length_; }
  bool isEmpty() const { return length_ == 0; }
  bool reserve(size_t count);

  bool concat(const char* text, size_t count);
  bool concat(const String& other) { return concat(other.c_str(), other.length()); }
  template <typename T>
  bool concat(const T& item) {
    return concat(String(item));
  }
  template <typename T>
  String& operator+=(const T& item) {
    concat(item);
    return *this;
  }

  char charAt(size_t place) const { return place < length_ ? text_[place] : '\0'; }
  char operator[](size_t place) const { return charAt(place); }
  char& operator[](size_t place);
  void setCharAt(size_t place, char letter) { (*this)[place] = letter; }
  void getBytes(uint8_t* buffer, size_t size, size_t from = 0) const;
  void toCharArray(char* buffer, size_t size, size_t from = 0) const {
    getBytes(reinterpret_cast<uint8_t*>(buffer), size, from);
  }

  int compareTo(const String& other) const;
  bool equals(const String& other) const { return compareTo(other) == 0; }
  bool equalsIgnoreCase(const String& other) const;
  bool startsWith(const String& other, size_t from = 0) const;
  bool endsWith(const String& other) const;
  bool operator==(const String& other) const { return compareTo(other) == 0; }
  bool operator!=(const String& other) const { return compareTo(other) != 0; }
  bool operator<(const String& other) const { return compareTo(other) < 0; }
  bool operator>(const String& other) const { return compareTo(other) > 0; }
  bool operator<=(const String& other) const { return compareTo(other) <= 0; }
  bool operator>=(const String& other) const { return compareTo(other) >= 0; }

  int indexOf(const String& other, size_t from = 0) const;  // -1 if it is not there
  int indexOf(char letter, size_t from = 0) const { return indexOf(String(letter), from); }
  int lastIndexOf(const String& other) const { return lastIndexOf(other, length_); }
  int lastIndexOf(const String& other, size_t from) const;
  int lastIndexOf(char letter) const { return lastIndexOf(String(letter)); }
  int lastIndexOf(char letter, size_t from) const { return lastIndexOf(String(letter), from); }
  String substring(size_t begin) const { return substring(begin, length_); }
  String substring(size_t begin, size_t end) const;

  void remove(size_t from) { remove(from, length_); }
  void remove(size_t from, size_t count);
  void replace(const String& from, const String& to);
  void replace(char from, char to) { replace(String(from), String(to)); }
  void trim();
  void toLowerCase();
  void toUpperCase();

  long toInt() const;
  float toFloat() const { return static_cast<float>(toDouble()); }
  double toDouble() const;

 private:
  void swap(String& other);

  char* text_ = nullptr;  // null, or zero-terminated with room for room_ letters
  size_t length_ = 0;
  size_t room_ = 0;
};

template <typename T>
String operator+(const String& left, const T& right) {
  String sum(left);
  sum += right;
  return sum;
}
inline String operator+(const char* left, const String& right) {
  String sum(left);
  sum += right;
  return sum;
}
