"""A BIOS of our own that does, in a moment, what boot loaders do, and says that it could.

A host may start a CPU and then not run what every boot needs: Linux' kvm-pvm ends with "KVM
internal error" at the IRET below, and would do so in the middle of the boot loader.

    .code16
        cli
        ljmp $0xf000, $1f            # to where the ROM is seen in low memory
    1:  lgdtl %cs:gdtr
        mov %cr0, %eax
        or $1, %al                   # protected mode
        mov %eax, %cr0
        ljmpl $8, $(0xf0000 + 2f)
    .code32
    2:  mov $0x10, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $0x7000, %esp
        pushf
        push %cs
        pushl $(0xf0000 + 3f)
        iret
    3:  mov $0x10, %al
        out %al, $0xf4               # the device isa-debug-exit
    4:  hlt
        jmp 4b
    .balign 8
    gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
    gdtr: .word 23
        .long 0xf0000 + gdt
"""

from __future__ import annotations

SIZE = 64 * 1024
PASSED = 33  # isa-debug-exit ends QEMU with twice the number that is written to it, and one
PORT = 0xF4

_CODE = bytes.fromhex(
    "faea060000f02e660f011658000f20c00c010f22c066ea1d000f00080066b810"
    "008ed88ed0bc007000009c0e6832000f00cfb010e6f4f4ebfd8db42600000000"
    "0000000000000000ffff0000009bcf00ffff00000093cf00170040000f00"
)
_RESET = 0xFFF0  # where a CPU begins
_JUMP_TO_START = b"\xe9" + ((-_RESET - 3) & 0xFFFF).to_bytes(2, "little")


def content() -> bytes:
    """Return the ROM."""
    code = _CODE.ljust(_RESET, b"\xf4") + _JUMP_TO_START
    return code.ljust(SIZE, b"\xf4")
