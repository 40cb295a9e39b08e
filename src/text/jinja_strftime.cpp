// Enters: a moment and a format. Leaves: the moment's text, as strftime writes it in the C locale; and back from ISO text.
#include "jinja_strftime.h"

#include <array>
#include <charconv>
#include <ctime>

#include "escape.h"

namespace hearth::text::jinja {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in(int year, int month) {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[static_cast<std::size_t>(month - 1)] + (month == 2 && is_leap(year) ? 1 : 0);
}

int day_of_year(const Moment& m) {
  int day = m.day;
  for (int month = 1; month < m.month; ++month) day += days_in(m.year, month);
  return day;
}

int weekday(const Moment& m) {  // 0 is Sunday
  const int before = m.year - 1;
  return (before * 365 + before / 4 - before / 100 + before / 400 + day_of_year(m)) % 7;
}

/// Week and year of ISO 8601: weeks begin on Monday, the first has the year's first Thursday.
std::pair<int, int> iso_week(const Moment& m) {
  const int from_monday = (weekday(m) + 6) % 7;
  const int week = (day_of_year(m) - 1 - from_monday + 10) / 7;
  if (week < 1) return iso_week({m.year - 1, 12, 31});
  const bool in_next = week == 53 && day_of_year(m) - from_monday + 3 > (is_leap(m.year) ? 366 : 365);
  return in_next ? std::pair(1, m.year + 1) : std::pair(week, m.year);
}

std::string padded_number(int value, int width, char fill) {
  std::string digits = std::to_string(value);
  if (fill != '-')
    while (static_cast<int>(digits.size()) < width) digits.insert(digits.begin(), fill);
  return digits;
}

struct Number {
  char letter;
  int width;
  char fill;
  int (*of)(const Moment&);
};
constexpr std::array kNumbers = {
    Number{'Y', 1, '0', [](const Moment& m) { return m.year; }},
    Number{'C', 2, '0', [](const Moment& m) { return m.year / 100; }},
    Number{'y', 2, '0', [](const Moment& m) { return m.year % 100; }},
    Number{'m', 2, '0', [](const Moment& m) { return m.month; }},
    Number{'d', 2, '0', [](const Moment& m) { return m.day; }},
    Number{'e', 2, ' ', [](const Moment& m) { return m.day; }},
    Number{'H', 2, '0', [](const Moment& m) { return m.hour; }},
    Number{'k', 2, ' ', [](const Moment& m) { return m.hour; }},
    Number{'I', 2, '0', [](const Moment& m) { return (m.hour + 11) % 12 + 1; }},
    Number{'l', 2, ' ', [](const Moment& m) { return (m.hour + 11) % 12 + 1; }},
    Number{'M', 2, '0', [](const Moment& m) { return m.minute; }},
    Number{'S', 2, '0', [](const Moment& m) { return m.second; }},
    Number{'f', 6, '0', [](const Moment&) { return 0; }},
    Number{'j', 3, '0', day_of_year},
    Number{'w', 1, '0', weekday},
    Number{'u', 1, '0', [](const Moment& m) { return (weekday(m) + 6) % 7 + 1; }},
    Number{'U', 2, '0', [](const Moment& m) { return (day_of_year(m) + 6 - weekday(m)) / 7; }},
    Number{'W', 2, '0', [](const Moment& m) { return (day_of_year(m) + 6 - (weekday(m) + 6) % 7) / 7; }},
    Number{'V', 2, '0', [](const Moment& m) { return iso_week(m).first; }},
    Number{'G', 1, '0', [](const Moment& m) { return iso_week(m).second; }},
};

struct Phrase {
  char letter;
  std::string_view format;
};
constexpr std::array kPhrases = {
    Phrase{'F', "%Y-%m-%d"},
    Phrase{'T', "%H:%M:%S"},
    Phrase{'R', "%H:%M"},
    Phrase{'D', "%m/%d/%y"},
    Phrase{'c', "%a %b %e %T %Y"},
    Phrase{'x', "%D"},
    Phrase{'X', "%T"},
    Phrase{'r', "%I:%M:%S %p"},
    Phrase{'h', "%b"},
    Phrase{'n', "\n"},
    Phrase{'t', "\t"},
};

std::string one(const Moment& m, char letter, char flag) {
  const auto name = [&](std::string_view text, bool whole) {
    return std::string(text.substr(0, whole ? text.npos : 3));
  };
  if (letter == 'a' || letter == 'A') return name(kDays[static_cast<std::size_t>(weekday(m))], letter == 'A');
  if (letter == 'b' || letter == 'B') return name(kMonths[static_cast<std::size_t>(m.month - 1)], letter == 'B');
  if (letter == 'p') return m.hour < 12 ? "AM" : "PM";
  if (letter == 'P') return m.hour < 12 ? "am" : "pm";
  if (letter == 'Z' || letter == 'z') return "";  // the moment has no zone
  if (letter == '%') return "%";
  for (const Phrase& row : kPhrases)
    if (row.letter == letter) return written_moment(m, row.format);
  for (const Number& row : kNumbers)
    if (row.letter == letter)
      return padded_number(row.of(m), row.width, flag == '-' ? '-' : flag == '_' ? ' ' : row.fill);
  return std::string("%") + letter;
}

bool read_digits(std::string_view text, std::size_t at, std::size_t n, int& value) {
  const std::string_view digits = text.substr(at, n);
  return digits.size() == n && digits.find_first_not_of("0123456789") == std::string_view::npos &&
         std::from_chars(digits.data(), digits.data() + n, value).ec == std::errc();
}

}  // namespace

std::string written_moment(const Moment& moment, std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char flag = format[++i];
    if ((flag == '-' || flag == '_' || flag == '0') && i + 1 < format.size()) ++i;
    else flag = 0;
    out += one(moment, format[i], flag);
  }
  return out;
}

std::optional<Moment> read_moment(std::string_view iso) {
  Moment m;
  const bool date = iso.size() >= 10 && read_digits(iso, 0, 4, m.year) && iso[4] == '-' &&
                    read_digits(iso, 5, 2, m.month) && iso[7] == '-' && read_digits(iso, 8, 2, m.day);
  const bool has_time = iso.size() == 19;
  const bool time = has_time && (iso[10] == 'T' || iso[10] == ' ') && read_digits(iso, 11, 2, m.hour) &&
                    iso[13] == ':' && read_digits(iso, 14, 2, m.minute) && iso[16] == ':' &&
                    read_digits(iso, 17, 2, m.second);
  if (!date || (iso.size() != 10 && !time)) return std::nullopt;
  const bool real = m.year >= 1 && m.month >= 1 && m.month <= 12 && m.day >= 1 && m.day <= days_in(m.year, m.month) &&
                    m.hour <= 23 && m.minute <= 59 && m.second <= 60;
  return real ? std::optional(m) : std::nullopt;
}

Result<Moment> moment_or_now(std::string_view iso) {
  if (const auto given = read_moment(iso)) return *given;
  if (!iso.empty())
    return Error(Status::invalid_argument, "'" + escape(iso) + "' is no moment; now; write it as 2026-11-22T09:30:00");
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return Moment{local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec};
}

}  // namespace hearth::text::jinja
