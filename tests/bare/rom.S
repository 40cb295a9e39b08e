# Enters: an x86-64 CPU as it is after a reset. Leaves: the same CPU in 64-bit mode at ring 0, every address below 1 GiB
# meaning itself, all of its vector registers allowed, and boot() of rom.c running; later, each SYSCALL of the program
# answered by system_call() of rom.c. Figures: Intel SDM volume 3, where it describes control registers, model-specific
# registers, descriptors and page tables. There is no table of interrupts: an exception ends the emulation.

  .code16
  .section .reset, "ax"  # the first instruction that runs: 16 bytes before the end of the ROM
  ljmp $0xf000, $(start - 0xf0000)

  .text
start:
  mov $0x40620, %eax     # CR4: PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
  mov %eax, %cr4
  mov $page_tables, %eax
  mov %eax, %cr3
  mov $0xc0000080, %ecx  # EFER: SCE, LME
  mov $0x101, %eax
  xor %edx, %edx
  wrmsr
  lgdtl %cs:(gdt_pointer - 0xf0000)
  mov $0x80000033, %eax  # CR0: PE, MP, ET, NE, PG
  mov %eax, %cr0
  ljmpl $8, $start64

  .code64
start64:
  mov $0x8000, %esp
  mov $0xd, %eax         # CPUID leaf 0xd: what XCR0 may have; here it gets all of it
  xor %ecx, %ecx
  cpuid
  xor %ecx, %ecx
  xsetbv
  mov $0xc0000081, %ecx  # STAR: SYSCALL's code is selector 8
  xor %eax, %eax
  mov $8, %edx
  wrmsr
  mov $0xc0000082, %ecx  # LSTAR: where SYSCALL goes
  mov $answer, %eax
  xor %edx, %edx
  wrmsr
  fninit
  jmp boot

# Linux's convention, System V ABI for x86-64, appendix A. rax: the call; rdi, rsi, rdx: arguments; rcx, put there by
# SYSCALL: where to return. The answer is in rax; beside it rcx and r11 may change.
answer:
  lea -128(%rsp), %rsp   # the red zone is the program's
  push %rcx
  push %rdi
  push %rsi
  push %rdx
  push %r8
  push %r9
  push %r10
  mov %rax, %rcx         # the fourth argument in C
  call system_call
  pop %r10
  pop %r9
  pop %r8
  pop %rdx
  pop %rsi
  pop %rdi
  pop %rcx
  lea 128(%rsp), %rsp
  jmp *%rcx

gdt:                     # "accessed" is set in all that lies here: the CPU could not set it in a ROM
  .quad 0
  .quad 0x00af9b000000ffff  # 8: 64-bit code
gdt_pointer:
  .word 15
  .long gdt

  .balign 4096
page_tables:             # level 4, level 3: one page of 1 GiB
  .quad gigabytes + 0x23
  .balign 4096
gigabytes:
  .quad 0xe3
  .balign 4096

  .section .note.GNU-stack, ""
