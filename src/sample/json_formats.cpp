// Enters: the name of a string format of JSON Schema. Leaves: a regular expression for its texts.
#include "json_formats.h"

namespace hearth::sample {
namespace {

#define HEARTH_YEAR "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
#define HEARTH_LEAP_YEAR "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
#define HEARTH_DATE                                                                                          \
  "(" HEARTH_YEAR                                                                                            \
  "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))" \
  "|" HEARTH_LEAP_YEAR "-02-29)"
#define HEARTH_MINUTES "([01][0-9]|2[0-3]):[0-5][0-9]"
#define HEARTH_TIME "(" HEARTH_MINUTES ":[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]" HEARTH_MINUTES "))"
#define HEARTH_BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define HEARTH_LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HEARTH_ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}"
#define HEARTH_GROUP "[0-9A-Fa-f]{1,4}"
#define HEARTH_GROUPS(times) "(" HEARTH_GROUP ":){" times "}"
#define HEARTH_MORE(times) "(:" HEARTH_GROUP "){" times "}"

// RFC 3339, RFC 4122, RFC 2673, RFC 4291, RFC 1123 and RFC 5321, section by section.
constexpr JsonFormat formats[] = {
    {"date", HEARTH_DATE},
    {"time", HEARTH_TIME},
    {"date-time", HEARTH_DATE "T" HEARTH_TIME},
    {"uuid", "[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"},
    {"ipv4", "(" HEARTH_BYTE "\\.){3}" HEARTH_BYTE},
    {"ipv6", HEARTH_GROUPS("7") HEARTH_GROUP "|" HEARTH_GROUPS("1,6") HEARTH_MORE("1") "|" HEARTH_GROUPS("1,5")
                 HEARTH_MORE("1,2") "|" HEARTH_GROUPS("1,4") HEARTH_MORE("1,3") "|" HEARTH_GROUPS("1,3")
                     HEARTH_MORE("1,4") "|" HEARTH_GROUPS("1,2") HEARTH_MORE("1,5") "|" HEARTH_GROUPS("1")
                         HEARTH_MORE("1,6") "|" HEARTH_GROUPS("1,7") ":|:" HEARTH_MORE("1,7") "|::"},
    {"hostname", HEARTH_LABEL "(\\." HEARTH_LABEL "){0,2}"},
    {"email", HEARTH_ATOM "(\\." HEARTH_ATOM "){0,2}@" HEARTH_LABEL "(\\." HEARTH_LABEL "){1,2}"},
};

#undef HEARTH_YEAR
#undef HEARTH_LEAP_YEAR
#undef HEARTH_DATE
#undef HEARTH_MINUTES
#undef HEARTH_TIME
#undef HEARTH_BYTE
#undef HEARTH_LABEL
#undef HEARTH_ATOM
#undef HEARTH_GROUP
#undef HEARTH_GROUPS
#undef HEARTH_MORE

}  // namespace

std::span<const JsonFormat> json_formats() { return formats; }

}  // namespace hearth::sample
