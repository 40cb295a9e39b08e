// Enters: a disk whose sector 0 holds a program's arguments, each ended by a zero byte and the last by one more, and
// whose sectors from 1 on hold a static ELF program. Leaves: the program running as the only thing on this CPU, its
// output on port 0xe9, and "[well]" or "[failed]" after it. The system calls of Linux that it cannot do without are
// answered; to all others the answer is that there is no such call.
#include <asm/unistd.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum { kSector = 512, kHeaderBytes = 4096, kPage = 4096, kMaxArguments = 16, kMiB = 1 << 20, kMillion = 1000000 };
enum { kHeapEnd = 224 * kMiB, kStackTop = 256 * kMiB };          // bochsrc: 256 MiB of memory
enum { kDebugPort = 0xe9, kShutdownPort = 0x8900 };              // both are Bochs's own
enum { kDisk = 0x1f0, kBusy = 0x80, kReady = 8, kRead = 0x20 };  // ATA: registers, status bits, READ SECTORS
enum { kFsBase = 0xc0000100 };                                   // Intel SDM volume 4: IA32_FS_BASE

static char header[kHeaderBytes], arguments[kSector];
static uintptr_t heap;

static void out8(uint16_t port, uint8_t byte) { __asm__ volatile("outb %0, %1" : : "a"(byte), "d"(port)); }

static uint8_t in8(uint16_t port) {
  uint8_t byte;
  __asm__ volatile("inb %1, %0" : "=a"(byte) : "d"(port));
  return byte;
}

static uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

static void put(const char* text, size_t n) {
  for (; n > 0; --n) out8(kDebugPort, (uint8_t)*text++);
}

static void clear(uintptr_t from, uintptr_t to) {
  uintptr_t n = to - from;
  __asm__ volatile("rep stosb" : "+D"(from), "+c"(n) : "a"(0) : "memory");
}

static void shut_down(const char* why) {
  while (*why) put(why++, 1);
  for (const char* name = "Shutdown"; *name; ++name) out8(kShutdownPort, (uint8_t)*name);
}

static void read_disk(uint32_t sector, uint32_t n, uintptr_t to) {
  for (; n > 0; --n, ++sector) {
    uintptr_t words = kSector / 2;
    out8(kDisk + 2, 1);
    out8(kDisk + 3, (uint8_t)sector);
    out8(kDisk + 4, (uint8_t)(sector >> 8));
    out8(kDisk + 5, (uint8_t)(sector >> 16));
    out8(kDisk + 6, 0xe0);  // the first drive, sectors by number
    out8(kDisk + 7, kRead);
    while ((in8(kDisk + 7) & (kBusy | kReady)) != kReady) continue;
    __asm__ volatile("rep insw" : "+D"(to), "+c"(words) : "d"((uint16_t)kDisk) : "memory");
  }
}

// Sectors are read whole: what comes with the segment at its ends lies in pages that it has to itself.
static void load(const Elf64_Phdr* segment) {
  const uintptr_t before = segment->p_offset % kSector, in_file = segment->p_vaddr + segment->p_filesz;
  const uint32_t n = (uint32_t)((before + segment->p_filesz + kSector - 1) / kSector);
  read_disk((uint32_t)(1 + segment->p_offset / kSector), n, segment->p_vaddr - before);
  clear(in_file, segment->p_vaddr + segment->p_memsz);
  heap = (segment->p_vaddr + segment->p_memsz + kPage - 1) / kPage * kPage;
}

// The stack that a program begins with: System V ABI for x86-64, "Initial Stack and Register State".
void boot(void) {
  uint64_t* const stack = (uint64_t*)(uintptr_t)(kStackTop - kPage);
  uint64_t *at = stack + 1, address = 0;
  size_t n_arguments = 0;
  read_disk(0, 1, (uintptr_t)arguments);
  read_disk(1, kHeaderBytes / kSector, (uintptr_t)header);
  const Elf64_Ehdr* elf = (const Elf64_Ehdr*)header;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(header + elf->e_phoff);
  for (int i = 0; i < elf->e_phnum; ++i) {
    if (segments[i].p_type != PT_LOAD) continue;
    if (!address) address = segments[i].p_vaddr;
    load(&segments[i]);
  }
  for (const char* text = arguments; *text && n_arguments < kMaxArguments; ++n_arguments) {
    *at++ = (uintptr_t)text;
    while (*text++) continue;
  }
  stack[0] = n_arguments;
  *at++ = 0;
  *at++ = 0;  // no environment
  const uint64_t facts[][2] = {{AT_PHDR, address + elf->e_phoff},
                               {AT_PHNUM, elf->e_phnum},
                               {AT_PAGESZ, kPage},
                               {AT_RANDOM, (uintptr_t)header},
                               {AT_NULL, 0}};
  for (size_t i = 0; i < sizeof facts / sizeof *facts; ++i) *at++ = facts[i][0], *at++ = facts[i][1];
  __asm__ volatile("mov %0, %%rsp; jmp *%1" : : "r"(stack), "r"(elf->e_entry), "d"(0));
}

long system_call(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t number) {
  switch (number) {
    case __NR_write:
      put((const char*)b, c);
      return (long)c;
    case __NR_brk:
      if (a == 0 || a > kHeapEnd) return (long)heap;
      if (a > heap) clear(heap, a);
      return (long)(heap = a);
    case __NR_arch_prctl:  // ARCH_SET_FS is all that is asked for
      __asm__ volatile("wrmsr" : : "c"(kFsBase), "a"((uint32_t)b), "d"((uint32_t)(b >> 32)));
      return 0;
    case __NR_clock_gettime:  // a second is 10^6 instructions
      ((uint64_t*)b)[0] = ticks() / kMillion;
      ((uint64_t*)b)[1] = ticks() % kMillion * 1000;
      return 0;
    case __NR_mprotect:  // nothing is protected
    case __NR_futex:     // nobody waits
      return 0;
    case __NR_exit_group:
      shut_down(a == 0 ? "\n[well]\n" : "\n[failed]\n");
      return 0;
    case __NR_tgkill:  // abort() to itself
      shut_down("\n[failed]\n");
      return 0;
    default:
      return -ENOSYS;
  }
}
