mod assembler;
mod elf;
mod hostile;
mod stripped;
