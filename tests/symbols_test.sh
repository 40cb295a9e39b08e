#!/usr/bin/env bash
# Enters: a list of libhearth's own object files. Leaves: success when none asks for a function that talks to the network,
# ends the process or prints, and no instruction set's object can lend its code to another's.
set -euo pipefail
mapfile -t objects < <(grep . "$1")
bad=0

network='socket|socketpair|connect|bind|listen|accept4?|shutdown|getaddrinfo|gethostbyname(2|_r)?|getnameinfo|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|[gs]etsockopt|res_n?query|inet_.*'
ending='abort|exit|_exit|_Exit|quick_exit|__assert_fail|raise|kill|pthread_exit|longjmp'
printing='(v|vf|f|d|vd)?printf|__(v|f|vf)?printf_chk|f?puts|fputc|putc|putchar|perror|psignal|stdout|stderr|syslog'
streams='_ZSt4c(out|err|log)|_ZSt5w(cout|cerr|clog)|_ZNSt8ios_base4Init.*'
starting='system|popen|execv[pe]*|execl[pe]*'

for object in "${objects[@]}"; do
  # nm writes "U name"; versions (name@GLIBC) only appear in linked files.
  found=$(nm --undefined-only "$object" | awk '{ print $2 }' | grep -xE "$network|$ending|$printing|$streams|$starting" || true)
  [[ -z $found ]] || { echo "$object asks for:" $found; bad=1; }
done

# std::terminate stands in what compilers make of noexcept and in std::thread's own header; by hand it is written nowhere.
root=$(cd "$(dirname "$0")/.." && pwd)
if grep -rnE '\bterminate *\(|\bset_terminate\b|\b(abort|quick_exit|_exit) *\(' "$root/src" "$root/kernels" "$root/include"; then bad=1; fi

# Constants may be shared, code may not: a weak function compiled for AVX-512 may become the copy that the linker keeps for
# everybody, and fault on a lesser machine.
for object in "${objects[@]}"; do
  [[ $object =~ hearth_kernels_([a-z0-9]+)\.dir ]] || continue
  isa=${BASH_REMATCH[1]}
  weak=$(nm -C --defined-only "$object" | sed -nE 's/^[0-9a-f]* W //p' | grep -vE "hearth::kernels::$isa::|xsimd::|^DW\.ref\." || true)
  [[ -z $weak ]] || { echo "$object defines weak symbols outside hearth::kernels::$isa:"; echo "$weak"; bad=1; }
done

((${#objects[@]} > 0)) || { echo "no objects listed"; exit 1; }
exit $bad
